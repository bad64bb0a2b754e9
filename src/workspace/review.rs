//! Compares a folder with a file set and shows the difference as a unified diff.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use similar::TextDiff;

use super::look::FolderReader;
use super::{JOURNAL, Workspace};
use crate::fileset::manifest::{self, Manifest, WriteJournal};
use crate::fileset::reconcile::{Action, Known, PathState, Reconciled, reconcile};
use crate::fileset::{File, FileSet, Mode, RelPath};
use crate::system::files;

/// The file of a local Terraform state.
const STATE: &str = "terraform.tfstate";
/// The number of bytes read of a state. A larger state certainly has resources.
const LARGEST_STATE: usize = 1 << 20;
/// Files that show a state which could not be saved, is being written, is stored elsewhere, or belongs to a workspace
/// (<https://developer.hashicorp.com/terraform/language/state>).
const TRACES: [&str; 4] =
    ["errored.tfstate", ".terraform.tfstate.lock.info", ".terraform/terraform.tfstate", "terraform.tfstate.d"];

/// A folder compared with a file set.
#[derive(Debug, Clone)]
pub struct FolderReview<'a> {
    /// The steps to take, and the reasons against taking them.
    pub reconciled: Reconciled,
    set: &'a FileSet,
    pub(super) manifest: File,
    pub(super) known: Known,
    /// The present content of files that differ.
    texts: BTreeMap<RelPath, Vec<u8>>,
}

impl FolderReview<'_> {
    /// Returns whether the folder differs from what `gen` writes.
    pub fn drift(&self) -> bool {
        !self.reconciled.steps.is_empty()
    }

    /// Returns whether there is nothing to do, not even to clean up after an interrupted `gen`.
    pub fn settled(&self) -> bool {
        !self.drift() && self.known.journal.files.is_empty()
    }

    /// Returns every file that belongs in the folder, including the manifest.
    pub fn files(&self) -> impl Iterator<Item = (RelPath, &File)> {
        let files = self.set.iter().map(|(path, file)| (path.clone(), file));
        files.chain([(RelPath::new(manifest::PATH), &self.manifest)])
    }

    pub(super) fn wanted(&self, path: &RelPath) -> Option<&File> {
        wanted(self.set, &self.manifest, path)
    }

    /// Returns a unified diff from the folder to the file set.
    pub fn diff(&self, shown: &Path) -> String {
        let mut out = String::new();
        for (path, action) in &self.reconciled.steps {
            let name = shown.join(path.as_str()).display().to_string();
            let before = String::from_utf8_lossy(self.texts.get(path).map_or(&[], Vec::as_slice));
            let after = self.wanted(path).map_or("", |file| &file.text);
            if *action == Action::Chmod {
                let (old, new) = match self.wanted(path).map(|file| file.mode) {
                    Some(Mode::Executable) => ("100644", "100755"),
                    _ => ("100755", "100644"),
                };
                out.push_str(&format!("--- {name}\n+++ {name}\nold mode {old}\nnew mode {new}\n"));
                continue;
            }
            let old = if *action == Action::Create { "/dev/null" } else { &name };
            let new = if *action == Action::Remove { "/dev/null" } else { &name };
            let diff = TextDiff::from_lines(before.as_ref(), after);
            out.push_str(&diff.unified_diff().context_radius(3).header(old, new).to_string());
        }
        out
    }
}

fn wanted<'a>(set: &'a FileSet, manifest: &'a File, path: &RelPath) -> Option<&'a File> {
    if path.as_str() == manifest::PATH { Some(manifest) } else { set.get(path.as_str()) }
}

impl Workspace {
    /// Compares the folder with a file set and writes nothing. Reads each file once.
    pub fn review<'a>(&self, cluster: &str, set: &'a FileSet) -> Result<FolderReview<'a>> {
        let own = Manifest::of(cluster, set);
        let manifest = own.to_file();
        let mut known = Known::default();
        let mut texts = BTreeMap::new();
        let mut found = BTreeMap::new();
        let mut look = FolderReader::at(&self.dir)?;
        let manifest_path = RelPath::new(manifest::PATH);
        let (what, bytes) = look.find(&manifest_path, Some(&manifest))?;
        if let Some(bytes) = bytes {
            let same = bytes == manifest.text.as_bytes();
            known.manifest = Some(if same { Ok(own) } else { Manifest::parse(&String::from_utf8_lossy(&bytes)) });
            texts.insert(manifest_path.clone(), bytes);
        }
        found.insert(manifest_path.clone(), what);
        if let Some(bytes) = look.private(JOURNAL)? {
            known.journal = WriteJournal::parse(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
        }
        for path in known.paths(set).into_iter().filter(|path| *path != manifest_path) {
            let wanted = set.get(path.as_str());
            let (what, bytes) = look.find(&path, wanted)?;
            let same =
                matches!((&what, wanted), (PathState::File { sha256, .. }, Some(file)) if *sha256 == file.sha256);
            texts.extend(bytes.filter(|_| !same).map(|bytes| (path.clone(), bytes)));
            found.insert(path, what);
        }
        known.in_use = known.given_up(set).into_iter().filter(|folder| self.may_have_machines(folder)).collect();
        let reconciled = reconcile(cluster, set, &manifest, &known, &found);
        Ok(FolderReview { reconciled, set, manifest, known, texts })
    }

    /// Returns whether a module may have machines. It has none only if its state has no resources or no trace of a state exists.
    fn may_have_machines(&self, module: &str) -> bool {
        let module = self.dir.join(module);
        let is_there = |name: &str| !matches!(files::kind(&module.join(name)), Ok(None));
        let is_empty = || {
            let text = files::read_start(&module.join(STATE), LARGEST_STATE).ok().flatten()?;
            let state: serde_json::Value = serde_json::from_slice(&text).ok()?;
            state["resources"].as_array().map(Vec::is_empty)
        };
        TRACES.iter().any(|name| is_there(name)) || (is_there(STATE) && !is_empty().unwrap_or(false))
    }
}
