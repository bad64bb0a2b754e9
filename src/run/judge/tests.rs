use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use super::*;
use crate::run::observe::etcd::EtcdAnswer;
use crate::run::observe::passage::NoReport;
use crate::run::observe::{Fact, FailedCheck, Source, View, patroni};

fn fact<T>(value: T) -> Fact<T> {
    Fact { value, source: Source::Patroni, told: SystemTime::UNIX_EPOCH, delay: Duration::ZERO }
}

/// Members at 10.20.0.1, 10.20.0.2, …: what each does, its state and its timeline.
fn view(scope: &str, members: &[(&str, &str, u64)]) -> View {
    let members: Vec<serde_json::Value> = (members.iter().zip(1..))
        .map(|((role, state, timeline), n)| {
            serde_json::json!({"host": format!("10.20.0.{n}"), "role": role, "state": state, "timeline": timeline})
        })
        .collect();
    let json = serde_json::json!({"scope": scope, "members": members});
    View::Cluster(patroni::read(&json.to_string()).unwrap())
}

fn seen(view: View) -> Observation {
    Observation {
        haproxy: HaproxyAddress { machine: "haproxy".into(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) },
        view: fact(view),
        health: Some(fact(Ok(200))),
        write: Some(fact(Ok(()))),
        read: Some(fact(Ok(()))),
        etcd: None,
        disks: None,
        silent: None,
        settings: None,
    }
}

fn judged(seen: &Observation) -> Verdict {
    judge(&Expected::of_test(2), &ClusterAccess::of_test(), std::slice::from_ref(seen))
}

/// Judges what was observed through haproxy and haproxy2.
fn judged_both(one: Observation, two: Observation) -> Verdict {
    let haproxy = HaproxyAddress { machine: "haproxy2".into(), address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)) };
    let seen = [one, Observation { haproxy, ..two }];
    judge(&Expected::of_test(2).with_two_haproxies(), &ClusterAccess::of_test(), &seen)
}

/// Nothing comes back from a HAProxy.
fn nothing() -> Observation {
    let view = View::NoAnswer { why: "timed out".into(), is_open: false };
    let closed = || Some(fact(Err("timed out".to_string())));
    Observation { health: None, write: closed(), read: closed(), ..seen(view) }
}

const HEALTHY: [(&str, &str, u64); 3] =
    [("leader", "running", 3), ("sync_standby", "streaming", 3), ("replica", "streaming", 3)];

#[test]
fn one_primary_and_streaming_standbys_are_healthy() {
    let verdict = judged(&seen(view("herd", &HEALTHY)));
    assert!(verdict.is_healthy() && verdict.has_primary && verdict.reach == Reach::Haproxy, "{verdict:?}");
    assert_eq!(verdict.members.len(), 3);
}

#[test]
fn each_fault_of_the_members_is_a_separate_problem() {
    let problems = |members: &[(&str, &str, u64)]| judged(&seen(view("herd", members))).problems;
    let slave2 = || "slave2".to_string();
    let [leader, sync, standby] = HEALTHY;
    assert_eq!(problems(&[leader, sync]), [Problem::NotMember { machine: slave2() }]);
    assert_eq!(
        problems(&[leader, sync, ("replica", "starting", 3)]),
        [Problem::NotStreaming { machine: slave2(), state: "starting".into() }]
    );
    assert_eq!(
        problems(&[leader, sync, ("replica", "streaming", 2)]),
        [Problem::OtherTimeline { machine: slave2(), timeline: Some(2), primary: 3 }]
    );
    assert_eq!(problems(&[leader, standby, standby]), [Problem::NoSyncStandby]);
    assert_eq!(problems(&[standby, sync, standby])[0], Problem::NoPrimary);
    assert_eq!(problems(&[leader, leader, sync]), [Problem::SeveralPrimaries(2)]);
    assert_eq!(
        problems(&[("leader", "starting", 3), sync, standby]),
        [Problem::PrimaryIs { host: "10.20.0.1".into(), state: "starting".into() }]
    );
}

