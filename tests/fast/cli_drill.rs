//! `pgherd drill`: what it refuses, and the events that it prints. The lab's tests make the drills.

use boon::{Compiler, Schemas};
use pgherd::cluster::fault::Fault;
use pgherd::drill::events::{DrillEvent, DrillSaid, FORMAT};
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
fn help_explains_every_fault_and_column() {
    let mut done = Test::new().run(&["drill", "--help"]).exits(0);
    for fault in Fault::ALL {
        done = done.out(&format!("- {}:", fault.name()));
    }
    done.out("pgherd_drill").out("lost").out("phantom").out("exit code 1").out("Exit codes:");
}

#[test]
fn every_event_is_of_the_printed_schema() {
    let printed = Test::new().run(&["schema", "--drill"]).exits(0).stdout;
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("events.json", serde_json::from_str(&printed).expect("JSON")).unwrap();
    let index = compiler.compile("events.json", &mut schemas).expect("a schema");
    let trial = TrialReport { fault: "machine".into(), trial: 1, healthy_after_ms: Some(5), ..TrialReport::default() };
    let fault = FaultReport::of("machine", "x", vec![trial.clone()]);
    let report = DrillReport {
        cluster: "herd".into(),
        target: "lab".into(),
        began: "2026-11-24T13:30:00.000Z".into(),
        faults: vec![fault],
        skipped: [("zone".to_string(), "x".to_string())].into(),
        held: true,
    };
    let name = || "machine".to_string();
    for event in [
        DrillEvent::DrillBegun { format: FORMAT, cluster: name(), target: name(), faults: vec![name()], trials: 1 },
        DrillEvent::TrialBegun { fault: name(), trial: 1, primary: name() },
        DrillEvent::FaultInjected { fault: name(), machines: vec![name()], hold_ms: 1 },
        DrillEvent::FaultUndone { fault: name(), lasted_ms: 1 },
        DrillEvent::TrialEnded(trial),
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
