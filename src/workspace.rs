//! A file set and its folder, `generated/<cluster>`: compare, show, write.
//!
//! Whatever kills a `gen`, the next one goes on: what is about to be written stands in a journal before the first byte is, and the
//! manifest is written last. A file that holds what either of them names is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use similar::TextDiff;

use crate::fileset::manifest::{self, Journal, Manifest};
use crate::fileset::reconcile::{Action, Found, Known, Reconciled, reconcile};
use crate::fileset::{FileSet, Mode, RelPath, sha256_hex};
use crate::system::files::{self, Kind};

mod holder;

use holder::Holder;

/// Folder inside the cluster's own for what is nobody else's business: journal, logs, plans. It hides itself from git.
pub const PRIVATE: &str = ".pgherd";
const JOURNAL: &str = ".pgherd/gen-journal.json";
/// Who has the lock.
const HOLDER: &str = ".pgherd/holder.json";

/// The folder of a cluster's generated files.
#[derive(Debug, Clone)]
pub struct Workspace {
    dir: PathBuf,
}

/// A folder compared with a file set.
#[derive(Debug, Clone)]
pub struct Review {
    /// What is to be done, and what stands against it.
    pub reconciled: Reconciled,
    known: Known,
    texts: BTreeMap<RelPath, Vec<u8>>,
    wanted: BTreeMap<RelPath, (Mode, String)>,
}

impl Review {
    /// Whether the folder is not what `gen` writes.
    pub fn drift(&self) -> bool {
        !self.reconciled.steps.is_empty()
    }