/// Patroni still counts a dead machine among the streaming, or as no member: its silence is all that is said of it.
#[test]
fn a_silent_machine_is_one_problem_and_comes_first() {
    let silent = Silent { machine: "slave2".into(), seconds: Some(42), check: FailedCheck::NoReply };
    let other = Silent { machine: "of-another-cluster".into(), ..silent.clone() };
    for members in [&HEALTHY[..], &HEALTHY[..2]] {
        let mut seen = seen(view("herd", members));
        seen.health = Some(fact(Ok(503)));
        seen.silent = Some(fact(vec![silent.clone(), other.clone()]));
        let verdict = judged(&seen);
        let none = Problem::NoPrimaryBehindHaproxy { haproxy: "haproxy".into(), status: 503 };
        assert_eq!(verdict.problems, [Problem::Silent(silent.clone()), none]);
        // Nor does its etcd, which adds nothing. That etcd has no majority does.
        let no = EtcdAnswer { machine: "slave2".into(), report: Err(NoReport::NoConnection) };
        seen.etcd = Some(fact(vec![no]));
        let lost = Problem::Etcd(EtcdProblem::NoMajority { reporting: 0, members: 3 });
        assert_eq!(judged(&seen).problems[..2], [Problem::Silent(silent.clone()), lost]);
        assert!(!verdict.has_primary);
        assert_eq!(verdict.silent, std::slice::from_ref(&silent));
    }
}

#[test]
fn an_unreachable_cluster_is_distinguished_from_an_unhealthy_one() {
    let nothing = |is_open| {
        let view = View::NoAnswer { why: "timed out".into(), is_open };
        judged(&Observation { health: None, write: None, read: None, ..seen(view) })
    };
    assert!(nothing(false).is_blind() && !nothing(true).is_blind());
    assert_eq!(nothing(true).reach, Reach::Address);
    let other = judged(&seen(view("other", &HEALTHY)));
    assert_eq!((other.reach, other.members.len()), (Reach::OtherCluster, 0));
    assert!(matches!(&other.problems[..], [Problem::OtherCluster { name, .. }] if name == "other"), "{other:?}");
    let stranger = judged(&Observation { health: Some(fact(Ok(404))), ..seen(View::Status(404)) });
    assert_eq!(stranger.reach, Reach::OtherCluster);
    assert!(matches!(&stranger.problems[..], [Problem::OtherServer { status: 404, .. }]), "{stranger:?}");
    assert_eq!(judged(&seen(View::Status(503))).reach, Reach::Haproxy);
    let refused = Observation { write: Some(fact(Err("closed".into()))), ..seen(view("herd", &HEALTHY)) };
    assert!(matches!(&judged(&refused).problems[..], [Problem::NoPostgres { service: Service::Write, .. }]));
}

#[test]
fn a_fact_is_as_old_as_its_source_allows() {
    let told = SystemTime::UNIX_EPOCH;
    let fact = Fact { value: (), source: Source::Patroni, told, delay: Duration::from_secs(20) };
    assert_eq!(fact.age(told + Duration::from_secs(3)), Duration::from_secs(23));
}

