//! `pgherd gen`: write a cluster's files, or say what would change.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::args;
use super::blueprints::{self, Loaded, cluster_of};
use super::failure::{Failure, Kind};
use super::report::Report;
use crate::cluster::Cluster;
use crate::cluster::check::check;
use crate::fileset::manifest::{self, Manifest};
use crate::fileset::reconcile::{Action, Reconciled, Refusal};
use crate::generate::{for_machines, for_tools, generate, prepare};
use crate::system::{Context, files, parallel};
use crate::workspace::{Staged, Workspace, place};

/// New clusters that wait for the disk together: the wait is the same for one and for many.
const BATCH: usize = 32;

/// A blueprint after the first look. Its files are made anew when they are written: those of a thousand clusters would not fit
/// in little memory, and mostly nothing is to be written.
struct Looked {
    file: PathBuf,
    text: String,
    /// What it describes, of the first few: it need not be read again.
    cluster: Option<Cluster>,
    /// What its files are made from, in one hash; none where this program cannot be told from another.
    origin: Option<String>,
    name: String,
    /// The rules that it breaks, in words, and how many of them are errors.
    broken: Vec<String>,
    errors: usize,
    seen: Seen,
}

/// What stands where its files are to be.
#[derive(Default)]
struct Seen {
    /// Nothing at all: whatever is written stands in nobody's way.
    fresh: bool,
    /// Nothing is to be done.
    settled: bool,
    reconciled: Reconciled,
    /// With `--check`.
    diff: String,
}

/// Runs the verb. What does not depend on a blueprint is done meanwhile, on a second processor.
pub fn run(context: &Context, report: &Report, options: &args::Gen) -> Result<(), Failure> {
    thread::scope(|scope| {
        scope.spawn(prepare);
        look_and_write(context, report, options)
    })
}

fn look_and_write(context: &Context, report: &Report, options: &args::Gen) -> Result<(), Failure> {
    let out = context.path(&options.out.dir);
    let kept = AtomicUsize::new(0);
    // A program whose file was removed while it runs has none.
    let program = files::identity(&context.program).ok();
    let look = |one: Loaded| look(&out, options, program.as_deref(), one, kept.fetch_add(1, Ordering::Relaxed) < BATCH);
    let looked = blueprints::load_each(context, report, &options.blueprints, &options.variables, look)?;
    let looked = looked.into_iter().collect::<Result<Vec<_>, _>>()?;
    judge(report, &looked)?;
    if options.blueprints.is_empty() {
        name_orphans(report, &out, options, &looked)?;
    }
    if options.check {
        return show_drift(report, options, &looked);
    }
    refuse(report, options, &looked)?;
    write(report, &out, options, &looked)
}

fn look(out: &Path, options: &args::Gen, program: Option<&str>, one: Loaded, keep: bool) -> Result<Looked, Failure> {
    let found = check(&one.cluster);
    let broken = super::check::diagnostics(&one, &found).iter().map(ToString::to_string).collect();
    let workspace = Workspace::new(out, &one.cluster.name);
    let origin = program.map(|program| one.origin(program));
    let seen = if found.errors() > 0 {
        Seen::default()
    } else if !options.check && workspace.missing().map_err(unwritten)? {
        Seen { fresh: true, ..Seen::default() }
    } else if let Some(unchanged) = sealed(&workspace, options, origin.as_deref())? {
        Seen { settled: true, reconciled: Reconciled { unchanged, ..Reconciled::default() }, ..Seen::default() }
    } else {
        let set = one.files();
        let review = workspace.review(&one.cluster.name, &set).map_err(unwritten)?;
        let diff = if options.check { review.diff(&options.out.dir.join(&one.cluster.name)) } else { String::new() };
        Seen { fresh: false, settled: review.settled(), diff, reconciled: review.reconciled }
    };
    let Loaded { file, text, cluster, .. } = one;
    let (name, cluster) = (cluster.name.clone(), keep.then_some(cluster));
    Ok(Looked { file, text, cluster, origin, name, broken, errors: found.errors(), seen })
}

/// How many files are known to be what `gen` would write, without making them. `--check` makes them: it trusts nothing but git.
fn sealed(workspace: &Workspace, options: &args::Gen, origin: Option<&str>) -> Result<Option<usize>, Failure> {
    match origin {
        Some(origin) if !options.check => workspace.sealed(origin).map_err(unwritten),
        _ => Ok(None),
    }
}

/// Says every rule that the blueprints break; an error refuses them all.
fn judge(report: &Report, looked: &[Looked]) -> Result<(), Failure> {
    for broken in looked.iter().flat_map(|one| &one.broken) {
        report.note(&format!("{broken}\n"));
    }
    match looked.iter().map(|one| one.errors).sum() {
        0 => Ok(()),
        1 => Err(Failure::usage("nothing was written: 1 rule is broken")),
        errors => Err(Failure::usage(format!("nothing was written: {errors} rules are broken"))),
    }
}

