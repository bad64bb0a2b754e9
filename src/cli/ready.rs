//! What has to be there before anything is begun.

use super::blueprints::Loaded;
use super::failure::{Failure, Kind};
use super::report::{Report, Style};
use super::session::interrupted;
use crate::run::prerequisites::Finding;
use crate::system::Interrupt;
use crate::workspace::Workspace;

/// Fails with all that is missing at once.
pub fn require(report: &Report, findings: &[Finding], interrupt: &Interrupt) -> Result<(), Failure> {
    if interrupt.is_raised() {
        return Err(interrupted());
    }
    let mut missing = vec![];
    for finding in findings {
        if let Some(problem) = &finding.problem {
            report.say(&format!("{} {}", report.on_err(Style::Bad, &finding.name), finding.complaint(problem)));
            missing.push(finding.name.clone());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Text(Kind::Missing, format!("missing: {}", missing.join(", "))))
}

/// Refuses generated files that are not what the blueprint generates.
pub fn require_fresh(loaded: &Loaded, workspace: &Workspace) -> Result<(), Failure> {
    let set = loaded.files();
    let review = workspace.review(&loaded.cluster.name, &set)?;
    if !review.drift() {
        return Ok(());
    }
    if workspace.missing()? {
        let (dir, blueprint) = (workspace.dir().display(), loaded.words());
        let text = format!(
            "nothing is generated yet in {dir}\n  run `pgherd gen {blueprint}`, look at it, commit it, and run again"
        );
        return Err(Failure::Text(Kind::Drift, text));
    }
    let steps = &review.reconciled.steps;
    let files: Vec<&str> = steps.keys().take(5).map(|path| path.as_str()).collect();
    let more = if steps.len() > files.len() { ", …" } else { "" };
    let (dir, blueprint) = (workspace.dir().display(), loaded.words());
    Err(Failure::Text(
        Kind::Drift,
        format!(
            "{dir} is not what {blueprint} generates ({}{more})\n  \
             run `pgherd gen {blueprint}`, look at the difference, commit it, and run again",
            files.join(", ")
        ),
    ))
}
