//! Decides what `gen` has to do and what it must not touch, from what is wanted, known and found at each path.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::manifest::{self, Manifest, WriteJournal};
use super::{File, FileSet, Mode, RelPath};

/// What is at a path on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Nothing,
    /// A regular file.
    File {
        /// SHA-256 of its content.
        sha256: Cow<'static, str>,
        /// Whether its owner may execute it.
        executable: bool,
        /// SHA-256 of its content with LF line endings, if it has CRLF, to which git's `core.autocrlf` converts.
        lf_sha256: Option<String>,
    },
    /// Something that a file cannot replace, such as `a symbolic link` or `a directory`.
    Obstacle(&'static str),
    /// A parent of the path is not a directory.
    Blocked {
        /// The parent.
        at: String,
        /// What it is, such as `a symbolic link`.
        is: &'static str,
    },
}

/// What to do at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Write a new file.
    Create,
    /// Overwrite a file of ours.
    Update,
    /// Set only the permission bits.
    Chmod,
    /// Remove a file of ours that is no longer generated.
    Remove,
}

/// Why a path must not be touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// It is not ours.
    Foreign,
    /// It was ours, but someone has edited it.
    Edited,
    /// The manifest cannot be read, so nothing is known to be ours.
    Unreadable(String),
    /// It is no longer generated, but Terraform may need it: the state next to it may not be empty.
    InUse,
    /// The directory belongs to the cluster of this name.
    OfAnother(String),
    /// No file can be written here, even with `--force`.
    Impossible(String),
}

impl Conflict {
    /// Returns whether `--force` overrides it.
    pub fn yields_to_force(&self) -> bool {
        !matches!(self, Conflict::Impossible(_) | Conflict::InUse)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conflict::Foreign => write!(f, "was not written by pgherd"),
            Conflict::Edited => write!(f, "was edited since pgherd wrote it"),
            Conflict::Unreadable(why) => write!(f, "is not a manifest: {why}"),
            Conflict::InUse => write!(f, "would be removed, but the state next to it may still contain machines"),
            Conflict::OfAnother(name) => write!(f, "belongs to another cluster, {name:?}"),
            Conflict::Impossible(why) => write!(f, "{why}"),
        }
    }
}

/// The decision for a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// What to do, by path. Steps with a conflict are included: `--force` takes them.
    pub steps: BTreeMap<RelPath, Action>,
    /// The conflicts, by path.
    pub conflicts: BTreeMap<RelPath, Conflict>,
    /// Files that are no longer generated but were edited: they stay, and are no longer tracked.
    pub left: BTreeSet<RelPath>,
    /// Files that are ours except for their CRLF line endings.
    pub crlf: BTreeSet<RelPath>,
    /// The number of files that are up to date.
    pub unchanged: usize,
}

/// What the disk tells about earlier runs of `gen`.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The manifest, or why it cannot be parsed.
    pub manifest: Option<Result<Manifest, String>>,
    /// What an interrupted `gen` was writing.
    pub journal: WriteJournal,
    /// Directories of modules whose state may contain machines.
    pub in_use: BTreeSet<String>,
}

impl Known {
    /// Returns every path that may be ours or will be.
    pub fn paths(&self, set: &FileSet) -> BTreeSet<RelPath> {
        let mut paths: BTreeSet<RelPath> = set.iter().map(|(path, _)| path.clone()).collect();
        paths.extend(self.written().into_iter().flatten().map(|(path, _)| path.clone()));
        paths.extend(self.journal.files.keys().cloned());
        paths.insert(RelPath::new(manifest::PATH));
        paths
    }

    /// Returns directories of files that may be ours and in which no file is wanted any more.
    pub fn given_up(&self, set: &FileSet) -> BTreeSet<String> {
        let mut folders: BTreeSet<String> = self.paths(set).iter().map(|path| path.folder().to_string()).collect();
        for (path, _) in set.iter() {
            folders.remove(path.folder());
        }
        folders
    }

    fn written(&self) -> Option<&BTreeMap<RelPath, String>> {
        match &self.manifest {
            Some(Ok(manifest)) => Some(&manifest.files),
            _ => None,
        }
    }
}

