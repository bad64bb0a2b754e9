//! The README's table of drills, from the committed report that `make drill` makes. [`readme`](super::readme) holds the README to it.

use std::collections::BTreeMap;
use std::fs;

use pgherd::drill::{FaultReport, Spread, TrialReport, seconds};
use serde::Deserialize;

const REPORT: &str = "tests/drill/report.json";
/// The entry of drills with all faults in random order.
const RANDOM: &str = "random";
const BEGIN: &str = "<!-- drills: begin -->\n";
const END: &str = "<!-- drills: end -->";

/// What tests/drill/drill.py writes.
#[derive(Debug, Default, Deserialize)]
struct Drills {
    runs: Vec<Run>,
    faults: Vec<Drilled>,
}

/// A run of drill.py. Only what the README says of it.
#[derive(Debug, Deserialize)]
struct Run {
    began: String,
    machine: Machine,
    load: [f64; 2],
    error: String,
}

#[derive(Debug, Deserialize)]
struct Machine {
    processors: u32,
    memory_gib: u32,
}

#[derive(Debug, Deserialize)]
struct Drilled {
    fault: String,
    title: String,
    trials: Vec<TrialReport>,
}

impl Drills {
    fn read() -> Self {
        match fs::read(REPORT) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{REPORT}: {e}")),
            Err(_) => Drills::default(),
        }
    }

    /// Returns the README's text about them.
    fn markdown(self) -> String {
        if self.runs.is_empty() {
            return "No trials are recorded yet.\n".into();
        }
        let head = "| fault | trials | writes stopped | bound | reads stopped | oldest read | its bound | lost | phantoms | errors of a client | healthy after | verdict |";
        let mut lines = vec![head.to_string(), "| --- ".repeat(12) + "|"];
        lines.extend(self.faults.into_iter().map(|one| row(&FaultReport::of(&one.fault, &one.title, one.trials))));
        lines.push(String::new());
        lines.extend(self.runs.iter().map(Run::line));
        lines.join("\n") + "\n"
    }
}

impl Run {
    fn line(&self) -> String {
        let Run { began, machine, load: [before, after], error } = self;
        let ended =
            if error.is_empty() { String::new() } else { format!(" It ended early or missed a bound: {error}.") };
        let Machine { processors, memory_gib } = machine;
        format!("- {began}: {processors} processors, {memory_gib} GiB, load {before} before and {after} after.{ended}")
    }
}

fn row(fault: &FaultReport) -> String {
    let bound = |bound: Option<u64>| match bound {
        // Trials of all faults. The verdict holds each of them against its own bound.
        _ if fault.fault == RANDOM => "each fault's".to_string(),
        Some(0) => "no outage".to_string(),
        bound => bound.map_or("until repaired".to_string(), seconds),
    };
    let staleness = fault.trials.iter().map(|trial| trial.staleness_bound_ms).min().flatten();
    let of_a_client = |trial: &TrialReport| trial.errors.values().map(sum).max().unwrap_or_default();
    let errors = fault.trials.iter().map(of_a_client).max().unwrap_or_default();
    let unhealed = fault.trials.iter().filter(|trial| trial.healthy_after_ms.is_none()).count();
    let healthy = if unhealed == 0 { seconds(fault.healthy_after_ms.max) } else { format!("not in {unhealed}") };
    let broken = fault.trials.iter().filter(|trial| !trial.broken().is_empty()).count();
    let verdict = if broken == 0 { "held".to_string() } else { format!("**not held in {broken}**") };
    let cells = [
        format!("`{}`", fault.fault),
        fault.trials.len().to_string(),
        spread(fault.writes_stopped_ms),
        bound(fault.bound_ms),
        spread(fault.reads_stopped_ms),
        seconds(fault.stalest_ms),
        staleness.map_or("until repaired".to_string(), seconds),
        fault.lost.to_string(),
        fault.phantoms.to_string(),
        errors.to_string(),
        healthy,
        verdict,
    ];
    format!("| {} |", cells.join(" | "))
}

fn sum(errors: &BTreeMap<String, usize>) -> usize {
    errors.values().sum()
}

fn spread(figures: Spread) -> String {
    format!("{} / {} / {}", seconds(figures.min), seconds(figures.median), seconds(figures.max))
}

/// Returns a README with the text about the committed drills where it has a place for it.
pub fn quoted(readme: &str) -> String {
    let Some((before, rest)) = readme.split_once(BEGIN) else { return readme.into() };
    let (_, after) = rest.split_once(END).expect("the place for the drills has an end");
    [before, BEGIN, &Drills::read().markdown(), END, after].concat()
}

#[test]
fn the_readme_has_a_place_for_the_drills() {
    assert!(fs::read_to_string("README.md").unwrap().contains(BEGIN));
    assert_eq!(quoted(&format!("a{BEGIN}old{END}b")), format!("a{BEGIN}{}{END}b", Drills::read().markdown()));
}

#[test]
fn what_is_not_held_is_to_be_seen() {
    let trial = |stopped, healthy: Option<u64>| TrialReport {
        writes_stopped_ms: stopped,
        bound_ms: Some(2000),
        staleness_bound_ms: Some(4900),
        errors: [("writer 1".to_string(), [("x".to_string(), 2), ("y".to_string(), 1)].into())].into(),
        healthy_after_ms: healthy,
        ..TrialReport::default()
    };
    let row = |trials| row(&FaultReport::of("postgres", "x", trials));
    assert_eq!(
        row(vec![trial(1000, Some(3000)), trial(1500, Some(4000)), trial(1100, Some(0))]),
        "| `postgres` | 3 | 1.0 s / 1.1 s / 1.5 s | 2.0 s | 0.0 s / 0.0 s / 0.0 s | 0.0 s | 4.9 s | 0 | 0 | 3 | 4.0 s | held |"
    );
    let broken = row(vec![trial(2500, Some(0)), trial(100, None)]);
    assert!(broken.ends_with("| not in 1 | **not held in 2** |"), "{broken}");
    let random = self::row(&FaultReport::of(RANDOM, "x", vec![trial(1000, Some(0)), trial(2500, Some(0))]));
    assert!(random.contains(" | each fault's | ") && random.ends_with("| **not held in 1** |"), "{random}");
    let run =
        r#"{"began": "b", "machine": {"processors": 2, "memory_gib": 8}, "load": [0.5, 2.0], "error": "interrupted"}"#;
    let run: Run = serde_json::from_str(run).unwrap();
    assert!(run.line().ends_with("load 0.5 before and 2 after. It ended early or missed a bound: interrupted."));
}