/// What Patroni still shows of a cluster whose etcd has no majority is not believed.
#[test]
fn a_lost_majority_of_etcd_comes_first_and_outdates_patronis_view() {
    use crate::run::observe::etcd::EtcdReport;
    let status =
        serde_json::json!({"header": {"cluster_id": "9", "member_id": "1", "revision": "40"}, "raftTerm": "4"});
    let report = EtcdReport { status: serde_json::from_value(status).unwrap(), members: vec![], hash: None };
    let mut all = vec![EtcdAnswer { machine: "master".into(), report: Ok(report) }];
    for machine in ["slave1", "slave2"] {
        all.push(EtcdAnswer { machine: machine.into(), report: Err(NoReport::NoConnection) });
    }
    let lost = Problem::Etcd(EtcdProblem::NoMajority { reporting: 1, members: 3 });
    let verdict = judged(&Observation { etcd: Some(fact(all.clone())), ..seen(view("herd", &HEALTHY)) });
    assert!(verdict.lost_majority && !verdict.is_healthy(), "{verdict:?}");
    assert_eq!(verdict.problems[2], lost);
    // Patroni answers with an error then. That is not the absence of every database.
    let error = judged(&Observation { etcd: Some(fact(all)), ..seen(View::Status(503)) });
    assert!(error.problems.contains(&lost), "{error:?}");
    assert!(!error.problems.iter().any(|problem| matches!(problem, Problem::NoDatabase { .. })), "{error:?}");
}

#[test]
fn a_port_that_answers_is_believed_although_the_admin_port_is_silent() {
    let view = View::NoAnswer { why: "timed out".into(), is_open: false };
    let silent = Observation { health: None, read: Some(fact(Err("timed out".into()))), ..seen(view) };
    let verdict = judged(&silent);
    assert_eq!(verdict.reach, Reach::Address);
    assert!(matches!(
        &verdict.problems[..],
        [Problem::NoAnswer { .. }, Problem::NoPostgres { service: Service::Read, .. }]
    ));
}

fn texts(verdict: &Verdict) -> Vec<String> {
    verdict.problems.iter().map(Problem::to_string).collect()
}

#[test]
fn two_haproxies_that_serve_are_healthy() {
    let verdict = judged_both(seen(view("herd", &HEALTHY)), seen(view("herd", &HEALTHY)));
    assert!(verdict.is_healthy() && verdict.has_primary && verdict.members.len() == 3, "{verdict:?}");
    assert!(verdict.haproxies.iter().all(|haproxy| haproxy.serves && haproxy.reach == Reach::Haproxy));
}

#[test]
fn one_haproxy_that_is_down_is_named_and_the_cluster_is_known_through_the_other() {
    for down in ["haproxy", "haproxy2"] {
        let up = seen(view("herd", &HEALTHY));
        let verdict = if down == "haproxy" { judged_both(nothing(), up) } else { judged_both(up, nothing()) };
        let said = texts(&verdict);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("{down} does not respond at 127.0.0.")), "{said:?}");
        assert_eq!(verdict.problems[0].machine(), Some(down));
        assert!(verdict.reach == Reach::Haproxy && verdict.has_primary && verdict.members.len() == 3);
        assert_eq!(
            verdict.haproxies.iter().map(|one| one.serves).collect::<Vec<_>>(),
            [down != "haproxy", down == "haproxy"]
        );
    }
    let none = judged_both(nothing(), nothing());
    assert!(none.is_blind() && none.members.is_empty() && none.problems.len() == 2, "{none:?}");
}

/// Its own network may fail. Then it is the one that is wrong, not the cluster.
#[test]
fn what_only_one_haproxy_does_not_reach_is_its_own_problem() {
    let silent = |machine: &str| Silent { machine: machine.into(), seconds: Some(9), check: FailedCheck::NoReply };
    let mut cut = seen(view("herd", &HEALTHY));
    cut.health = Some(fact(Ok(503)));
    cut.silent = Some(fact(vec![silent("master"), silent("slave2")]));
    let mut well = seen(view("herd", &HEALTHY));
    well.silent = Some(fact(vec![silent("slave2")]));
    let verdict = judged_both(cut, well);
    assert_eq!(verdict.silent, [silent("slave2")], "neither reaches it");
    let expected = [
        Problem::Silent(silent("slave2")),
        Problem::NoPrimaryBehindHaproxy { haproxy: "haproxy".into(), status: 503 },
        Problem::Unreached { haproxy: "haproxy".into(), silent: silent("master") },
    ];
    assert_eq!(verdict.problems, expected);
    assert!(verdict.has_primary && !verdict.haproxies[0].serves && verdict.haproxies[1].serves);
}

