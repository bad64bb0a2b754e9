//! What a drill prints for people.

use super::moved;
use crate::cli::report::{Report, Style};
use crate::drill::events::DrillEvent;
use crate::drill::{DrillReport, Spread, TrialReport, seconds};

/// Prints an event for people.
pub fn note(report: &Report, event: &DrillEvent) {
    let text = match event {
        DrillEvent::DrillBegun { seed: Some(seed), .. } => format!("drill: random faults, --seed {seed}"),
        DrillEvent::DrillBegun { faults, trials, .. } => {
            format!("drill: {}; trials of each: {trials}", faults.join(", "))
        }
        DrillEvent::TrialBegun { fault, trial, primary } => {
            format!("{fault}, trial {trial}: clients are writing; {primary} is primary")
        }
        DrillEvent::FaultInjected { fault, machines, hold_ms } => {
            let machines = machines.join(", ");
            match hold_ms {
                0 => format!("{fault}: happens now on {machines}"),
                ms => format!("{fault}: happens now on {machines}, for {}", seconds(*ms)),
            }
        }
        DrillEvent::FaultUndone { fault, .. } => format!("{fault}: undone; waiting until the cluster is healthy"),
        DrillEvent::TrialEnded(trial) => ended(trial),
        DrillEvent::DrillEnded { .. } => return,
    };
    report.note(&text);
}

fn ended(trial: &TrialReport) -> String {
    let TrialReport { fault, trial: number, writes_stopped_ms, acknowledged, .. } = trial;
    let stopped = seconds(*writes_stopped_ms);
    let broken = trial.broken();
    let verdict = if broken.is_empty() { "held".to_string() } else { format!("NOT HELD: {}", broken.join("; ")) };
    format!("{fault}, trial {number}: writes stopped for {stopped}, {acknowledged} rows acknowledged: {verdict}")
}

/// Prints the report for people.
pub fn print(report: &Report, found: &DrillReport) {
    if let Some(seed) = found.seed {
        report.line(&format!("random faults; `--seed {seed}` repeats their order"));
    }
    for (fault, why) in &found.skipped {
        report.line(&format!("{fault} was skipped: {why}"));
    }
    if found.faults.is_empty() {
        return;
    }
    let head = [
        "fault",
        "trials",
        "writes stopped",
        "bound",
        "reads stopped",
        "bound",
        "stale",
        "lost",
        "phantom",
        "healthy after",
        "verdict",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(found.faults.iter().map(|fault| {
        let verdict =
            if fault.held { report.on_out(Style::Good, "held") } else { report.on_out(Style::Bad, "not held") };
        vec![
            fault.fault.clone(),
            fault.trials.len().to_string(),
            spread(fault.writes_stopped_ms, fault.trials.len()),
            bound(fault.bound_ms),
            spread(fault.reads_stopped_ms, fault.trials.len()),
            bound(fault.reads_bound_ms),
            seconds(fault.stalest_ms),
            fault.lost.to_string(),
            fault.phantoms.to_string(),
            seconds(fault.healthy_after_ms.max),
            verdict,
        ]
    }));
    report.table(&rows);
    for trial in found.faults.iter().flat_map(|fault| &fault.trials) {
        report.line("");
        let name = format!("{}, trial {}", trial.fault, trial.trial);
        report.line(&report.on_out(Style::Bold, &name));
        for line in details(trial) {
            report.line(&format!("  {line}"));
        }
        for line in trial.timeline.iter().flat_map(moved::lines) {
            report.line(&format!("  {line}"));
        }
        for broken in trial.broken() {
            report.line(&format!("  {}", report.on_out(Style::Bad, &broken)));
        }
    }
    report.line("");
    for left in &found.left {
        report.line(&report.on_out(Style::Bad, &format!("left behind: {left}")));
    }
    if found.held {
        report.line(&report.on_out(Style::Good, "The cluster kept its word in every trial."));
    }
}

/// Returns what is worth knowing of a trial besides its figures in the table.
fn details(trial: &TrialReport) -> Vec<String> {
    let moved = match trial.primary_before == trial.primary_after {
        true => format!("primary {} throughout", trial.primary_after),
        false => format!("primary {} before, {} after", trial.primary_before, or_none(&trial.primary_after)),
    };
    let mut lines = vec![
        format!("harmed {} for {}; {moved}", trial.machines.join(", "), seconds(trial.lasted_ms)),
        format!("{} rows acknowledged, {} reads", trial.acknowledged, trial.reads),
    ];
    if let Some(machine) = &trial.stalest_machine {
        lines.push(format!("the stalest read came from {machine}: {}", seconds(trial.stalest_ms)));
    }
    lines.extend(trial.until.iter().map(|until| format!("`check` predicts that writes stop until {until}")));
    for (client, errors) in &trial.errors {
        let total: usize = errors.values().sum();
        let each: Vec<String> = errors.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        lines.push(format!("{client}: {total} errors ({})", each.join("; ")));
    }
    lines
}

fn or_none(name: &str) -> &str {
    if name.is_empty() { "none" } else { name }
}

/// Returns a bound in words. A pause of up to [`UNNOTICED_MS`](crate::drill::UNNOTICED_MS) is no outage.
fn bound(ms: Option<u64>) -> String {
    match ms {
        None => "until repaired".into(),
        Some(0) => "no outage".into(),
        Some(ms) => seconds(ms),
    }
}

fn spread(figures: Spread, trials: usize) -> String {
    match trials {
        1 => seconds(figures.max),
        _ => format!("{} / {} / {}", seconds(figures.min), seconds(figures.median), seconds(figures.max)),
    }
}
