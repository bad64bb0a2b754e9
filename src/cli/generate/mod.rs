//! `pgherd gen`: writes a cluster's files, or shows what would change.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::args;
use super::blueprints::{self, Loaded};
use super::error::{CommandError, ErrorKind};
use super::report::Report;
use crate::fileset::manifest;
use crate::fileset::reconcile::{Action, Conflict, Reconciled};
use crate::generate::prepare;
use crate::system::{Context, files, parallel};

mod look;
mod write;

use look::{Inspected, look};
use write::{BATCH, write_batch};

/// Runs the verb. Work that does not depend on a blueprint is done at the same time, on a second processor.
pub fn run(context: &Context, report: &Report, options: &args::GenArgs) -> Result<(), CommandError> {
    thread::scope(|scope| {
        scope.spawn(prepare);
        look_and_write(context, report, options)
    })
}

fn look_and_write(context: &Context, report: &Report, options: &args::GenArgs) -> Result<(), CommandError> {
    let out = context.path(&options.out.dir);
    let kept = AtomicUsize::new(0);
    // The file may have been removed while the program runs.
    let program = files::identity(&context.program).ok();
    let look = |one: Loaded| look(&out, options, program.as_deref(), one, kept.fetch_add(1, Ordering::Relaxed) < BATCH);
    let inspected = blueprints::load_each(context, report, &options.blueprints, &options.variables, look)?;
    let inspected = inspected.into_iter().collect::<Result<Vec<_>, _>>()?;
    judge(report, &inspected)?;
    if options.blueprints.is_empty() {
        name_orphans(report, &out, options, &inspected)?;
    }
    if options.check {
        return show_drift(report, options, &inspected);
    }
    refuse(report, options, &inspected)?;
    write(report, &out, options, &inspected)
}

/// Prints every rule that the blueprints violate, and fails if one of them is an error.
fn judge(report: &Report, inspected: &[Inspected]) -> Result<(), CommandError> {
    for broken in inspected.iter().flat_map(|one| &one.broken) {
        report.note(&format!("{broken}\n"));
    }
    match inspected.iter().map(|one| one.errors).sum() {
        0 => Ok(()),
        1 => Err(CommandError::usage("1 rule is violated; nothing was written")),
        errors => Err(CommandError::usage(format!("{errors} rules are violated; nothing was written"))),
    }
}

/// Writes the files of all clusters on all processors, and prints the results in the blueprints' order.
fn write(report: &Report, out: &Path, options: &args::GenArgs, inspected: &[Inspected]) -> Result<(), CommandError> {
    let batch = if inspected.len() < 2 { 1 } else { inspected.len().div_ceil(parallel::threads()).clamp(1, BATCH) };
    let batches: Vec<&[Inspected]> = inspected.chunks(batch).collect();
    let done = parallel::map(&batches, |batch| write_batch(out, options, batch));
    let mut failed = None;
    for (one, done) in inspected.iter().zip(done.into_iter().flatten()) {
        match done {
            Ok(reconciled) => say(report, options, one, &reconciled),
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    report.failure(&before);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Prints every file that is in the way, of all clusters, before anything is written, and fails if there is one.
fn refuse(report: &Report, options: &args::GenArgs, all: &[Inspected]) -> Result<(), CommandError> {
    let (mut yielding, mut hard, mut in_use, mut copied) = (0, 0, false, false);
    for one in all {
        for (path, why) in &one.seen.reconciled.conflicts {
            in_use |= *why == Conflict::InUse;
            copied |= matches!(why, Conflict::OfAnother(_));
            let shown = options.out.dir.join(&one.name).join(path.as_str());
            let force = options.force && why.yields_to_force();
            report.warning(&format!("{} {why}{}", shown.display(), if force { "; overwriting it" } else { "" }));
            if why.yields_to_force() {
                yielding += 1;
            } else {
                hard += 1;
            }
        }
    }
    let refused = hard + if options.force { 0 } else { yielding };
    if refused == 0 {
        return Ok(());
    }
    let hint = if in_use {
        "machines that the blueprint no longer describes may still run: restore `slaves { count = … }`, or `pgherd destroy` the cluster first\n  \
         if you already did, remove what Terraform left in the module's directory (terraform.tfstate, .terraform and so on)"
    } else if copied && !options.force {
        "the directory was copied from another cluster, and its Terraform states lead to that cluster's machines: remove it, or overwrite it with --force"
    } else if hard > 0 {
        "move or remove it: pgherd writes a file or a directory at that path"
    } else {
        "move your changes into the blueprint, or overwrite them with --force; `pgherd gen --check` shows them"
    };
    let files = if refused == 1 { "1 file is".to_string() } else { format!("{refused} files are") };
    Err(CommandError::Text(ErrorKind::Drift, format!("{files} in the way, so nothing was written\n  {hint}")))
}

fn show_drift(report: &Report, options: &args::GenArgs, all: &[Inspected]) -> Result<(), CommandError> {
    let mut drifted = vec![];
    for one in all {
        let shown = options.out.dir.join(&one.name);
        let reconciled = &one.seen.reconciled;
        report.diff(&one.seen.diff);
        name_crlf(report, &shown, reconciled);
        for (path, why) in &reconciled.conflicts {
            report.warning(&format!("{} {why}", shown.join(path.as_str()).display()));
        }
        if !reconciled.steps.is_empty() {
            drifted.push(format!("{} ({} files)", shown.display(), reconciled.steps.len()));
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    let text = format!(
        "the generated files are out of date: {}\n  run `pgherd gen` and commit the result",
        drifted.join(", ")
    );
    Err(CommandError::Text(ErrorKind::Drift, text))
}

fn say(report: &Report, options: &args::GenArgs, one: &Inspected, reconciled: &Reconciled) {
    let shown = options.out.dir.join(&one.name);
    let steps = &reconciled.steps;
    let removed = steps.values().filter(|action| **action == Action::Remove).count();
    let mut parts = vec![];
    if steps.len() > removed {
        parts.push(format!("{} written", steps.len() - removed));
    }
    if removed > 0 {
        parts.push(format!("{removed} removed"));
    }
    parts.push(format!("{} unchanged", reconciled.unchanged));
    report.line(&format!("{}: {}", shown.display(), parts.join(", ")));
    name_crlf(report, &shown, reconciled);
    for path in &reconciled.left {
        let path = shown.join(path.as_str());
        report.warning(&format!("{} is no longer generated, but it was edited, so it is kept", path.display()));
    }
}

/// Prints where CRLF line endings come from.
fn name_crlf(report: &Report, shown: &Path, reconciled: &Reconciled) {
    if !reconciled.crlf.is_empty() {
        report.warning(&format!(
            "{} files in {} had CRLF line endings: git converts them at checkout (core.autocrlf); commit the .gitattributes there to keep \
             it from doing so",
            reconciled.crlf.len(),
            shown.display()
        ));
    }
}

/// Prints the directories whose blueprint is gone. They are not removed: they may hold the state of running machines.
fn name_orphans(
    report: &Report,
    out: &Path,
    options: &args::GenArgs,
    inspected: &[Inspected],
) -> Result<(), CommandError> {
    for name in files::list(out).map_err(CommandError::unwritable(out))? {
        let known = inspected.iter().any(|one| one.name == name);
        if !known && files::exists(&out.join(&name).join(manifest::PATH)) {
            let shown = options.out.dir.join(&name);
            report.warning(&format!(
                "{} has no blueprint, and its machines may still run: restore a blueprint of cluster {name:?}, `pgherd destroy` it, and remove the directory",
                shown.display()
            ));
        }
    }
    Ok(())
}
