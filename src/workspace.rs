//! Compares a file set with its folder, `generated/<cluster>`, and writes it.
//!
//! If a `gen` is killed, the next one completes its work. A journal lists what is about to be written before the first byte is written,
//! and the manifest is written last. A file whose content either of them lists is pgherd's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::fileset::manifest;
use crate::fileset::reconcile::{Action, PathState};
use crate::fileset::{FileSet, RelPath};
use crate::system::files::{self, FileKind};

mod holder;
mod look;
mod review;
mod seal;
mod stage;

use holder::Holder;
use look::{FolderReader, kind_of_root};
pub use review::FolderReview;
pub use stage::{Staged, place};

/// The folder inside the cluster's folder for pgherd's private files: journal, logs and plans. Its own `.gitignore` hides it from git.
pub const PRIVATE: &str = ".pgherd";
const JOURNAL: &str = ".pgherd/gen-journal.json";
/// The seal: the origin and the hash of the generated files.
const SEAL: &str = ".pgherd/gen-seal";
/// The record of the lock's holder.
const HOLDER: &str = ".pgherd/holder.json";

/// The folder of a cluster's generated files.
#[derive(Debug, Clone)]
pub struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    /// Returns the workspace of a cluster below the output folder.
    pub fn new(out: &Path, cluster: &str) -> Self {
        Workspace { dir: out.join(cluster) }
    }

    /// Returns the workspace at a path.
    pub fn at(dir: &Path) -> Self {
        Workspace { dir: dir.to_path_buf() }
    }

    /// Returns the path of the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns whether nothing exists at the folder's path.
    pub fn missing(&self) -> Result<bool> {
        Ok(files::kind(&self.dir).with_context(|| format!("cannot read {}", self.dir.display()))?.is_none())
    }

    /// Writes the file set to the folder. With `force`, also overwrites files that are not pgherd's; the caller has listed them.
    ///
    /// Compares the folder again under its lock, so that nothing is overwritten that changed since the caller compared it.
    pub fn write<'a>(&self, cluster: &str, set: &'a FileSet, force: bool) -> Result<FolderReview<'a>> {
        if let PathState::Obstacle(what) | PathState::Blocked { is: what, .. } = self.kind_of_root()? {
            bail!("{} is {what}. pgherd only writes to folders", self.dir.display());
        }
        files::make_dirs(&self.dir).with_context(|| format!("cannot make {}", self.dir.display()))?;
        let _lock = self.lock()?;
        let review = self.review(cluster, set)?;
        let refused = review.reconciled.conflicts.iter().find(|(_, why)| !(force && why.yields_to_force()));
        if let Some((path, why)) = refused {
            bail!("{} {why}", self.dir.join(path.as_str()).display());
        }
        if review.drift() {
            self.apply(&review)?;
        }
        if !review.settled() {
            files::remove(&self.dir.join(JOURNAL))?;
        }
        Ok(review)
    }

    /// Locks the folder against other pgherd processes. If one holds it, fails and names it.
    ///
    /// The system releases the lock when its holder ends, for whatever reason, so there are no stale locks.
    pub fn lock(&self) -> Result<files::Lock> {
        let lock = files::lock(&self.dir).with_context(|| format!("cannot lock {}", self.dir.display()))?;
        let note = self.dir.join(HOLDER);
        match lock {
            Some(lock) => {
                // Nothing depends on the record, so the private folder is not created for it.
                let _ = files::write(&note, Holder::myself().to_text().as_bytes());
                Ok(lock)
            }
            None => {
                let holder = files::read_text(&note).ok().flatten().and_then(|text| Holder::parse(&text));
                let who = holder.filter(Holder::lives).map_or(String::new(), |holder| format!(": {holder}"));
                bail!("another pgherd is using {}{who}\n  Wait until it has finished", self.dir.display())
            }
        }
    }

    /// Creates the private folder with a `.gitignore` that hides it from git.
    pub fn make_private_dir(&self) -> Result<PathBuf> {
        let dir = self.dir.join(PRIVATE);
        if matches!(files::kind(&dir)?, Some(kind) if kind != FileKind::Directory) {
            bail!("{} is not a folder. Remove it", dir.display());
        }
        let ignore = dir.join(".gitignore");
        let made = files::make_dirs(&dir)
            // A saved plan may hold secrets.
            .and_then(|()| files::set_mode(&dir, 0o700))
            .and_then(|()| files::kind(&ignore))
            .and_then(|there| if there.is_none() { files::write(&ignore, b"*\n") } else { Ok(()) });
        match made {
            Ok(()) => Ok(dir),
            Err(e) => bail!(
                "cannot write to {}: {e}\n  Free some disk space, or make the folder writable for this user",
                dir.display()
            ),
        }
    }

    /// Writes the journal, then every new file under a temporary name. When all of them are on disk, renames each to its place, the
    /// manifest last.
    fn apply(&self, review: &FolderReview<'_>) -> Result<()> {
        let mut journal = review.known.journal.clone();
        let mut look = FolderReader::at(&self.dir)?;
        for path in journal.files.keys() {
            // An interrupted `gen` may have left this temporary file.
            if !matches!(look.find(path, None)?.0, PathState::Blocked { .. }) {
                files::remove(&self.temporary(path))?;
            }
        }
        let manifest = RelPath::new(manifest::PATH);
        let steps = &review.reconciled.steps;
        let writes = (steps.iter())
            .filter(|(_, action)| matches!(action, Action::Create | Action::Update))
            .filter_map(|(path, _)| Some((path, review.wanted(path)?)));
        for (path, file) in writes.clone().filter(|(path, _)| **path != manifest) {
            journal.add(path, file.sha256.to_string());
        }
        self.make_private_dir()?;
        let at = self.dir.join(JOURNAL);
        files::replace(&at, &self.dir.join(".pgherd/gen-journal.new"), journal.to_text().as_bytes(), 0o644)?;
        files::sync(&self.dir.join(PRIVATE))?;
        let mut touched = BTreeSet::new();
        // Removals come first, because a folder may be needed in the place of a file.
        for (path, _) in steps.iter().filter(|(_, action)| **action == Action::Remove) {
            let full = self.dir.join(path.as_str());
            files::remove(&full).with_context(|| format!("cannot remove {}", full.display()))?;
            self.remove_empty_parents(full.parent().unwrap_or(&self.dir));
        }
        for (path, file) in writes.clone() {
            let temporary = self.temporary(path);
            let parent = temporary.parent().unwrap_or(&self.dir);
            (files::make_dirs(parent).and_then(|()| files::remove(&temporary)))
                .and_then(|()| files::write_new(&temporary, file.text.as_bytes(), file.mode.bits()))
                .with_context(|| format!("cannot write {}", temporary.display()))?;
            touched.insert(parent.to_path_buf());
        }
        files::sync_all(&self.dir)?;
        for (path, action) in steps.iter().filter(|(path, _)| **path != manifest) {
            let full = self.dir.join(path.as_str());
            let done = match (action, review.wanted(path)) {
                (Action::Remove, _) | (_, None) => Ok(()),
                (Action::Chmod, Some(file)) => files::set_mode(&full, file.mode.bits()),
                (Action::Create | Action::Update, Some(_)) => files::rename(&self.temporary(path), &full),
            };
            done.with_context(|| format!("cannot write {}", full.display()))?;
        }
        for dir in touched {
            files::sync(&dir).with_context(|| format!("cannot write {}", dir.display()))?;
        }
        match steps.get(&manifest) {
            None => {}
            Some(Action::Chmod) => files::set_mode(&self.dir.join(manifest::PATH), review.manifest.mode.bits())?,
            Some(_) => files::rename(&self.temporary(&manifest), &self.dir.join(manifest::PATH))?,
        }
        Ok(files::sync(&self.dir)?)
    }

    fn remove_empty_parents(&self, mut dir: &Path) {
        while dir != self.dir && files::remove_empty_dir(dir) {
            let Some(parent) = dir.parent() else { break };
            dir = parent;
        }
    }

    /// Returns a temporary path beside the file, because a rename is atomic only within a file system.
    fn temporary(&self, path: &RelPath) -> PathBuf {
        let full = self.dir.join(path.as_str());
        let name = full.file_name().unwrap_or_default().to_string_lossy();
        full.with_file_name(format!(".{name}.pgherd-new"))
    }

    /// Returns `Nothing` if the folder can be written to, or else what is in its way.
    fn kind_of_root(&self) -> Result<PathState> {
        kind_of_root(&self.dir)
    }
}