/// Decides what to do at each path of [`Known::paths`]. `found` holds what is there, and `manifest` is the new manifest of the cluster.
pub fn reconcile(
    cluster: &str,
    set: &FileSet,
    manifest: &File,
    known: &Known,
    found: &BTreeMap<RelPath, PathState>,
) -> Reconciled {
    let mut out = Reconciled::default();
    let none = BTreeMap::new();
    let written = known.written().unwrap_or(&none);
    let ours = |path: &RelPath, hash: &str| {
        let journal = known.journal.files.get(path);
        written.get(path).is_some_and(|own| own == hash) || journal.is_some_and(|all| all.iter().any(|own| own == hash))
    };
    let manifest_path = RelPath::new(manifest::PATH);
    for path in known.paths(set) {
        let there = found.get(&path).unwrap_or(&PathState::Nothing);
        if path == manifest_path {
            let broken = match &known.manifest {
                Some(Err(why)) => Some(Conflict::Unreadable(why.clone())),
                Some(Ok(manifest)) if manifest.cluster() != cluster => {
                    Some(Conflict::OfAnother(manifest.cluster().into()))
                }
                _ => None,
            };
            out.want(&path, manifest, there, broken);
        } else if let Some(file) = set.get(path.as_str()) {
            let is_crlf =
                matches!(there, PathState::File { lf_sha256: Some(lf), .. } if *lf == *file.sha256 || ours(&path, lf));
            if is_crlf {
                out.crlf.insert(path.clone());
            }
            let conflict = match there {
                // Nothing is lost with the line endings.
                _ if is_crlf => None,
                PathState::File { sha256, .. } if ours(&path, sha256) => None,
                _ if written.contains_key(&path) => Some(Conflict::Edited),
                _ => Some(Conflict::Foreign),
            };
            out.want(&path, file, there, conflict);
        } else {
            match there {
                PathState::File { sha256, .. } if ours(&path, sha256) => {
                    if known.in_use.contains(path.folder()) {
                        out.conflicts.insert(path.clone(), Conflict::InUse);
                    }
                    out.steps.insert(path, Action::Remove);
                }
                PathState::File { .. } if written.contains_key(&path) => {
                    out.left.insert(path);
                }
                _ => {}
            }
        }
    }
    out
}

impl Reconciled {
    /// Returns whether the files differ only in line endings.
    pub fn is_crlf_alone(&self) -> bool {
        let others = self.steps.keys().filter(|path| !self.crlf.contains(*path) && path.as_str() != manifest::PATH);
        !self.crlf.is_empty() && others.count() == 0
    }

    /// Returns whether the files differ only in permission bits.
    pub fn is_mode_alone(&self) -> bool {
        !self.steps.is_empty() && self.steps.values().all(|action| *action == Action::Chmod)
    }

