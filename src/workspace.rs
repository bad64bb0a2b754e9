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
use crate::fileset::{File, FileSet, Mode, RelPath, sha256_hex};
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
pub struct Review<'a> {
    /// What is to be done, and what stands against it.
    pub reconciled: Reconciled,
    set: &'a FileSet,
    manifest: File,
    known: Known,
    /// What stands where something else is to be.
    texts: BTreeMap<RelPath, Vec<u8>>,
}

impl Review<'_> {
    /// Whether the folder is not what `gen` writes.
    pub fn drift(&self) -> bool {
        !self.reconciled.steps.is_empty()
    }

    /// Whether there is nothing to do at all, not even to clear away what an interrupted `gen` left.
    pub fn settled(&self) -> bool {
        !self.drift() && self.known.journal.files.is_empty()
    }

    fn wanted(&self, path: &RelPath) -> Option<&File> {
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

    /// Compares; writes nothing. Each file is read once.
    pub fn review<'a>(&self, cluster: &str, set: &'a FileSet) -> Result<Review<'a>> {
        let own = Manifest::of(cluster, set);
        let manifest = own.to_file();
        let mut known = Known::default();
        let mut texts = BTreeMap::new();
        let mut found = BTreeMap::new();
        let mut look = Look::at(&self.dir)?;
        let manifest_path = RelPath::new(manifest::PATH);
        let (what, bytes) = look.find(&manifest_path, Some(&manifest))?;
        if let Some(bytes) = bytes {
            let same = bytes == manifest.text.as_bytes();
            known.manifest = Some(if same { Ok(own) } else { Manifest::parse(&String::from_utf8_lossy(&bytes)) });
            texts.insert(manifest_path.clone(), bytes);
        }
        found.insert(manifest_path.clone(), what);
        if let (_, Some(bytes)) = look.find(&RelPath::new(JOURNAL), None)? {
            known.journal = Journal::parse(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
        }
        for path in known.paths(set).into_iter().filter(|path| *path != manifest_path) {
            let wanted = set.get(path.as_str());
            let (what, bytes) = look.find(&path, wanted)?;
            let same = matches!((&what, wanted), (Found::File { sha256, .. }, Some(file)) if *sha256 == file.sha256);
            texts.extend(bytes.filter(|_| !same).map(|bytes| (path.clone(), bytes)));
            found.insert(path, what);
        }
        let reconciled = reconcile(set, &manifest, &known, &found);
        Ok(Review { reconciled, set, manifest, known, texts })
    }

    /// Whether nothing stands where the folder is to be.
    pub fn missing(&self) -> Result<bool> {
        Ok(files::kind(&self.dir).with_context(|| format!("cannot look at {}", self.dir.display()))?.is_none())
    }

    /// Writes the file set beside where the folder is to be, which does not exist yet: [`place`] shows it to the world.
    pub fn stage(&self, cluster: &str, set: &FileSet) -> Result<(Staged, Reconciled)> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy();
        let at = self.dir.with_file_name(format!(".{name}.pgherd-new"));
        let manifest = (RelPath::new(manifest::PATH), Manifest::of(cluster, set).to_file());
        let all = || set.iter().chain([(&manifest.0, &manifest.1)]);
        let write = || -> std::io::Result<()> {
            let mut made = PathBuf::new();
            for (path, file) in all() {
                let full = at.join(path.as_str());
                if let Some(parent) = full.parent().filter(|parent| *parent != made) {
                    files::make_dirs(parent)?;
                    made = parent.to_path_buf();
                }
                files::write_new(&full, file.text.as_bytes(), file.mode.bits())?;
            }
            Ok(())
        };
        let cannot = || format!("cannot write {}", at.display());
        if let Some(kind) = files::kind(&at).with_context(cannot)?.filter(|kind| *kind != Kind::Directory) {
            bail!("{} is {}: remove it", at.display(), word(kind));
        }
        files::make_dirs(&at).with_context(cannot)?;
        let Some(lock) = files::lock(&at).with_context(cannot)? else {
            bail!("another pgherd works on {}: wait until it is done", self.dir.display());
        };
        // What a `gen` that was killed left of it.
        files::clear(&at).and_then(|()| write()).with_context(cannot)?;
        let steps = all().map(|(path, _)| (path.clone(), Action::Create)).collect();
        let done = Reconciled { steps, ..Reconciled::default() };
        Ok((Staged { at, dir: self.dir.clone(), _lock: lock }, done))
    }

    /// Makes the folder hold the file set. With `force`, files of others as well: the caller has named them.
    ///
    /// The folder is compared once more under its lock: nothing is overwritten that came between the caller's look and this one.
    pub fn write<'a>(&self, cluster: &str, set: &'a FileSet, force: bool) -> Result<Review<'a>> {
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

    /// Journal; then every new text under a temporary name; then, when all of them are on the disk, each to its place; the manifest last.
    fn apply(&self, review: &Review<'_>) -> Result<()> {
        let mut journal = review.known.journal.clone();
        let mut look = Look::at(&self.dir)?;
        for path in journal.files.keys() {
            // An interrupted `gen` may have left it.
            if !matches!(look.find(path, None)?.0, Found::Blocked { .. }) {
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
    fn kind_of_root(&self) -> Result<Found> {
        kind_of_root(&self.dir)
    }
}

/// The files of a cluster that has no folder yet, complete and under a name that nobody looks for.
#[derive(Debug)]
pub struct Staged {
    at: PathBuf,
    dir: PathBuf,
    _lock: files::Lock,
}

/// Shows new clusters to the world, each whole and in one step, once every byte of theirs is on the disk. All lie in one folder.
/// Whatever ends this early, there is a cluster or there is none; the next `gen` clears its rests away.
pub fn place(all: Vec<Staged>) -> Vec<Result<()>> {
    let Some(parent) = all.first().and_then(|one| one.dir.parent()).map(Path::to_path_buf) else { return vec![] };
    if let Err(e) = files::sync_all(&parent) {
        return all.iter().map(|one| bail!("cannot write {}: {e}", one.dir.display())).collect();
    }
    // A power cut right after may undo the renaming: then there is none of it, which is the old state.
    (all.iter())
        .map(|one| {
            files::rename_new(&one.at, &one.dir).with_context(|| {
                let _ = files::remove_tree(&one.at);
                format!("cannot make {}", one.dir.display())
            })
        })
        .collect()
}

/// Looks into a cluster's folder. A link on the way is never followed: it could lead the write anywhere.
struct Look<'a> {
    dir: &'a Path,
    root: Found,
    /// Folders that were seen to be some, below `dir`.
    folders: BTreeSet<String>,
}

impl<'a> Look<'a> {
    fn at(dir: &'a Path) -> Result<Self> {
        Ok(Look { dir, root: kind_of_root(dir)?, folders: BTreeSet::new() })
    }

    /// What stands at a path; where `wanted` does, its hash is known.
    fn find(&mut self, path: &RelPath, wanted: Option<&File>) -> Result<(Found, Option<Vec<u8>>)> {
        if self.root != Found::Nothing {
            return Ok((self.root.clone(), None));
        }
        let path = path.as_str();
        for (end, _) in path.match_indices('/') {
            let above = &path[..end];
            if self.folders.contains(above) {
                continue;
            }
            match self.kind(above)? {
                None => return Ok((Found::Nothing, None)),
                Some(Kind::Directory) => drop(self.folders.insert(above.to_string())),
                Some(kind) => {
                    let at = self.dir.join(above).display().to_string();
                    return Ok((Found::Blocked { at, is: word(kind) }, None));
                }
            }
        }
        let full = self.dir.join(path);
        let (executable, bytes) = match files::look(&full).with_context(|| format!("cannot read {}", full.display()))? {
            None => return Ok((Found::Nothing, None)),
            Some((Kind::File { executable }, bytes)) => (executable, bytes),
            Some((kind, _)) => return Ok((Found::Obstacle(word(kind)), None)),
        };
        let sha256 = match wanted {
            Some(file) if bytes == file.text.as_bytes() => file.sha256.clone(),
            _ => sha256_hex(&bytes).into(),
        };
        Ok((Found::File { sha256, executable }, Some(bytes)))
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>> {
        let at = self.dir.join(path);
        files::kind(&at).with_context(|| format!("cannot look at {}", at.display()))
    }
}

fn kind_of_root(dir: &Path) -> Result<Found> {
    let kind = files::kind(dir).with_context(|| format!("cannot look at {}", dir.display()))?;
    Ok(match kind {
        None | Some(Kind::Directory) => Found::Nothing,
        Some(kind) => Found::Blocked { at: dir.display().to_string(), is: word(kind) },
    })
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File { .. } => "a file",
        Kind::Directory => "a directory",
        Kind::Link => "a symbolic link",
        Kind::Other => "a special file",
    }
}
