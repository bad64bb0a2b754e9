//! Reads what exists in a cluster's folder.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::fileset::reconcile::PathState;
use crate::fileset::{File, Mode, RelPath, sha256_hex};
use crate::system::files::{self, FileKind};

/// Reads a cluster's folder. It never follows a symbolic link, because a write through one could go anywhere.
pub(super) struct FolderReader<'a> {
    dir: &'a Path,
    root: PathState,
    /// Paths below `dir` that are known to be folders.
    folders: BTreeSet<String>,
}

impl<'a> FolderReader<'a> {
    pub(super) fn at(dir: &'a Path) -> Result<Self> {
        Ok(FolderReader { dir, root: kind_of_root(dir)?, folders: BTreeSet::new() })
    }

    /// Returns what exists at a path. If the content is that of `wanted`, its hash is reused.
    pub(super) fn find(&mut self, path: &RelPath, wanted: Option<&File>) -> Result<(PathState, Option<Vec<u8>>)> {
        let (mode, bytes) = match self.open(path)? {
            Ok(opened) => opened,
            Err(found) => return Ok((found, None)),
        };
        let sha256 = match wanted {
            Some(file) if bytes == file.text.as_bytes() => file.sha256.clone(),
            _ => sha256_hex(&bytes).into(),
        };
        let is_wanted = wanted.is_some_and(|file| sha256 == file.sha256);
        let lf_sha256 = if is_wanted { None } else { without_cr(&bytes).map(|bytes| sha256_hex(&bytes)) };
        Ok((PathState::File { sha256, executable: mode == Mode::Executable, lf_sha256 }, Some(bytes)))
    }

    /// Returns a file's mode and bytes, or what exists there instead of a file.
    pub(super) fn open(&mut self, path: &RelPath) -> Result<Result<(Mode, Vec<u8>), PathState>> {
        if self.root != PathState::Nothing {
            return Ok(Err(self.root.clone()));
        }
        let path = path.as_str();
        for (end, _) in path.match_indices('/') {
            let above = &path[..end];
            if self.folders.contains(above) {
                continue;
            }
            match self.kind(above)? {
                None => return Ok(Err(PathState::Nothing)),
                Some(FileKind::Directory) => drop(self.folders.insert(above.to_string())),
                Some(kind) => {
                    let at = self.dir.join(above).display().to_string();
                    return Ok(Err(PathState::Blocked { at, is: word(kind) }));
                }
            }
        }
        let full = self.dir.join(path);
        Ok(match files::look(&full).with_context(|| format!("cannot read {}", full.display()))? {
            None => Err(PathState::Nothing),
            Some((FileKind::File { executable: true }, bytes)) => Ok((Mode::Executable, bytes)),
            Some((FileKind::File { executable: false }, bytes)) => Ok((Mode::Plain, bytes)),
            Some((kind, _)) => Err(PathState::Obstacle(word(kind))),
        })
    }

    /// Returns the content at a path of the private folder, or `None` if the folder belongs to another user and cannot be read.
    pub(super) fn private(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.open(&RelPath::new(path)) {
            Ok(opened) => Ok(opened.ok().map(|(_, bytes)| bytes)),
            Err(error) if is_denied(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<FileKind>> {
        let at = self.dir.join(path);
        files::kind(&at).with_context(|| format!("cannot read {}", at.display()))
    }
}

fn is_denied(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

pub(super) fn kind_of_root(dir: &Path) -> Result<PathState> {
    let kind = files::kind(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    Ok(match kind {
        None | Some(FileKind::Directory) => PathState::Nothing,
        Some(kind) => PathState::Blocked { at: dir.display().to_string(), is: word(kind) },
    })
}

pub(super) fn word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File { .. } => "a file",
        FileKind::Directory => "a directory",
        FileKind::Link => "a symbolic link",
        FileKind::Other => "a special file",
    }
}

/// Returns the bytes with LF line endings, or `None` if they contain no CRLF.
fn without_cr(bytes: &[u8]) -> Option<Vec<u8>> {
    let pairs = || bytes.windows(2).any(|pair| pair == b"\r\n");
    pairs().then(|| {
        let kept =
            bytes.iter().enumerate().filter(|(at, byte)| !(**byte == b'\r' && bytes.get(at + 1) == Some(&b'\n')));
        kept.map(|(_, byte)| *byte).collect()
    })
}