#[test]
fn haproxies_that_lead_to_different_primaries_are_a_problem() {
    let [leader, sync, standby] = HEALTHY;
    let differ = |cut: &[(&str, &str, u64)]| {
        let stale = Observation { health: Some(fact(Ok(503))), ..seen(view("herd", cut)) };
        judged_both(stale, seen(view("herd", &[sync, leader, standby])))
    };
    let verdict = differ(&HEALTHY);
    let said = texts(&verdict);
    assert!(
        said[0].ends_with("through haproxy, Patroni reports master as the primary; through haproxy2, Patroni reports slave1 as the primary"),
        "{said:?}"
    );
    assert_eq!(verdict.members[1].standing(), Standing::Primary, "the view whose HAProxy finds a primary is believed");
    assert!(
        texts(&differ(&[standby, sync, standby]))[0].contains("through haproxy, Patroni reports none as the primary")
    );
}

#[test]
fn another_cluster_at_one_address_is_a_problem_of_that_haproxy() {
    let verdict = judged_both(seen(view("other", &HEALTHY[..1])), seen(view("herd", &HEALTHY)));
    assert_eq!((verdict.reach, verdict.members.len()), (Reach::Haproxy, 3));
    assert!(verdict.shows_other() && verdict.haproxies[0].reach == Reach::OtherCluster);
    assert!(
        matches!(&verdict.problems[..], [Problem::OtherCluster { haproxy, name, .. }] if haproxy == "haproxy" && name == "other"),
        "{verdict:?}"
    );
    let none = judged_both(seen(view("other", &HEALTHY)), nothing());
    assert_eq!((none.reach, none.members.len()), (Reach::OtherCluster, 0));
}

/// One HAProxy may not reach a member, or may be of an image that knows no way to it.
#[test]
fn etcd_is_known_through_whichever_haproxy_reaches_it() {
    use crate::run::observe::etcd::EtcdReport;
    let report = |id: u64| {
        let members: Vec<_> = (1..=3)
            .map(|n: u8| {
                let url = |port| format!("http://10.20.0.{n}:{port}");
                serde_json::json!({"ID": n.to_string(), "name": "x", "peerURLs": [url(2380)], "clientURLs": [url(2379)]})
            })
            .collect();
        let status = serde_json::json!({"header": {"cluster_id": "9", "member_id": id.to_string(), "revision": "40"},
                                        "raftTerm": "4", "leader": "1"});
        let members = serde_json::from_value(members.into()).unwrap();
        Ok(EtcdReport { status: serde_json::from_value(status).unwrap(), members, hash: None })
    };
    let through = |reports: [Result<EtcdReport, NoReport>; 3]| {
        let all = ["master", "slave1", "slave2"].iter().zip(reports);
        let all = all.map(|(machine, report)| EtcdAnswer { machine: (*machine).into(), report });
        Observation { etcd: Some(fact(all.collect())), ..seen(view("herd", &HEALTHY)) }
    };
    let no = |why: &NoReport| Err(why.clone());
    let (path, connection) = (NoReport::NoPath, NoReport::NoConnection);
    let old = || through([no(&path), no(&path), no(&path)]);
    let verdict =
        judged_both(through([no(&connection), report(2), report(3)]), through([report(1), report(2), no(&connection)]));
    assert!(verdict.is_healthy() && verdict.etcd.iter().all(|answer| answer.report.is_ok()), "{verdict:?}");
    assert!(judged_both(old(), through([report(1), report(2), report(3)])).is_healthy());
    let down = judged_both(old(), through([report(1), report(2), no(&connection)]));
    let problem = Problem::Etcd(EtcdProblem::NoReport { machine: "slave2".into(), why: connection });
    assert_eq!(down.problems, [problem]);
    assert_eq!(judged_both(old(), old()).problems, [Problem::Etcd(EtcdProblem::NotAsked)]);
}
