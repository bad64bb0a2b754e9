use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use super::*;
use crate::run::observe::etcd::EtcdAnswer;
use crate::run::observe::{Fact, FailedCheck, Source, patroni};

const HAPROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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
        haproxy: HAPROXY,
        view: fact(view),
        health: Some(fact(Ok(200))),
        write: Some(fact(Ok(()))),
        read: Some(fact(Ok(()))),
        etcd: None,
        silent: None,
        settings: None,
    }
}

fn judged(seen: &Observation) -> Verdict {
    judge(&Expected::of_test(2), &ClusterAccess::of_test(), seen)
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
        let none = Problem::NoPrimaryBehindHaproxy { status: 503 };
        assert_eq!(verdict.problems, [Problem::Silent(silent.clone()), none]);
        // Nor does its etcd, which adds nothing. That etcd has no majority does.
        let no =
            EtcdAnswer { machine: "slave2".into(), report: Err(crate::run::observe::etcd::NoReport::NoConnection) };
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
    use crate::run::observe::etcd::{EtcdReport, NoReport};
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