    /// A unified diff from the folder to the file set.
    pub fn diff(&self, shown: &Path) -> String {
        let mut out = String::new();
        for (path, action) in &self.reconciled.steps {
            let name = shown.join(path.as_str()).display().to_string();
            let before = String::from_utf8_lossy(self.texts.get(path).map_or(&[], Vec::as_slice));
            let after = self.wanted.get(path).map_or("", |(_, text)| text.as_str());
            if *action == Action::Chmod {
                let (old, new) = match self.wanted.get(path) {
                    Some((Mode::Executable, _)) => ("100644", "100755"),
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

    /// Compares; writes nothing.
    pub fn review(&self, cluster: &str, set: &FileSet) -> Result<Review> {
        let mut known = Known::default();
        let mut texts = BTreeMap::new();
        let mut found = BTreeMap::new();
        if let Some(text) = self.read_own(manifest::PATH)? {
            known.manifest = Some(Manifest::parse(&text));
        }
        if let Some(text) = self.read_own(JOURNAL)? {
            known.journal = Journal::parse(&text).unwrap_or_default();
        }
        for path in known.paths(set) {
            let (what, bytes) = self.find(&path)?;
            found.insert(path.clone(), what);
            texts.extend(bytes.map(|b| (path, b)));
        }
        let reconciled = reconcile(cluster, set, &known, &found);
        let mut wanted: BTreeMap<RelPath, (Mode, String)> =
            set.iter().map(|(path, file)| (path.clone(), (file.mode, file.text.clone()))).collect();
        wanted.insert(RelPath::new(manifest::PATH), (Mode::Plain, Manifest::of(cluster, set).to_text()));
        Ok(Review { reconciled, known, texts, wanted })
    }

    /// Makes the folder hold the file set. With `force`, files of others as well: the caller has named them.
    ///
    /// The folder is compared once more under its lock: nothing is overwritten that came between the caller's look and this one.
    pub fn write(&self, cluster: &str, set: &FileSet, force: bool) -> Result<Review> {
        if let Found::Obstacle(what) | Found::Blocked { is: what, .. } = self.kind_of_root()? {
            bail!("{} is {what}: pgherd writes into folders only", self.dir.display());
        }
        files::make_dirs(&self.dir).with_context(|| format!("cannot make {}", self.dir.display()))?;
        let _lock = self.lock()?;
        let review = self.review(cluster, set)?;
        let refused = review.reconciled.refusals.iter().find(|(_, why)| !(force && why.yields_to_force()));
        if let Some((path, why)) = refused {
            bail!("{} {why}", self.dir.join(path.as_str()).display());
        }
        if review.drift() {
            self.apply(&review)?;
        }
        if review.drift() || !review.known.journal.files.is_empty() {
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
        if matches!(files::kind(&dir)?, Some(kind) if kind != Kind::Directory) {
            bail!("{} is not a folder: remove it", dir.display());
        }
        files::make_dirs(&dir)?;
        // A saved plan holds what Terraform knows.
        files::set_mode(&dir, 0o700)?;
        let ignore = dir.join(".gitignore");
        if files::kind(&ignore)?.is_none() {
            files::write(&ignore, b"*\n")?;
        }
        Ok(dir)
    }

    fn apply(&self, review: &Review) -> Result<()> {
        let mut journal = review.known.journal.clone();
        for path in journal.files.keys() {
            // An interrupted `gen` may have left it.
            if !matches!(self.find(path)?.0, Found::Blocked { .. }) {
                files::remove(&self.temporary(path))?;
            }
        }
        let manifest = RelPath::new(manifest::PATH);
        let (last, steps): (Vec<_>, Vec<_>) = review.reconciled.steps.iter().partition(|(path, _)| **path == manifest);
        for (path, action) in &steps {
            if let (Action::Create | Action::Update, Some((_, text))) = (action, review.wanted.get(path)) {
                journal.add(path, sha256_hex(text.as_bytes()));
            }
        }
        self.make_private_dir()?;
        let at = self.dir.join(JOURNAL);
        files::replace(&at, &self.dir.join(".pgherd/gen-journal.new"), journal.to_text().as_bytes(), 0o644)?;
        files::sync(&self.dir.join(PRIVATE))?;
        // Removals first: where a file was, a folder may be needed.
        let (removals, writes): (Vec<_>, Vec<_>) = steps.iter().partition(|(_, action)| **action == Action::Remove);
        let mut touched = BTreeSet::new();
        for (path, action) in removals.into_iter().chain(writes) {
            touched.extend(self.take(path, *action, review)?);
        }
        for dir in touched {
            files::sync(&dir).with_context(|| format!("cannot write {}", dir.display()))?;
        }
        for (path, action) in last {
            self.take(path, *action, review)?;
        }
        Ok(files::sync(&self.dir)?)
    }

    /// Does one step; answers the folder whose entries it changed, if that is still to reach the disk.
    fn take(&self, path: &RelPath, action: Action, review: &Review) -> Result<Option<PathBuf>> {
        let full = self.dir.join(path.as_str());
        let parent = full.parent().unwrap_or(&self.dir);
        let done = match (action, review.wanted.get(path)) {
            (Action::Remove, _) | (_, None) => files::remove(&full).map(|()| {
                self.remove_empty_parents(parent);
                None
            }),
            (Action::Chmod, Some((mode, _))) => files::set_mode(&full, mode.bits()).map(|()| None),
            (Action::Create | Action::Update, Some((mode, text))) => (files::make_dirs(parent))
                .and_then(|()| files::replace(&full, &self.temporary(path), text.as_bytes(), mode.bits()))
                .map(|()| Some(parent.to_path_buf())),
        };
        done.with_context(|| format!("cannot write {}", full.display()))
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

    /// What stands at a path. A link on the way is never followed: it could lead the write anywhere.
    fn find(&self, path: &RelPath) -> Result<(Found, Option<Vec<u8>>)> {
        let root = self.kind_of_root()?;
        if root != Found::Nothing {
            return Ok((root, None));
        }
        let full = self.dir.join(path.as_str());
        let mut at = self.dir.clone();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            let kind = files::kind(&at).with_context(|| format!("cannot look at {}", at.display()))?;
            let last = parts.peek().is_none();
            match (kind, last) {
                (None, _) => return Ok((Found::Nothing, None)),
                (Some(Kind::Directory), false) => {}
                (Some(kind), false) => {
                    return Ok((Found::Blocked { at: at.display().to_string(), is: word(kind) }, None));
                }
                (Some(Kind::File { executable }), true) => {
                    let bytes = files::read(&full).with_context(|| format!("cannot read {}", full.display()))?;
                    let bytes = bytes.unwrap_or_default();
                    return Ok((Found::File { sha256: sha256_hex(&bytes), executable }, Some(bytes)));
                }
                (Some(kind), true) => return Ok((Found::Obstacle(word(kind)), None)),
            }
        }
        Ok((Found::Nothing, None))
    }

    /// `Nothing` stands against the folder, or something does.
    fn kind_of_root(&self) -> Result<Found> {
        let kind = files::kind(&self.dir).with_context(|| format!("cannot look at {}", self.dir.display()))?;
        Ok(match kind {
            None | Some(Kind::Directory) => Found::Nothing,
            Some(kind) => Found::Blocked { at: self.dir.display().to_string(), is: word(kind) },
        })
    }

    /// A file of our own bookkeeping, unless it lies behind a link.
    fn read_own(&self, path: &str) -> Result<Option<String>> {
        let (_, bytes) = self.find(&RelPath::new(path))?;
        Ok(bytes.map(|b| String::from_utf8_lossy(&b).into_owned()))
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File { .. } => "a file",
        Kind::Directory => "a directory",
        Kind::Link => "a symbolic link",
        Kind::Other => "a special file",
    }
}
