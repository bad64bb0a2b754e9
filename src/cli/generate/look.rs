//! The first half of `gen`: which rules a blueprint violates, and what is in the directory of its files.

use std::path::{Path, PathBuf};

use crate::cli::args;
use crate::cli::blueprints::Loaded;
use crate::cli::check::diagnostics;
use crate::cli::error::CommandError;
use crate::cluster::Cluster;
use crate::cluster::check::check;
use crate::fileset::reconcile::Reconciled;
use crate::workspace::Workspace;

/// A blueprint and what was found out about it. Its files are generated again when they are written: those of a thousand clusters
/// would need much memory, and mostly there is nothing to write.
pub(super) struct Inspected {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// The cluster that it describes. Kept only for the first few, so that they need not be parsed again.
    pub(super) cluster: Option<Cluster>,
    /// One hash of everything that its files are made from; `None` if this program cannot be identified.
    pub(super) origin: Option<String>,
    pub(super) name: String,
    /// The rules that it violates, as printed, and how many of them are errors.
    pub(super) broken: Vec<String>,
    pub(super) errors: usize,
    pub(super) seen: FolderState,
}

/// What is in the directory of its files.
#[derive(Default)]
pub(super) struct FolderState {
    /// The directory does not exist, so nothing can be in the way.
    pub(super) fresh: bool,
    /// There is nothing to do.
    pub(super) settled: bool,
    pub(super) reconciled: Reconciled,
    /// The difference, with `--check`.
    pub(super) diff: String,
}

pub(super) fn look(
    out: &Path,
    options: &args::GenArgs,
    program: Option<&str>,
    one: Loaded,
    keep: bool,
) -> Result<Inspected, CommandError> {
    let found = check(&one.cluster);
    let broken = diagnostics(&one, &found).iter().map(ToString::to_string).collect();
    let workspace = Workspace::new(out, &one.cluster.name);
    let origin = program.map(|program| one.origin(program));
    let seen = if found.errors() > 0 {
        FolderState::default()
    } else if !options.check && workspace.missing().map_err(CommandError::unwritten)? {
        FolderState { fresh: true, ..FolderState::default() }
    } else if let Some(unchanged) = sealed(&workspace, options, origin.as_deref())? {
        FolderState {
            settled: true,
            reconciled: Reconciled { unchanged, ..Reconciled::default() },
            ..FolderState::default()
        }
    } else {
        let set = one.files();
        let review = workspace.review(&one.cluster.name, &set).map_err(CommandError::unwritten)?;
        let diff = if options.check { review.diff(&options.out.dir.join(&one.cluster.name)) } else { String::new() };
        FolderState { fresh: false, settled: review.settled(), diff, reconciled: review.reconciled }
    };
    let Loaded { file, text, cluster, .. } = one;
    let (name, cluster) = (cluster.name.clone(), keep.then_some(cluster));
    Ok(Inspected { file, text, cluster, origin, name, broken, errors: found.errors(), seen })
}

/// Returns how many files are known to be up to date without generating them. `--check` generates them: it trusts nothing but git.
fn sealed(workspace: &Workspace, options: &args::GenArgs, origin: Option<&str>) -> Result<Option<usize>, CommandError> {
    match origin {
        Some(origin) if !options.check => workspace.sealed(origin).map_err(CommandError::unwritten),
        _ => Ok(None),
    }
}
