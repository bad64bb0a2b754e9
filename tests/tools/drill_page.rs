//! The page of a drill, checked in a real browser.

use std::collections::BTreeMap;
use std::fs;

use pgherd::blueprint;
use pgherd::cli::{Progress, drill_page};
use pgherd::cluster::resolve;
use pgherd::drill::timeline::{ClientPort, Moment, Movement, Timeline, Witness};
use pgherd::drill::{DrillReport, FaultReport, HostReport, TrialReport};
use tempfile::TempDir;

use crate::real::browser::{look, picture};

/// A trial in which slave1 takes over after 1.2 s.
fn trial(number: usize, stopped: u64) -> TrialReport {
    let serves = |port, machines: &[&str], fallback: &str| Movement::Serves {
        haproxy: "haproxy".into(),
        port,
        machines: machines.iter().map(|machine| machine.to_string()).collect(),
        fallback: fallback.into(),
    };
    let database = |machine: &str, state: &str| Movement::Database { machine: machine.into(), state: state.into() };
    let primary = |machine: Option<&str>| Movement::Primary { machine: machine.map(String::from) };
    let moments = [
        (-2900, primary(Some("master"))),
        (-2900, database("master", "primary, running")),
        (-2900, database("slave1", "sync standby, streaming")),
        (-2900, database("slave2", "sync standby, streaming")),
        (-2900, Movement::EtcdLeader { machine: Some("slave2".into()), term: 3 }),
        (-2900, serves(ClientPort::Write, &["master"], "")),
        (-2900, serves(ClientPort::Read, &["slave1", "slave2"], "")),
        (0, Movement::FaultBegan),
        (500, primary(None)),
        (600, serves(ClientPort::Write, &[], "")),
        (1200, primary(Some("slave1"))),
        (1200, database("master", "")),
        (1200, database("slave1", "primary, running")),
        (1400, serves(ClientPort::Write, &["slave1"], "")),
        (1900, serves(ClientPort::Read, &["slave1"], "as primary")),
        (2600, serves(ClientPort::Read, &["slave2"], "")),
        (4000, Movement::Silent { source: Witness::Etcd }),
        (5000, Movement::EtcdLeader { machine: Some("slave1".into()), term: 4 }),
        (8000, Movement::FaultUndone),
        (9500, database("master", "standby, starting")),
        (11_000, database("master", "standby, streaming")),
        (11_200, serves(ClientPort::Read, &["master", "slave2"], "")),
        (12_000, Movement::Healthy),
    ];
    let rows =
        |ms: i64| if (0..1400).contains(&ms) { 0 } else { 30 + u32::try_from(ms.rem_euclid(700) / 100).unwrap() };
    let age = |ms: i64| if (2000..6500).contains(&ms) { u64::try_from(ms - 2000).unwrap() } else { 0 };
    let steps = || (-3000..17_000).step_by(100);
    TrialReport {
        fault: "machine".into(),
        trial: number,
        machines: vec!["master".into()],
        lasted_ms: 8000,
        writes_stopped_ms: stopped,
        reads_stopped_ms: 700,
        bound_ms: Some(26_700),
        reads_bound_ms: Some(4100),
        acknowledged: 5012,
        reads: 400,
        stalest_ms: 4400,
        staleness_bound_ms: Some(4900),
        stalest_machine: Some("slave2".into()),
        errors: [("writer 1".to_string(), BTreeMap::from([("<b>early</b> & eof".to_string(), 7)]))].into(),
        healthy_after_ms: Some(4000),
        primary_before: "master".into(),
        primary_after: "slave1".into(),
        timeline: Some(Timeline {
            from_ms: -3000,
            acknowledged: steps().map(rows).collect(),
            reads: [
                ("slave1".to_string(), steps().filter(|ms| *ms < 1900).map(|ms| (ms, 0)).collect()),
                ("slave2".to_string(), steps().map(|ms| (ms, age(ms))).collect()),
            ]
            .into(),
            moments: moments.map(|(at_ms, movement)| Moment { at_ms, movement }).to_vec(),
        }),
        ..TrialReport::default()
    }
}

fn report() -> DrillReport {
    let lost = TrialReport { lost: [("slave2".to_string(), 3)].into(), phantoms: 1, ..trial(2, 27_300) };
    let switchover = TrialReport { fault: "switchover".into(), lasted_ms: 0, timeline: None, ..trial(1, 1300) };
    DrillReport {
        seed: None,
        left: vec![],
        cluster: "herd".into(),
        target: "lab".into(),
        blueprint: "blueprints/herd.hcl".into(),
        began: "2026-11-24T13:30:00.000Z".into(),
        host: HostReport { processors: 2, memory_mib: 8192, kernel: "6.12.1".into(), load_hundredths: 125 },
        versions: [("PostgreSQL", "17.6"), ("etcd", "3.5.16")].map(|(name, it)| (name.into(), it.into())).into(),
        faults: vec![
            FaultReport::of("machine", "the primary's machine dies", vec![trial(1, 1400), lost]),
            FaultReport::of("switchover", "planned switchover", vec![switchover]),
        ],
        skipped: [("async-standby".to_string(), "every standby is synchronous".to_string())].into(),
        held: false,
    }
}

#[test]
fn a_drill_is_seen_on_its_page() {
    let text = fs::read_to_string("blueprints/herd.hcl").unwrap();
    let cluster = resolve(&blueprint::parse("blueprints/herd.hcl", &text).expect("a blueprint"));
    let dir = TempDir::new().unwrap();
    let page = dir.path().join("drill.html");
    let html = drill_page(&report(), &cluster, Progress::Ended { error: "the cluster did not keep its word" });
    fs::write(&page, &html).unwrap();

    let seen = look(&page);
    assert_eq!(seen.console, [""; 0]);
    for width in ["wide", "narrow"] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = words(seen.text(width));
        for part in [
            "herd: a drill did not keep its word",
            "2 processors, 8.0 GiB of memory, Linux 6.12.1; load 1.2",
            "PostgreSQL 17.6, etcd 3.5.16",
            "the primary's machine dies",
            "1.4 s / 1.4 s / 27.3 s bound: 26.7 s",
            "3 / 1 / 0",
            "not held in 1",
            "async-standby was skipped: every standby is synchronous.",
            "The longest time in which no writer got an acknowledgement",
            "pgherd check predicts: writes stop for",
            "ttl 20 s",
            "slave2 lacks 3 acknowledged rows",
            "acknowledged rows per 0.1 s, all writers",
            "haproxy's read port",
            "master before, slave1 after",
            "27.3 s; bound: 26.7 s",
            "+1.9 s haproxy's read port slave1 (as primary)",
            "+8.0 s the fault is undone",
        ] {
            let part = words(part);
            assert!(text.contains(&part), "{part:?} is not to be seen at the {width} page:\n{text}");
        }
    }
    assert!(html.contains("&lt;b&gt;early&lt;"), "an error is text, whatever it says");
    for view in [&seen.wide, &seen.narrow] {
        assert_eq!(view["loaded"], serde_json::json!([]), "it loads something");
        assert!(view["over"].as_i64().unwrap() <= 0, "it is wider than its window: {}", view["over"]);
        assert!(view["bars"].as_u64().unwrap() >= 20, "lanes that can be seen: {}", view["bars"]);
        assert!(view["paths"].as_u64().unwrap() >= 3, "bars and lines that can be seen: {}", view["paths"]);
        assert!(view["ticks"].as_u64().unwrap() >= 8, "the axis has collapsed");
    }
    picture(&page, "drill");
}
