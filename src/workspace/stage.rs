//! New clusters: written beside where they are to be, and shown in one step.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Workspace;
use super::look::word;
use crate::fileset::{File, FileSet};
use crate::system::files::{self, FileKind};
use crate::system::parallel;

/// The files of a cluster that has no folder yet, under a name that nobody looks for.
#[derive(Debug)]
pub struct Staged {
    at: PathBuf,
    dir: PathBuf,
    _lock: files::Lock,
}

impl Workspace {
    /// Makes a place for files beside where the folder is to be, which does not exist yet: [`place`] shows it to the world.
    pub fn stage(&self) -> Result<Staged> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy();
        let at = self.dir.with_file_name(format!(".{name}.pgherd-new"));
        let cannot = || format!("cannot make {}", self.dir.display());
        if let Some(kind) = files::kind(&at).with_context(cannot)?.filter(|kind| *kind != FileKind::Directory) {
            bail!("{} is {}: remove it", at.display(), word(kind));
        }
        files::make_dirs(&at).with_context(cannot)?;
        let Some(lock) = files::lock(&at).with_context(cannot)? else {
            bail!("another pgherd works on {}: wait until it is done", self.dir.display());
        };
        // What a `gen` that was killed left of it.
        files::clear(&at).with_context(cannot)?;
        Ok(Staged { at, dir: self.dir.clone(), _lock: lock })
    }
}

impl Staged {
    /// Writes files, a folder at a time; they are on the disk after [`place`], not before.
    pub fn add(&self, set: &FileSet) -> Result<()> {
        let mut folders: BTreeMap<&str, Vec<(&str, &File)>> = BTreeMap::new();
        for (path, file) in set.iter() {
            let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
            folders.entry(folder).or_default().push((name, file));
        }
        let folders: Vec<_> = folders.into_iter().collect();
        let filled = parallel::map(&folders, |(folder, inside)| {
            let folder = self.at.join(folder);
            files::make_dirs(&folder)?;
            inside.iter().try_for_each(|(name, file)| {
                files::write_new(&folder.join(name), file.text.as_bytes(), file.mode.bits())
            })
        });
        filled.into_iter().collect::<io::Result<()>>().with_context(|| format!("cannot write {}", self.at.display()))
    }

    /// The folder, under the name that it still has.
    pub fn workspace(&self) -> Workspace {
        Workspace::at(&self.at)
    }
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
