//! `pgherd drill`: what it refuses, and the events that it prints. The lab's tests make the drills.

use boon::{Compiler, Schemas};
use pgherd::cluster::fault::Fault;
use pgherd::drill::events::{DrillEvent, DrillSaid, FORMAT};
use pgherd::drill::timeline::{ClientPort, Moment, Movement, Timeline, Witness};
use pgherd::drill::{DrillReport, FaultReport, TrialReport};

use crate::support::Test;

#[test]
fn a_fault_that_is_not_in_the_table_is_refused_with_those_that_are() {
    let test = Test::new();
    let mut done = test.run(&["drill", "blueprints/herd.hcl", "--target", "lab", "meteorite"]).exits(2);
    for fault in Fault::ALL {
        done = done.err(fault.name());
    }
    test.run(&["drill", "blueprints/herd.hcl", "--target", "lab", "--trials", "0"]).exits(2).err("from 1 to 1000");
    test.run(&["drill", "blueprints/herd.hcl", "--target", "lab", "--hold", "0"]).exits(2).err("from 1 to 3600");
}

#[test]
fn a_file_that_is_no_page_is_not_overwritten() {
    let test = Test::new();
    std::fs::write(test.path("notes.html"), "mine").unwrap();
    let drill = |page: &str| test.run(&["drill", "blueprints/herd.hcl", "--target", "lab", "--page", page]).exits(2);
    drill("notes.html")
        .err("notes.html exists and is not a page of `pgherd drill`")
        .err("name another file with --page");
    drill("none/drill.html").err("is in no directory that exists");
    assert_eq!(std::fs::read_to_string(test.path("notes.html")).unwrap(), "mine");
}

#[test]
fn a_random_drill_stands_alone() {
    let test = Test::new();
    let refused = |more: &[&str], why: &str| {
        test.run(&[&["drill", "blueprints/herd.hcl", "--target", "lab"], more].concat()).exits(2).err(why);
    };
    refused(&["random", "postgres"], "`random` stands alone");
    refused(&["random", "--trials", "2"], "not --trials");
    refused(&["postgres", "--seed", "7"], "`random`");
    refused(&["postgres", "--minutes", "7"], "`random`");
    refused(&["random", "--minutes", "0"], "from 1 to 1440");
    refused(&["random", "--seed", "-1"], "from 0 to 4294967295");
}

#[test]
fn help_explains_every_fault_and_column() {
    let mut done = Test::new().run(&["drill", "--help"]).exits(0);
    for fault in Fault::ALL {
        done = done.out(&format!("- {}:", fault.name()));
    }
    for left_out in ["clock", "replace", "two-founders"] {
        let test = Test::new();
        test.run(&["drill", "blueprints/herd.hcl", "--target", "lab", left_out]).exits(2).err("invalid value");
        done = done.out(&format!("\n  {left_out} "));
    }
    done.out("pgherd_drill").out("lost").out("phantom").out("exit code 1").out("--page <FILE>").out("Exit codes:");
}

fn every_movement() -> [Movement; 8] {
    let name = || "master".to_string();
    [
        Movement::FaultBegan,
        Movement::FaultUndone,
        Movement::Healthy,
        Movement::Primary { machine: None },
        Movement::Database { machine: name(), state: "primary, running".into() },
        Movement::Serves {
            haproxy: name(),
            port: ClientPort::Read,
            machines: vec![name()],
            fallback: "as primary".into(),
        },
        Movement::EtcdLeader { machine: Some(name()), term: 2 },
        Movement::Silent { source: Witness::Haproxy(name()) },
    ]
}

#[test]
fn every_event_is_of_the_printed_schema() {
    let printed = Test::new().run(&["schema", "--drill"]).exits(0).stdout;
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("events.json", serde_json::from_str(&printed).expect("JSON")).unwrap();
    let index = compiler.compile("events.json", &mut schemas).expect("a schema");
    let moments = every_movement().map(|movement| Moment { at_ms: -5, movement }).to_vec();
    let reads = [("slave1".to_string(), vec![(-100, 0), (0, 40)])].into();
    let timeline = Some(Timeline { from_ms: -100, acknowledged: vec![3, 0], reads, moments });
    let trial = TrialReport {
        fault: "machine".into(),
        trial: 1,
        healthy_after_ms: Some(5),
        timeline,
        ..TrialReport::default()
    };
    let fault = FaultReport::of("machine", "x", vec![trial.clone()]);
    let report = DrillReport {
        cluster: "herd".into(),
        target: "lab".into(),
        began: "2026-11-24T13:30:00.000Z".into(),
        seed: Some(7),
        faults: vec![fault],
        skipped: [("zone".to_string(), "x".to_string())].into(),
        left: vec!["schema pgherd_drill on master".into()],
        held: true,
        ..DrillReport::default()
    };
    let name = || "machine".to_string();
    for event in [
        DrillEvent::DrillBegun {
            format: FORMAT,
            cluster: name(),
            target: name(),
            faults: vec![name()],
            trials: 1,
            seed: Some(7),
        },
        DrillEvent::TrialBegun { fault: name(), trial: 1, primary: name() },
        DrillEvent::FaultInjected { fault: name(), machines: vec![name()], hold_ms: 1 },
        DrillEvent::FaultUndone { fault: name(), lasted_ms: 1 },
        DrillEvent::TrialEnded(trial.into()),
        DrillEvent::DrillEnded { exit_code: 0, error: String::new(), report: Some(report) },
        DrillEvent::DrillEnded { exit_code: 1, error: "refused".into(), report: None },
    ] {
        let said = DrillSaid { at: "2026-11-24T13:30:00.000Z".into(), event };
        let value = serde_json::to_value(&said).unwrap();
        assert!(schemas.validate(&value, index).is_ok(), "{value:#} is not of the schema");
        assert_eq!(serde_json::from_value::<DrillSaid>(value).unwrap(), said);
    }
    let strange = serde_json::json!({"at": "x", "event": "fault-undone", "fault": "x"});
    assert!(schemas.validate(&strange, index).is_err(), "the schema takes everything");
}
