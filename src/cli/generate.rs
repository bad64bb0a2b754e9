//! `pgherd gen`: write a cluster's files, or say what would change.

use super::args;
use super::blueprints::{self, Loaded};
use super::failure::{Failure, Kind};
use super::report::Report;
use crate::cluster::check::check;
use crate::fileset::reconcile::Action;
use crate::system::{Context, files};
use crate::workspace::{Review, Workspace};

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::Gen) -> Result<(), Failure> {
    let loaded = blueprints::load(context, report, &options.blueprints, &options.variables)?;
    judge(report, &loaded)?;
    let out = context.path(&options.out.dir);
    let mut reviewed = vec![];
    for one in &loaded {
        let workspace = Workspace::new(&out, &one.cluster.name);
        let review = workspace.review(&one.cluster.name, &one.set)?;
        reviewed.push((one, workspace, review));
    }
    if options.blueprints.is_empty() {
        name_orphans(report, &out, options, &loaded)?;
    }
    if options.check {
        return show_drift(report, options, &reviewed);
    }
    refuse(report, options, &reviewed)?;
    for (one, workspace, _) in &reviewed {
        let review = workspace.write(&one.cluster.name, &one.set, options.force)?;
        say(report, options, one, &review);
    }
    Ok(())
}

/// Says every rule that the blueprints break; an error refuses them all.
fn judge(report: &Report, loaded: &[Loaded]) -> Result<(), Failure> {
    let mut errors = 0;
    for one in loaded {
        let found = check(&one.cluster);
        errors += found.errors();
        for diagnostic in super::check::diagnostics(one, &found) {
            report.note(&format!("{diagnostic}\n"));
        }
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::usage("nothing was written: 1 rule is broken")),
        _ => Err(Failure::usage(format!("nothing was written: {errors} rules are broken"))),
    }
}

/// Names every file that stands in the way, of every cluster, before anything is written.
fn refuse(report: &Report, options: &args::Gen, all: &[(&Loaded, Workspace, Review)]) -> Result<(), Failure> {
    let (mut yielding, mut hard) = (0, 0);
    for (one, _, review) in all {
        for (path, why) in &review.reconciled.refusals {
            let shown = options.out.dir.join(&one.cluster.name).join(path.as_str());
            let force = options.force && why.yields_to_force();
            report.warning(&format!("{} {why}{}", shown.display(), if force { ": overwritten" } else { "" }));
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
    let hint = if hard > 0 {
        "move away what stands where a file or a folder must be"
    } else {
        "move your changes into the blueprint, or overwrite them with --force; `pgherd gen --check` shows the difference"
    };
    let files = if refused == 1 { "1 file stands".to_string() } else { format!("{refused} files stand") };
    Err(Failure::Text(Kind::Drift, format!("nothing was written: {files} in the way\n  {hint}")))
}

fn show_drift(report: &Report, options: &args::Gen, all: &[(&Loaded, Workspace, Review)]) -> Result<(), Failure> {
    let mut drifted = vec![];
    for (one, _, review) in all {
        let shown = options.out.dir.join(&one.cluster.name);
        report.diff(&review.diff(&shown));
        for (path, why) in &review.reconciled.refusals {
            report.warning(&format!("{} {why}", shown.join(path.as_str()).display()));
        }
        if review.drift() {
            drifted.push(format!("{} ({} files)", shown.display(), review.reconciled.steps.len()));
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    let text = format!("not what gen writes: {}\n  run `pgherd gen` and commit the result", drifted.join(", "));
    Err(Failure::Text(Kind::Drift, text))
}

fn say(report: &Report, options: &args::Gen, one: &Loaded, review: &Review) {
    let shown = options.out.dir.join(&one.cluster.name);
    let steps = &review.reconciled.steps;
    let removed = steps.values().filter(|action| **action == Action::Remove).count();
    let mut parts = vec![];
    if steps.len() > removed {
        parts.push(format!("{} written", steps.len() - removed));
    }
    if removed > 0 {
        parts.push(format!("{removed} removed"));
    }
    parts.push(format!("{} unchanged", review.reconciled.unchanged));
    report.line(&format!("{}: {}", shown.display(), parts.join(", ")));
    for path in &review.reconciled.left {
        let path = shown.join(path.as_str());
        report.warning(&format!("{} is no longer generated, but was edited: it stays", path.display()));
    }
}

/// Folders whose blueprint is gone are only named: they may hold the state of machines that run.
fn name_orphans(report: &Report, out: &std::path::Path, options: &args::Gen, loaded: &[Loaded]) -> Result<(), Failure> {
    for name in files::list(out)? {
        let known = loaded.iter().any(|one| one.cluster.name == name);
        if !known && files::exists(&out.join(&name).join(crate::fileset::manifest::PATH)) {
            let shown = options.out.dir.join(&name);
            report.warning(&format!(
                "{} has no blueprint: if `pgherd destroy` took its machines down, remove it",
                shown.display()
            ));
        }
    }
    Ok(())
}
