//! The first look: what a blueprint describes, which rules it breaks, and what stands where its files are to be.

use std::path::{Path, PathBuf};

use crate::cli::args;
use crate::cli::blueprints::Loaded;
use crate::cli::check::diagnostics;
use crate::cli::error::CommandError;
use crate::cluster::Cluster;
use crate::cluster::check::check;
use crate::fileset::reconcile::Reconciled;
use crate::workspace::Workspace;

/// A blueprint after the first look. Its files are made anew when they are written: those of a thousand clusters would not fit
/// in little memory, and mostly nothing is to be written.
pub(super) struct Looked {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// What it describes, of the first few: it need not be read again.
    pub(super) cluster: Option<Cluster>,
    /// What its files are made from, in one hash; none where this program cannot be told from another.
    pub(super) origin: Option<String>,
    pub(super) name: String,
    /// The rules that it breaks, in words, and how many of them are errors.
    pub(super) broken: Vec<String>,
    pub(super) errors: usize,
    pub(super) seen: FolderState,
}

/// What stands where its files are to be.
#[derive(Default)]
pub(super) struct FolderState {
    /// Nothing at all: whatever is written stands in nobody's way.
    pub(super) fresh: bool,
    /// Nothing is to be done.
    pub(super) settled: bool,
    pub(super) reconciled: Reconciled,
    /// With `--check`.
    pub(super) diff: String,
}

pub(super) fn look(
    out: &Path,
    options: &args::GenArgs,
    program: Option<&str>,
    one: Loaded,
    keep: bool,
) -> Result<Looked, CommandError> {
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
    Ok(Looked { file, text, cluster, origin, name, broken, errors: found.errors(), seen })
}

/// How many files are known to be what `gen` would write, without making them. `--check` makes them: it trusts nothing but git.
fn sealed(workspace: &Workspace, options: &args::GenArgs, origin: Option<&str>) -> Result<Option<usize>, CommandError> {
    match origin {
        Some(origin) if !options.check => workspace.sealed(origin).map_err(CommandError::unwritten),
        _ => Ok(None),
    }
}
