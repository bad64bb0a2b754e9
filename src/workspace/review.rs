//! A folder compared with a file set, and the difference as people read it.

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

/// Where Terraform keeps a state that is not told otherwise.
const STATE: &str = "terraform.tfstate";
/// Bytes of one that can be empty of resources: what is larger is not.
const LARGEST_STATE: usize = 1 << 20;
/// Of a state that could not be saved, is being written, lies elsewhere, or is a workspace's
/// (<https://developer.hashicorp.com/terraform/language/state>).
const TRACES: [&str; 4] =
    ["errored.tfstate", ".terraform.tfstate.lock.info", ".terraform/terraform.tfstate", "terraform.tfstate.d"];

/// A folder compared with a file set.
#[derive(Debug, Clone)]
pub struct FolderReview<'a> {
    /// What is to be done, and what stands against it.
    pub reconciled: Reconciled,
    set: &'a FileSet,
    pub(super) manifest: File,
    pub(super) known: Known,
    /// What stands where something else is to be.
    texts: BTreeMap<RelPath, Vec<u8>>,
}

impl FolderReview<'_> {
    /// Whether the folder is not what `gen` writes.
    pub fn drift(&self) -> bool {
        !self.reconciled.steps.is_empty()
    }

    /// Whether there is nothing to do at all, not even to clear away what an interrupted `gen` left.
    pub fn settled(&self) -> bool {
        !self.drift() && self.known.journal.files.is_empty()
    }

    /// Every file that is to stand there, the manifest among them.
    pub fn files(&self) -> impl Iterator<Item = (RelPath, &File)> {
        let files = self.set.iter().map(|(path, file)| (path.clone(), file));
        files.chain([(RelPath::new(manifest::PATH), &self.manifest)])
    }

    pub(super) fn wanted(&self, path: &RelPath) -> Option<&File> {
        wanted(self.set, &self.manifest, path)
    }

    /// A unified diff from the folder to the file set.
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
    /// Compares; writes nothing. Each file is read once.
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

    /// Whether a module may have machines: only a state without resources, or no trace of one, says that it has none.
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
