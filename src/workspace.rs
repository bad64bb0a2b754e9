//! A file set and its folder, `generated/<cluster>`: compare, show, write.
//!
//! Whatever kills a `gen`, the next one goes on: what is about to be written stands in a journal before the first byte is, and the
//! manifest is written last. A file that holds what either of them names is ours.

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

/// Folder inside the cluster's own for what is nobody else's business: journal, logs, plans. It hides itself from git.
pub const PRIVATE: &str = ".pgherd";
const JOURNAL: &str = ".pgherd/gen-journal.json";
/// What the files were made from and held.
const SEAL: &str = ".pgherd/gen-seal";
/// Who has the lock.
const HOLDER: &str = ".pgherd/holder.json";

/// The folder of a cluster's generated files.
#[derive(Debug, Clone)]
pub struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    /// The folder of a cluster below the output folder.
    pub fn new(out: &Path, cluster: &str) -> Self {
        Workspace { dir: out.join(cluster) }
    }

    /// A folder by its own path.
    pub fn at(dir: &Path) -> Self {
        Workspace { dir: dir.to_path_buf() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether nothing stands where the folder is to be.
    pub fn missing(&self) -> Result<bool> {
        Ok(files::kind(&self.dir).with_context(|| format!("cannot look at {}", self.dir.display()))?.is_none())
    }

    /// Makes the folder hold the file set. With `force`, files of others as well: the caller has named them.
    ///
    /// The folder is compared once more under its lock: nothing is overwritten that came between the caller's look and this one.
    pub fn write<'a>(&self, cluster: &str, set: &'a FileSet, force: bool) -> Result<FolderReview<'a>> {
        if let PathState::Obstacle(what) | PathState::Blocked { is: what, .. } = self.kind_of_root()? {
            bail!("{} is {what}: pgherd writes into folders only", self.dir.display());
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

    /// Holds the folder against other pgherds; fails if one has it, and says which.
    ///
    /// The system lets go of it when its holder ends, however that was: no dead one is in the way.
    pub fn lock(&self) -> Result<files::Lock> {
        let lock = files::lock(&self.dir).with_context(|| format!("cannot lock {}", self.dir.display()))?;
        let note = self.dir.join(HOLDER);
        match lock {
            Some(lock) => {
                // Nobody depends on it; where there is no private folder yet, it is not made for this.
                let _ = files::write(&note, Holder::myself().to_text().as_bytes());
                Ok(lock)
            }
            None => {
                let holder = files::read_text(&note).ok().flatten().and_then(|text| Holder::parse(&text));
                let who = holder.filter(Holder::lives).map_or(String::new(), |holder| format!(": {holder}"));
                bail!("another pgherd works on {}{who}\n  wait until it is done", self.dir.display())
            }
        }
    }

    /// Makes the private folder, hidden from git by itself.
    pub fn make_private_dir(&self) -> Result<PathBuf> {
        let dir = self.dir.join(PRIVATE);
        if matches!(files::kind(&dir)?, Some(kind) if kind != FileKind::Directory) {
            bail!("{} is not a folder: remove it", dir.display());
        }
        let ignore = dir.join(".gitignore");
        let made = files::make_dirs(&dir)
            // A saved plan holds what Terraform knows.
            .and_then(|()| files::set_mode(&dir, 0o700))
            .and_then(|()| files::kind(&ignore))
            .and_then(|there| if there.is_none() { files::write(&ignore, b"*\n") } else { Ok(()) });
        match made {
            Ok(()) => Ok(dir),
            Err(e) => bail!("cannot write in {}: {e}\n  make room, or make it writable for this user", dir.display()),
        }
    }

    /// Journal; then every new text under a temporary name; then, when all of them are on the disk, each to its place; the manifest last.
    fn apply(&self, review: &FolderReview<'_>) -> Result<()> {
        let mut journal = review.known.journal.clone();
        let mut look = FolderReader::at(&self.dir)?;
        for path in journal.files.keys() {
            // An interrupted `gen` may have left it.
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
        // Removals first: where a file was, a folder may be needed.
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

    /// Beside the file itself: only within a directory is a rename one step.
    fn temporary(&self, path: &RelPath) -> PathBuf {
        let full = self.dir.join(path.as_str());
        let name = full.file_name().unwrap_or_default().to_string_lossy();
        full.with_file_name(format!(".{name}.pgherd-new"))
    }

    /// `Nothing` stands against the folder, or something does.
    fn kind_of_root(&self) -> Result<PathState> {
        kind_of_root(&self.dir)
    }
}
