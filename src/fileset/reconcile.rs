//! What `gen` has to do, and what it must not: decided from three views of each path: wanted, known, found.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::manifest::{self, Manifest, WriteJournal};
use super::{File, FileSet, Mode, RelPath};

/// What stands at a path on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Nothing,
    /// A regular file.
    File {
        /// Of its content.
        sha256: Cow<'static, str>,
        /// Whether its owner may execute it.
        executable: bool,
        /// Of its content with LF line endings, where it has CRLF: git's `core.autocrlf` turns the one into the other.
        lf_sha256: Option<String>,
    },
    /// Something that a file cannot replace, in a word: `a symbolic link`, `a directory`.
    Obstacle(&'static str),
    /// A folder on the way to it is no folder.
    Blocked {
        /// The folder that is none.
        at: String,
        /// What it is, in a word.
        is: &'static str,
    },
}

/// What is to be done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Write a file where none is.
    Create,
    /// Write over a file that is ours.
    Update,
    /// Only set the permission bits.
    Chmod,
    /// Remove a file of ours that is no longer generated.
    Remove,
}

/// Why a path must not be touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// It is not ours.
    Foreign,
    /// It was ours; someone edited it since.
    Edited,
    /// The manifest cannot be read, so nothing is known to be ours.
    Unreadable(String),
    /// It is no longer generated, and Terraform may need it: nobody can say that the state beside it is empty.
    InUse,
    /// The folder is of the cluster of this name.
    OfAnother(String),
    /// No file can be written here, whatever the user wants.
    Impossible(String),
}

impl Conflict {
    /// Whether `--force` overcomes it.
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
            Conflict::InUse => write!(f, "would be removed, and its state may still have machines"),
            Conflict::OfAnother(name) => write!(f, "is of another cluster, {name:?}"),
            Conflict::Impossible(why) => write!(f, "{why}"),
        }
    }
}

/// The outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// What is to be done, by path. A step that a refusal stands against is among them: `force` takes it.
    pub steps: BTreeMap<RelPath, Action>,
    /// What stands against it.
    pub refusals: BTreeMap<RelPath, Conflict>,
    /// Files that are no longer generated but were edited: they stay, and are nobody's business from now on.
    pub left: BTreeSet<RelPath>,
    /// Files that are ours but for their line endings, which are CRLF.
    pub crlf: BTreeSet<RelPath>,
    /// How many files are as they should be.
    pub unchanged: usize,
}

/// What the disk knows of earlier `gen`s.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The manifest, or why it cannot be read.
    pub manifest: Option<Result<Manifest, String>>,
    /// What an interrupted `gen` was writing.
    pub journal: WriteJournal,
    /// Folders of modules whose state may have machines.
    pub in_use: BTreeSet<String>,
}

impl Known {
    /// Every path that may be ours, or is to be.
    pub fn paths(&self, set: &FileSet) -> BTreeSet<RelPath> {
        let mut paths: BTreeSet<RelPath> = set.iter().map(|(path, _)| path.clone()).collect();
        paths.extend(self.written().into_iter().flatten().map(|(path, _)| path.clone()));
        paths.extend(self.journal.files.keys().cloned());
        paths.insert(RelPath::new(manifest::PATH));
        paths
    }

    /// Folders of files that may be ours, in which no file is wanted any more.
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

/// Decides, for each path of [`Known::paths`]; `found` holds what stands there, `manifest` is the file set's own, of this cluster.
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
            let refusal = match there {
                // Nobody's work is lost with them.
                _ if is_crlf => None,
                PathState::File { sha256, .. } if ours(&path, sha256) => None,
                _ if written.contains_key(&path) => Some(Conflict::Edited),
                _ => Some(Conflict::Foreign),
            };
            out.want(&path, file, there, refusal);
        } else {
            match there {
                PathState::File { sha256, .. } if ours(&path, sha256) => {
                    if known.in_use.contains(path.folder()) {
                        out.refusals.insert(path.clone(), Conflict::InUse);
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
    /// Whether every file that is another has but other line endings.
    pub fn is_crlf_alone(&self) -> bool {
        let others = self.steps.keys().filter(|path| !self.crlf.contains(*path) && path.as_str() != manifest::PATH);
        !self.crlf.is_empty() && others.count() == 0
    }

    /// Whether nothing but permission bits is another.
    pub fn is_mode_alone(&self) -> bool {
        !self.steps.is_empty() && self.steps.values().all(|action| *action == Action::Chmod)
    }

    /// A path that is to hold `file`; `refusal` stands against replacing another content.
    fn want(&mut self, path: &RelPath, file: &File, there: &PathState, refusal: Option<Conflict>) {
        let impossible = |why| Some((Action::Update, Some(Conflict::Impossible(why))));
        let step = match there {
            PathState::Nothing => Some((Action::Create, None)),
            PathState::File { sha256, executable, .. } if *sha256 == file.sha256 => {
                // Git keeps the owner's execute bit and no other, so a checkout under another umask is no change.
                (*executable != (file.mode == Mode::Executable)).then_some((Action::Chmod, None))
            }
            PathState::File { .. } => Some((Action::Update, refusal)),
            PathState::Obstacle(what) => impossible(format!("is {what}, not a file")),
            PathState::Blocked { at, is } => impossible(format!("lies behind {at}, which is {is}")),
        };
        match step {
            None => self.unchanged += 1,
            Some((action, refusal)) => {
                self.steps.insert(path.clone(), action);
                self.refusals.extend(refusal.map(|why| (path.clone(), why)));
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
        assert_eq!((out.refusals.len(), out.unchanged), (0, 1));
    }

    #[test]
    fn refuses_what_is_foreign_or_edited() {
        let out = decide(
            &[("edited", "2"), ("foreign", "2")],
            &known(&[("edited", "1")]),
            &[("edited", "mine"), ("foreign", "theirs")],
        );
        let refusals: Vec<_> = out.refusals.values().collect();
        assert_eq!(refusals, [&Conflict::Edited, &Conflict::Foreign]);
    }

    #[test]
    fn takes_over_a_foreign_file_of_the_same_content() {
        let out = decide(&[("file", "1")], &Known::default(), &[("file", "1")]);
        assert_eq!((out.steps.len(), out.refusals.len()), (0, 0));
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
        let refusals = decide(&[("kept", "1")], &known, &found).refusals;
        let names: Vec<_> = refusals.iter().map(|(path, why)| (path.as_str(), why)).collect();
        assert_eq!(names, [("module/kms.tf", &Conflict::InUse), ("module/main.tf", &Conflict::InUse)]);
    }

    #[test]
    fn the_folder_of_another_cluster_is_not_ours() {
        let set = set(&[("file", "1")]);
        let of = |cluster: &str| Manifest::of(cluster, &set);
        let known = Known { manifest: Some(Ok(of("herd"))), ..Known::default() };
        let found = disk(&[("file", "1"), (manifest::PATH, &of("herd").to_text())]);
        let out = reconcile("copy", &set, &of("copy").to_file(), &known, &found);
        assert_eq!(out.refusals.into_values().collect::<Vec<_>>(), [Conflict::OfAnother("herd".into())]);
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
        assert_eq!(out.refusals.len(), 0);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_owns_nothing() {
        let known = Known { manifest: Some(Err("conflict".into())), ..Known::default() };
        let out = decide(&[("file", "2")], &known, &[("file", "1"), (manifest::PATH, "<<<<")]);
        let names: Vec<_> = out.refusals.keys().map(RelPath::as_str).collect();
        assert_eq!(names, ["file", manifest::PATH]);
    }
}
