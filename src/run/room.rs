//! Checks free disk space, and chooses the tools' temporary folder.

use std::io;
use std::path::{Path, PathBuf};

use crate::system::files;
use crate::workspace;

/// The longest path of the temporary folder, in bytes. The tools create sockets there, whose paths may have 107 bytes (`man 7 unix`).
/// The sockets' names have fewer than 30.
const LONGEST: usize = 107 - 30;

/// Returns the temporary folder for a cluster's tools, or `None` if its path would be too long. The next run removes what a killed
/// tool left there.
pub fn temporary(root: &Path) -> Option<PathBuf> {
    let dir = root.join(workspace::PRIVATE).join("tmp");
    (dir.as_os_str().len() <= LONGEST).then_some(dir)
}

/// The free bytes that a run requires. A state, its copies, a plan, logs and the journal fit into them, even for the largest cluster.
const ROOM: u64 = 16 << 20;

/// Checks that there is enough disk space to record what a run does.
pub fn require_room(dir: &Path) -> io::Result<()> {
    let room = files::room(dir)?;
    if room >= ROOM {
        return Ok(());
    }
    let kib = |bytes: u64| bytes / 1024;
    Err(io::Error::other(format!(
        "only {} KiB are free in {}, but {} KiB are needed to record the run. Nothing was started",
        kib(room),
        dir.display(),
        kib(ROOM)
    )))
}

pub(super) const MAKE_ROOM: &str = "free some disk space, or make the folder writable";
