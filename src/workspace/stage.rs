//! Writes new clusters to temporary folders beside their final place and renames them in one step.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Workspace;
use super::look::word;
use crate::fileset::{File, FileSet};
use crate::system::files::{self, FileKind};
use crate::system::parallel;

/// The files of a cluster that has no folder yet, in a temporary folder.
#[derive(Debug)]
pub struct Staged {
    at: PathBuf,
    dir: PathBuf,
    _lock: files::Lock,
}

impl Workspace {
    /// Makes a temporary folder beside the cluster's folder, which does not exist yet. [`place`] renames it.
    pub fn stage(&self) -> Result<Staged> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy();
        let at = self.dir.with_file_name(format!(".{name}.pgherd-new"));
        let cannot = || format!("cannot make {}", self.dir.display());
        if let Some(kind) = files::kind(&at).with_context(cannot)?.filter(|kind| *kind != FileKind::Directory) {
            bail!("{} is {}. Remove it", at.display(), word(kind));
        }
        files::make_dirs(&at).with_context(cannot)?;
        let Some(lock) = files::lock(&at).with_context(cannot)? else {
            bail!("another pgherd is using {}. Wait until it has finished", self.dir.display());
        };
        // Left by a `gen` that was killed.
        files::clear(&at).with_context(cannot)?;
        Ok(Staged { at, dir: self.dir.clone(), _lock: lock })
    }
}

impl Staged {
    /// Writes files, several folders in parallel. They are certain to be on disk only after [`place`].
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

    /// Returns the folder, under its temporary name.
    pub fn workspace(&self) -> Workspace {
        Workspace::at(&self.at)
    }
}

/// Renames new clusters to their final names, each in one step, after all of their bytes are on disk. All are in the same folder. If
/// this is interrupted, each cluster either exists completely or not at all, and the next `gen` cleans up.
pub fn place(all: Vec<Staged>) -> Vec<Result<()>> {
    let Some(parent) = all.first().and_then(|one| one.dir.parent()).map(Path::to_path_buf) else { return vec![] };
    if let Err(e) = files::sync_all(&parent) {
        return all.iter().map(|one| bail!("cannot write {}: {e}", one.dir.display())).collect();
    }
    // A power failure right after this may undo the renaming. Then the cluster does not exist, as before.
    (all.iter())
        .map(|one| {
            files::rename_new(&one.at, &one.dir).with_context(|| {
                let _ = files::remove_tree(&one.at);
                format!("cannot make {}", one.dir.display())
            })
        })
        .collect()
}
