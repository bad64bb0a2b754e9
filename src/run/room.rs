//! Room on the disk, and where the tools put their temporary files.

use std::io;
use std::path::{Path, PathBuf};

use crate::system::files;
use crate::workspace;

/// Sockets are made there, whose paths may have 107 bytes (`man 7 unix`); the tools' names for them have fewer than 30.
const LONGEST: usize = 107 - 30;

/// Where the tools of a folder have their temporary files: those of a tool that was killed go with the next run. None where the
/// path would be too long.
pub fn temporary(root: &Path) -> Option<PathBuf> {
    let dir = root.join(workspace::PRIVATE).join("tmp");
    (dir.as_os_str().len() <= LONGEST).then_some(dir)
}

/// Nothing is begun with less: a state, its copies, a plan, logs and journal fit into it, of the largest cluster too.
const ROOM: u64 = 16 << 20;

/// Whether what is begun can also be written down.
pub fn require_room(dir: &Path) -> io::Result<()> {
    let room = files::room(dir)?;
    if room >= ROOM {
        return Ok(());
    }
    let kib = |bytes: u64| bytes / 1024;
    Err(io::Error::other(format!(
        "only {} KiB are free in {}, and {} KiB are to be: nothing is begun that could not be written down",
        kib(room),
        dir.display(),
        kib(ROOM)
    )))
}

pub(super) const MAKE_ROOM: &str = "make room, or make the folder writable";
