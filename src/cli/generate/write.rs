//! The second half of `gen`: writes the files.

use std::borrow::Cow;
use std::path::Path;

use super::look::Inspected;
use crate::cli::args;
use crate::cli::blueprints::cluster_of;
use crate::cli::error::CommandError;
use crate::cluster::Cluster;
use crate::fileset::manifest::{self, Manifest};
use crate::fileset::reconcile::{Action, Reconciled};
use crate::generate::{for_machines, for_tools, generate};
use crate::system::parallel;
use crate::workspace::{Staged, Workspace, place};

/// Number of new clusters that wait for the disk together. The wait is the same for one and for many.
pub(super) const BATCH: usize = 32;

/// Writes the files of some clusters, and returns the results in their order.
pub(super) fn write_batch(
    out: &Path,
    options: &args::GenArgs,
    batch: &[Inspected],
) -> Vec<Result<Reconciled, CommandError>> {
    let mut staged: Vec<Staged> = vec![];
    // New clusters get their results from `place`; these are their positions.
    let mut done: Vec<Result<Reconciled, CommandError>> = vec![];
    let mut waiting = vec![];
    for (at, one) in batch.iter().enumerate() {
        done.push(write_one(out, options, one, &mut staged));
        if staged.len() > waiting.len() {
            waiting.push(at);
        }
    }
    for (at, placed) in waiting.into_iter().zip(place(staged)) {
        if let Err(error) = placed {
            done[at] = Err(CommandError::unwritten(error));
        }
    }
    done
}

fn write_one(
    out: &Path,
    options: &args::GenArgs,
    one: &Inspected,
    staged: &mut Vec<Staged>,
) -> Result<Reconciled, CommandError> {
    if one.seen.settled {
        return Ok(one.seen.reconciled.clone());
    }
    let cluster = match &one.cluster {
        Some(cluster) => Cow::Borrowed(cluster),
        None => Cow::Owned(
            cluster_of(&one.file.display().to_string(), &one.text, &options.variables)
                .map_err(|problems| CommandError::usage(problems.join("\n")))?,
        ),
    };
    let workspace = Workspace::new(out, &one.name);
    if !one.seen.fresh {
        let set = generate(&cluster);
        let written = workspace.write(&one.name, &set, options.force).map_err(CommandError::unwritten)?;
        if let Some(origin) = &one.origin {
            workspace.seal(origin, written.files());
        }
        return Ok(written.reconciled);
    }
    let (new, reconciled) = stage(&workspace, &cluster, one.origin.as_deref()).map_err(CommandError::unwritten)?;
    staged.push(new);
    Ok(reconciled)
}

/// Writes the first half of a new cluster's files while the other half is generated.
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
