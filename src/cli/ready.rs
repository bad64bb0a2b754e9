//! Checks that everything is ready before anything begins.

use super::blueprints::Loaded;
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Report, Style};
use crate::pipeline::preflight::Lack;
use crate::run::members::MembersRefusal;
use crate::run::pointers::BrokenPointer;
use crate::run::prerequisites::Prerequisite;
use crate::run::strays::Stray;
use crate::system::Interrupt;
use crate::tools::environment::{Sorted, Treatment};
use crate::workspace::Workspace;

/// Fails if a prerequisite is missing, and prints all that are missing at once.
pub fn require(report: &Report, findings: &[Prerequisite], interrupt: &Interrupt) -> Result<(), CommandError> {
    if interrupt.is_raised() {
        return Err(CommandError::interrupted());
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
    Err(CommandError::Text(ErrorKind::Missing, format!("missing: {}", missing.join(", "))))
}

/// Prints the environment variables that are withheld from the tools or that redirect them. Fails on those that would change what the
/// command means.
pub fn require_environment(report: &Report, sorted: &Sorted) -> Result<(), CommandError> {
    let refused: Vec<String> =
        sorted.refused().map(|(name, variable)| format!("{name} is set: {}", variable.why)).collect();
    if !refused.is_empty() {
        return Err(CommandError::usage(refused.join("\n  ")));
    }
    for (name, variable) in &sorted.said {
        let what = if variable.treatment == Treatment::Told { "is set" } else { "is ignored" };
        report.note(&format!("{name} {what}: {}", variable.why));
    }
    Ok(())
}

/// Prints everything that AWS lacks or would refuse, and fails if there is anything.
pub fn require_no_lack(report: &Report, lacks: &[Lack]) -> Result<(), CommandError> {
    for lack in lacks {
        report.say(&format!("{} {}\n  {}", report.on_err(Style::Bad, "AWS:"), lack.what, lack.help));
    }
    match lacks.len() {
        0 => Ok(()),
        1 => Err(CommandError::Text(
            ErrorKind::Missing,
            "something that this cluster needs is missing in AWS; nothing was changed".into(),
        )),
        n => Err(CommandError::Text(
            ErrorKind::Missing,
            format!("{n} things that this cluster needs are missing in AWS; nothing was changed"),
        )),
    }
}

/// Prints the variables that name files or directories which do not exist. Fails if the tools would fail because of one.
pub fn require_pointers(report: &Report, broken: &[BrokenPointer]) -> Result<(), CommandError> {
    for one in broken {
        let line = format!("{} {}", one.name, one.story);
        if one.needed { report.say(&line) } else { report.note(&line) }
    }
    let needed: Vec<&str> = broken.iter().filter(|one| one.needed).map(|one| one.name).collect();
    if needed.is_empty() {
        return Ok(());
    }
    let text = format!(
        "environment variables point to files or folders that cannot be used: {}\n  unset them, or correct the paths",
        needed.join(", ")
    );
    Err(CommandError::Text(ErrorKind::Missing, text))
}

/// Fails on files in a module's directory that change what the generated files mean, and prints those that add to them.
pub fn require_no_strays(report: &Report, strays: &[Stray], need: Need) -> Result<(), CommandError> {
    let refused: Vec<String> = strays.iter().filter(|stray| stray.kind.is_refused()).map(Stray::story).collect();
    if !refused.is_empty() {
        return Err(CommandError::usage(refused.join("\n  ")));
    }
    // A cluster that is destroyed may have been generated from an older blueprint.
    if need == Need::Tools {
        strays.iter().for_each(|stray| report.say(&stray.story()));
    }
    Ok(())
}

/// Fails if the machines of a living cluster would change.
pub fn require_members(refused: Option<&MembersRefusal>) -> Result<(), CommandError> {
    refused.map_or(Ok(()), |refusal| {
        Err(CommandError::Text(ErrorKind::Failed, format!("{refusal}\n  {}", refusal.advice())))
    })
}

/// Fails if the generated files are not what the blueprint generates.
pub fn require_fresh(loaded: &Loaded, workspace: &Workspace) -> Result<(), CommandError> {
    let set = loaded.files();
    let review = workspace.review(&loaded.cluster.name, &set)?;
    if !review.drift() {
        return Ok(());
    }
    if workspace.missing()? {
        let (dir, blueprint) = (workspace.dir().display(), loaded.words());
        let text = format!(
            "nothing has been generated in {dir} yet\n  run `pgherd gen {blueprint}`, review and commit the files, and try again"
        );
        return Err(CommandError::Text(ErrorKind::Drift, text));
    }
    let (dir, blueprint) = (workspace.dir().display(), loaded.words());
    if review.reconciled.is_crlf_alone() {
        let n = review.reconciled.crlf.len();
        let text = format!(
            "{n} files in {dir} have CRLF line endings, and shell scripts do not run with them; git converted them at checkout \
             (core.autocrlf)\n  run `pgherd gen {blueprint}` to restore LF, and commit its .gitattributes to keep git from converting again"
        );
        return Err(CommandError::Text(ErrorKind::Drift, text));
    }
    if review.reconciled.is_mode_alone() {
        let files: Vec<&str> = review.reconciled.steps.keys().map(|path| path.as_str()).collect();
        let text = format!(
            "the executable bit is wrong in {dir}: {}\n  a checkout with core.fileMode=false loses it, and so does a file system without \
             executable bits\n  run `pgherd gen {blueprint}` to restore it",
            files.join(", ")
        );
        return Err(CommandError::Text(ErrorKind::Drift, text));
    }
    let steps = &review.reconciled.steps;
    let files: Vec<&str> = steps.keys().take(5).map(|path| path.as_str()).collect();
    let more = if steps.len() > files.len() { ", …" } else { "" };
    Err(CommandError::Text(
        ErrorKind::Drift,
        format!(
            "{dir} differs from what {blueprint} generates ({}{more})\n  \
             run `pgherd gen {blueprint}`, review and commit the difference, and try again",
            files.join(", ")
        ),
    ))
}