/// Writes what is to be written, on all processors; says what was done in the blueprints' order.
fn write(report: &Report, out: &Path, options: &args::Gen, looked: &[Looked]) -> Result<(), Failure> {
    let batch = if looked.len() < 2 { 1 } else { looked.len().div_ceil(parallel::threads()).clamp(1, BATCH) };
    let batches: Vec<&[Looked]> = looked.chunks(batch).collect();
    let done = parallel::map(&batches, |batch| write_batch(out, options, batch));
    let mut failed = None;
    for (one, done) in looked.iter().zip(done.into_iter().flatten()) {
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

fn write_batch(out: &Path, options: &args::Gen, batch: &[Looked]) -> Vec<Result<Reconciled, Failure>> {
    let mut staged: Vec<Staged> = vec![];
    // Where a new cluster is to come from `place`, its turn among those.
    let mut done: Vec<Result<Reconciled, Failure>> = vec![];
    let mut waiting = vec![];
    for (at, one) in batch.iter().enumerate() {
        done.push(write_one(out, options, one, &mut staged));
        if staged.len() > waiting.len() {
            waiting.push(at);
        }
    }
    for (at, placed) in waiting.into_iter().zip(place(staged)) {
        if let Err(error) = placed {
            done[at] = Err(unwritten(error));
        }
    }
    done
}

fn write_one(out: &Path, options: &args::Gen, one: &Looked, staged: &mut Vec<Staged>) -> Result<Reconciled, Failure> {
    if one.seen.settled {
        return Ok(one.seen.reconciled.clone());
    }
    let cluster = match &one.cluster {
        Some(cluster) => Cow::Borrowed(cluster),
        None => Cow::Owned(
            cluster_of(&one.file.display().to_string(), &one.text, &options.variables)
                .map_err(|problems| Failure::usage(problems.join("\n")))?,
        ),
    };
    let workspace = Workspace::new(out, &one.name);
    if !one.seen.fresh {
        let set = generate(&cluster);
        let written = workspace.write(&one.name, &set, options.force).map_err(unwritten)?;
        if let Some(origin) = &one.origin {
            workspace.seal(origin, written.files());
        }
        return Ok(written.reconciled);
    }
    let (new, reconciled) = stage(&workspace, &cluster, one.origin.as_deref()).map_err(unwritten)?;
    staged.push(new);
    Ok(reconciled)
}

/// Writes the first half of a new cluster's files while the other half is made.
fn stage(workspace: &Workspace, cluster: &Cluster, origin: Option<&str>) -> anyhow::Result<(Staged, Reconciled)> {
    let staged = workspace.stage()?;
    let machines = for_machines(cluster);
    let others = || {
        let mut files = for_tools(cluster, &machines);
        let manifest = Manifest::of_parts(&cluster.name, &[&machines.files, &files]).to_file();
        files.add_file(manifest::PATH, manifest);
        files
    };
    let (written, others) = parallel::both(|| staged.add(&machines.files), others);
    written?;
    staged.add(&others)?;
    let all = machines.files.iter().chain(others.iter()).map(|(path, file)| (path.clone(), file));
    if let Some(origin) = origin {
        staged.workspace().seal(origin, all.clone());
    }
    let steps = all.map(|(path, _)| (path, Action::Create)).collect();
    Ok((staged, Reconciled { steps, ..Reconciled::default() }))
}

/// What becomes of it when files cannot be written. Where the system refuses them, another folder may do.
fn unwritten(error: anyhow::Error) -> Failure {
    let refused = error.chain().any(|cause| cause.is::<io::Error>());
    let help = "\n  make room, make it writable for this user, or name another folder with --out";
    Failure::Text(Kind::Failed, format!("{error:#}{}", if refused { help } else { "" }))
}

/// Names every file that stands in the way, of every cluster, before anything is written.
fn refuse(report: &Report, options: &args::Gen, all: &[Looked]) -> Result<(), Failure> {
    let (mut yielding, mut hard, mut in_use) = (0, 0, false);
    for one in all {
        for (path, why) in &one.seen.reconciled.refusals {
            in_use |= *why == Refusal::InUse;
            let shown = options.out.dir.join(&one.name).join(path.as_str());
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
    let hint = if in_use {
        "machines run that the blueprint no longer has: write `slaves { count = … }` as it was, or `pgherd destroy` the cluster before"
    } else if hard > 0 {
        "move away what stands where a file or a folder must be"
    } else {
        "move your changes into the blueprint, or overwrite them with --force; `pgherd gen --check` shows the difference"
    };
    let files = if refused == 1 { "1 file stands".to_string() } else { format!("{refused} files stand") };
    Err(Failure::Text(Kind::Drift, format!("nothing was written: {files} in the way\n  {hint}")))
}

fn show_drift(report: &Report, options: &args::Gen, all: &[Looked]) -> Result<(), Failure> {
    let mut drifted = vec![];
    for one in all {
        let shown = options.out.dir.join(&one.name);
        let reconciled = &one.seen.reconciled;
        report.diff(&one.seen.diff);
        for (path, why) in &reconciled.refusals {
            report.warning(&format!("{} {why}", shown.join(path.as_str()).display()));
        }
        if !reconciled.steps.is_empty() {
            drifted.push(format!("{} ({} files)", shown.display(), reconciled.steps.len()));
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    let text = format!("not what gen writes: {}\n  run `pgherd gen` and commit the result", drifted.join(", "));
    Err(Failure::Text(Kind::Drift, text))
}

fn say(report: &Report, options: &args::Gen, one: &Looked, reconciled: &Reconciled) {
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
    for path in &reconciled.left {
        let path = shown.join(path.as_str());
        report.warning(&format!("{} is no longer generated, but was edited: it stays", path.display()));
    }
}

/// Folders whose blueprint is gone are only named: they may hold the state of machines that run.
fn name_orphans(report: &Report, out: &std::path::Path, options: &args::Gen, looked: &[Looked]) -> Result<(), Failure> {
    for name in files::list(out).map_err(Failure::unwritable(out))? {
        let known = looked.iter().any(|one| one.name == name);
        if !known && files::exists(&out.join(&name).join(manifest::PATH)) {
            let shown = options.out.dir.join(&name);
            report.warning(&format!(
                "{} has no blueprint: its machines may run on; name a cluster {name:?} once more and `pgherd destroy` it, then remove the folder",
                shown.display()
            ));
        }
    }
    Ok(())
}