    /// Decides for a path that must hold `file`; `conflict` is the conflict if other content would be replaced.
    fn want(&mut self, path: &RelPath, file: &File, there: &PathState, conflict: Option<Conflict>) {
        let impossible = |why| Some((Action::Update, Some(Conflict::Impossible(why))));
        let step = match there {
            PathState::Nothing => Some((Action::Create, None)),
            PathState::File { sha256, executable, .. } if *sha256 == file.sha256 => {
                // Git only keeps the owner's execute bit, so a checkout with another umask is no change.
                (*executable != (file.mode == Mode::Executable)).then_some((Action::Chmod, None))
            }
            PathState::File { .. } => Some((Action::Update, conflict)),
            PathState::Obstacle(what) => impossible(format!("is {what}, not a file")),
            PathState::Blocked { at, is } => impossible(format!("is below {at}, which is {is}")),
        };
        match step {
            None => self.unchanged += 1,
            Some((action, conflict)) => {
                self.steps.insert(path.clone(), action);
                self.conflicts.extend(conflict.map(|why| (path.clone(), why)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sha256_hex;
    use super::*;

    fn set(files: &[(&str, &str)]) -> FileSet {
        let mut set = FileSet::new();
        for (path, text) in files {
            set.add(*path, Mode::Plain, text.to_string());
        }
        set
    }

    fn disk(files: &[(&str, &str)]) -> BTreeMap<RelPath, PathState> {
        let found = |text: &str| PathState::File {
            sha256: sha256_hex(text.as_bytes()).into(),
            executable: false,
            lf_sha256: None,
        };
        files.iter().map(|(path, text)| (RelPath::new(*path), found(text))).collect()
    }

    fn known(files: &[(&str, &str)]) -> Known {
        Known { manifest: Some(Ok(Manifest::of("herd", &set(files)))), ..Known::default() }
    }

    fn decide(wanted: &[(&str, &str)], known: &Known, found: &[(&str, &str)]) -> Reconciled {
        let set = set(wanted);
        let mut out = reconcile("herd", &set, &Manifest::of("herd", &set).to_file(), known, &disk(found));
        out.steps.remove(&RelPath::new(manifest::PATH));
        out
    }

    fn steps(out: &Reconciled) -> Vec<(&str, Action)> {
        out.steps.iter().map(|(path, action)| (path.as_str(), *action)).collect()
    }

    #[test]
    fn writes_what_is_missing_or_its_own() {
        let out = decide(
            &[("new", "1"), ("old", "2"), ("same", "3")],
            &known(&[("old", "1"), ("same", "3")]),
            &[("old", "1"), ("same", "3")],
        );
        assert_eq!(steps(&out), [("new", Action::Create), ("old", Action::Update)]);
        assert_eq!((out.conflicts.len(), out.unchanged), (0, 1));
    }

    #[test]
    fn refuses_what_is_foreign_or_edited() {
        let out = decide(
            &[("edited", "2"), ("foreign", "2")],
            &known(&[("edited", "1")]),
            &[("edited", "mine"), ("foreign", "theirs")],
        );
        let conflicts: Vec<_> = out.conflicts.values().collect();
        assert_eq!(conflicts, [&Conflict::Edited, &Conflict::Foreign]);
    }

    #[test]
    fn takes_over_a_foreign_file_of_the_same_content() {
        let out = decide(&[("file", "1")], &Known::default(), &[("file", "1")]);
        assert_eq!((out.steps.len(), out.conflicts.len()), (0, 0));
    }

    #[test]
    fn removes_only_what_is_untouched() {
        let out = decide(
            &[],
            &known(&[("edited", "1"), ("gone", "1"), ("untouched", "1")]),
            &[("edited", "2"), ("untouched", "1")],
        );
        assert_eq!(steps(&out), [("untouched", Action::Remove)]);
        assert_eq!(out.left, BTreeSet::from([RelPath::new("edited")]));
    }

    #[test]
    fn keeps_a_module_that_may_have_machines() {
        let mut known = known(&[("module/main.tf", "1"), ("module/kms.tf", "1"), ("old/a", "1")]);
        let found = [("module/main.tf", "1"), ("module/kms.tf", "1"), ("old/a", "1")];
        let folders = |wanted: &[(&str, &str)]| known.given_up(&set(wanted)).into_iter().collect::<Vec<_>>();
        assert_eq!(folders(&[("kept", "1")]), ["module", "old"]);
        assert_eq!(folders(&[("kept", "1"), ("module/main.tf", "2")]), ["old"], "a file less is no module less");
        known.in_use = BTreeSet::from(["module".to_string()]);
        let conflicts = decide(&[("kept", "1")], &known, &found).conflicts;
        let names: Vec<_> = conflicts.iter().map(|(path, why)| (path.as_str(), why)).collect();
        assert_eq!(names, [("module/kms.tf", &Conflict::InUse), ("module/main.tf", &Conflict::InUse)]);
    }

    #[test]
    fn the_folder_of_another_cluster_is_not_ours() {
        let set = set(&[("file", "1")]);
        let of = |cluster: &str| Manifest::of(cluster, &set);
        let known = Known { manifest: Some(Ok(of("herd"))), ..Known::default() };
        let found = disk(&[("file", "1"), (manifest::PATH, &of("herd").to_text())]);
        let out = reconcile("copy", &set, &of("copy").to_file(), &known, &found);
        assert_eq!(out.conflicts.into_values().collect::<Vec<_>>(), [Conflict::OfAnother("herd".into())]);
    }

    /// A `gen` was killed after it wrote these and before it wrote the manifest; then the blueprint changed again.
    #[test]
    fn owns_what_an_interrupted_gen_wrote() {
        let mut before = known(&[("old", "1")]);
        for (path, text) in [("old", "2"), ("new", "2"), ("dropped", "2")] {
            before.journal.add(&RelPath::new(path), sha256_hex(text.as_bytes()));
        }
        let out = decide(&[("old", "3"), ("new", "3")], &before, &[("old", "2"), ("new", "2"), ("dropped", "2")]);
        assert_eq!(steps(&out), [("dropped", Action::Remove), ("new", Action::Update), ("old", Action::Update)]);
        assert_eq!(out.conflicts.len(), 0);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_owns_nothing() {
        let known = Known { manifest: Some(Err("conflict".into())), ..Known::default() };
        let out = decide(&[("file", "2")], &known, &[("file", "1"), (manifest::PATH, "<<<<")]);
        let names: Vec<_> = out.conflicts.keys().map(RelPath::as_str).collect();
        assert_eq!(names, ["file", manifest::PATH]);
    }
}
