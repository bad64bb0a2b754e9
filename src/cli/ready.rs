//! What has to be there before anything is begun.

use super::blueprints::Loaded;
use super::failure::{Failure, Kind};
use super::need::Need;
use super::report::{Report, Style};
use crate::pipeline::preflight::Lack;
use crate::run::pointers::Astray;
use crate::run::prerequisites::Finding;
use crate::run::strays::Stray;
use crate::system::Interrupt;
use crate::tools::environment::{Sorted, Treatment};
use crate::workspace::Workspace;

/// Fails with all that is missing at once.
pub fn require(report: &Report, findings: &[Finding], interrupt: &Interrupt) -> Result<(), Failure> {
    if interrupt.is_raised() {
        return Err(Failure::interrupted());
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

/// Names the variables of the environment that the tools do not get, or get and are led elsewhere by. Refuses those without which
/// something else would be meant.
pub fn require_environment(report: &Report, sorted: &Sorted) -> Result<(), Failure> {
    let refused: Vec<String> =
        sorted.refused().map(|(name, variable)| format!("{name} is set: {}", variable.why)).collect();
    if !refused.is_empty() {
        return Err(Failure::usage(refused.join("\n  ")));
    }
    for (name, variable) in &sorted.said {
        let what = if variable.treatment == Treatment::Told { "is set" } else { "is ignored" };
        report.note(&format!("{name} {what}: {}", variable.why));
    }
    Ok(())
}

/// Says all that AWS lacks or refuses, and fails if it is anything.
pub fn require_no_lack(report: &Report, lacks: &[Lack]) -> Result<(), Failure> {
    for lack in lacks {
        report.say(&format!("{} {}\n  {}", report.on_err(Style::Bad, "AWS:"), lack.what, lack.help));
    }
    match lacks.len() {
        0 => Ok(()),
        1 => Err(Failure::Text(Kind::Missing, "AWS lacks what this cluster needs; nothing was begun".into())),
        n => Err(Failure::Text(
            Kind::Missing,
            format!("AWS lacks {n} things that this cluster needs; nothing was begun"),
        )),
    }
}

/// Names the variables that point at files and folders which are not there. Refuses those that the tools fail of.
pub fn require_pointers(report: &Report, astray: &[Astray]) -> Result<(), Failure> {
    for one in astray {
        let line = format!("{} {}", one.name, one.story);
        if one.needed { report.say(&line) } else { report.note(&line) }
    }
    let needed: Vec<&str> = astray.iter().filter(|one| one.needed).map(|one| one.name).collect();
    if needed.is_empty() {
        return Ok(());
    }
    let text = format!("the environment points nowhere: {}\n  unset it, or make what it names", needed.join(", "));
    Err(Failure::Text(Kind::Missing, text))
}

/// Refuses what lies in a module's folder and changes what the generated files mean; names what adds to them.
pub fn require_no_strays(report: &Report, strays: &[Stray], need: Need) -> Result<(), Failure> {
    let refused: Vec<String> = strays.iter().filter(|stray| stray.kind.is_refused()).map(Stray::story).collect();
    if !refused.is_empty() {
        return Err(Failure::usage(refused.join("\n  ")));
    }
    // What is taken down may have been generated from another blueprint than today's.
    if need == Need::Tools {
        strays.iter().for_each(|stray| report.say(&stray.story()));
    }
    Ok(())
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
    let (dir, blueprint) = (workspace.dir().display(), loaded.words());
    if review.reconciled.is_crlf_alone() {
        let n = review.reconciled.crlf.len();
        let text = format!(
            "{n} files in {dir} have CRLF line endings, and shell scripts do not run with them: git converted them at the checkout \
             (core.autocrlf)\n  run `pgherd gen {blueprint}`, which writes LF, and commit its .gitattributes, which keeps git from it"
        );
        return Err(Failure::Text(Kind::Drift, text));
    }
    if review.reconciled.is_mode_alone() {
        let files: Vec<&str> = review.reconciled.steps.keys().map(|path| path.as_str()).collect();
        let text = format!(
            "{} in {dir} has other permissions than it was generated with: a checkout with core.fileMode=false, or a file system \
             without an executable bit, loses it\n  run `pgherd gen {blueprint}`, which sets it",
            files.join(", ")
        );
        return Err(Failure::Text(Kind::Drift, text));
    }
    let steps = &review.reconciled.steps;
    let files: Vec<&str> = steps.keys().take(5).map(|path| path.as_str()).collect();
    let more = if steps.len() > files.len() { ", …" } else { "" };
    Err(Failure::Text(
        Kind::Drift,
        format!(
            "{dir} is not what {blueprint} generates ({}{more})\n  \
             run `pgherd gen {blueprint}`, look at the difference, commit it, and run again",
            files.join(", ")
        ),
    ))
}
