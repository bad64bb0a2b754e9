use serde_json::{Value, json};

use super::*;

/// A healthy member of three: master leads, each holds the same keys.
fn status(n: u64) -> Value {
    json!({"header": {"cluster_id": "9", "member_id": n.to_string(), "revision": "40"}, "version": "3.5.16", "dbSize": "20480",
           "leader": "1", "raftIndex": "100", "raftTerm": "4", "raftAppliedIndex": "100"})
}

fn member(n: u64) -> Value {
    let url = |port: u16| json!([format!("http://10.20.0.{n}:{port}")]);
    json!({"ID": n.to_string(), "name": format!("m{n}"), "peerURLs": url(2380), "clientURLs": url(2379)})
}

/// Three members, after a change to what each of them reports.
fn answers(change: impl Fn(u64, &mut Value, &mut Value)) -> Vec<EtcdAnswer> {
    let answer = |(n, machine): (u64, &str)| {
        let mut list = json!([member(1), member(2), member(3)]);
        let mut all = status(n);
        all["hash"] = json!(7);
        change(n, &mut all, &mut list);
        let hash = all["hash"].as_u64().unwrap();
        let status: crate::run::observe::etcd::Status = serde_json::from_value(all).unwrap();
        let revision = status.revision();
        let hash = Some(crate::run::observe::etcd::KeysHash { hash, revision, compacted: 5 });
        EtcdAnswer {
            machine: machine.into(),
            report: Ok(EtcdReport { status, members: serde_json::from_value(list).unwrap(), hash }),
        }
    };
    [(1, "master"), (2, "slave1"), (3, "slave2")].into_iter().map(answer).collect()
}

fn judged(answers: &[EtcdAnswer]) -> Vec<EtcdProblem> {
    judge(&Expected::of_test(2), answers)
}

fn slave2() -> String {
    "slave2".into()
}

#[test]
fn three_members_that_agree_are_healthy() {
    assert_eq!(judged(&answers(|_, _, _| {})), []);
}

#[test]
fn each_fault_of_raft_is_a_separate_problem() {
    let lonely = answers(|n, status, _| {
        if n == 3 {
            status["leader"] = json!("0");
        }
    });
    assert_eq!(judged(&lonely), [EtcdProblem::NoLeader { machine: slave2() }]);
    let late = answers(|n, status, _| {
        if n == 3 {
            status["raftTerm"] = json!("3");
            status["leader"] = json!("2");
        }
    });
    assert_eq!(judged(&late), [EtcdProblem::OtherTerm { machine: slave2(), term: 3, newest: 4 }]);
    let behind = |lacks: u64| {
        judged(&answers(|n, status, _| {
            let index = if n == 3 { 1000 - lacks } else { 1000 };
            status["raftIndex"] = json!("1000");
            status["raftAppliedIndex"] = json!(index.to_string());
            status["header"]["revision"] = json!((index - 60).to_string());
        }))
    };
    assert_eq!(behind(100), []);
    assert_eq!(behind(101), [EtcdProblem::Behind { machine: slave2(), entries: 101 }]);
}

#[test]
fn a_lost_majority_is_told_from_members_that_say_nothing() {
    let mut seen = answers(|_, status, _| {
        status["leader"] = json!("0");
        status["errors"] = json!(["etcdserver: no leader"]);
    });
    for member in &mut seen[1..] {
        member.report = Err(NoReport::NoConnection);
    }
    let no = |machine: &str| EtcdProblem::NoReport { machine: machine.into(), why: NoReport::NoConnection };
    assert_eq!(judged(&seen), [no("slave1"), no("slave2"), EtcdProblem::NoMajority { reporting: 1, members: 3 }]);
    seen[0].report = Err(NoReport::NoConnection);
    assert_eq!(judged(&seen)[3], EtcdProblem::NoMajority { reporting: 0, members: 3 });
    seen[0].report = Err(NoReport::NoPath);
    assert_eq!(judged(&seen), [EtcdProblem::NotAsked], "nothing else can be told then");
    // One that is silent is no lost majority.
    let mut seen = answers(|_, _, _| {});
    seen[2].report = Err(NoReport::Hangs);
    assert_eq!(judged(&seen), [EtcdProblem::NoReport { machine: slave2(), why: NoReport::Hangs }]);
}

#[test]
fn the_list_of_members_is_held_against_the_machines() {
    let seen = answers(|_, _, list| list.as_array_mut().unwrap().push(member(0xab)));
    assert_eq!(judged(&seen), [EtcdProblem::Stale { name: "m171".into(), id: "ab".into() }]);
    // A replaced machine has a new ID, and its former member is still there.
    let former = answers(|_, _, list| {
        let mut former = member(0xab);
        former["peerURLs"] = json!(["http://10.20.0.3:2380"]);
        list.as_array_mut().unwrap().push(former);
    });
    assert_eq!(judged(&former), [EtcdProblem::Stale { name: "m171".into(), id: "ab".into() }]);
    let missing = answers(|n, _, list| {
        if n == 1 {
            list.as_array_mut().unwrap().pop();
        }
    });
    assert_eq!(judged(&missing), [EtcdProblem::NotListed { machine: slave2() }], "the leader's list counts");
    let mut waiting = answers(|_, _, list| list[2]["clientURLs"] = json!([]));
    waiting[2].report = Err(NoReport::NoConnection);
    let no = EtcdProblem::NoReport { machine: slave2(), why: NoReport::NoConnection };
    assert_eq!(judged(&waiting), [no, EtcdProblem::NotStarted { machine: slave2() }]);
    let other = answers(|n, status, _| {
        if n == 3 {
            status["header"]["cluster_id"] = json!("8");
            status["raftTerm"] = json!("4");
        }
    });
    assert_eq!(judged(&other), [EtcdProblem::OtherCluster { machine: slave2() }]);
}

#[test]
fn alarms_sizes_and_hashes_are_problems() {
    let full = answers(|_, status, _| status["errors"] = json!(["memberID:2 alarm:NOSPACE ", "alarm:CORRUPT "]));
    let alarm = |machine: Option<&str>, alarm: &str| EtcdProblem::Alarm {
        machine: machine.map(String::from),
        alarm: alarm.into(),
    };
    assert_eq!(judged(&full), [alarm(Some("slave1"), "NOSPACE"), alarm(None, "CORRUPT")], "each once");
    let quota = Expected::of_test(2).etcd_quota;
    let size = |bytes: u64| judged(&answers(|_, status, _| status["dbSize"] = json!(bytes.to_string())));
    assert_eq!(size(quota / 5 * 4), []);
    assert_eq!(size(quota / 5 * 4 + 4).len(), 3);
    let differ = answers(|n, status, _| {
        if n == 3 {
            status["hash"] = json!(8);
        }
    });
    let groups = vec![vec!["master".to_string(), "slave1".into()], vec![slave2()]];
    assert_eq!(judged(&differ), [EtcdProblem::KeysDiffer { groups: groups.clone() }]);
    let forked = answers(|n, status, _| {
        if n == 3 {
            status["header"]["revision"] = json!("39");
        }
    });
    assert_eq!(judged(&forked), [EtcdProblem::KeysDiffer { groups }]);
}
