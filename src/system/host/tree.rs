//! Root filesystems of machines that are not running. Their links must not lead out of them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// Replaces a file in another machine's root filesystem. A link in its place is replaced, not followed.
pub fn put(root: &Path, path: &str, text: &str, mode: u32) -> io::Result<()> {
    let path = root.join(path);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    remove(&path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())
}

/// Removes a file or a link, if it exists.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Moves a directory within one filesystem, to a path where nothing exists.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Returns whether two paths are on one filesystem, so that a rename can move files between them.
pub fn same_filesystem(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(fs::metadata(a)?.dev() == fs::metadata(b)?.dev())
}

/// Waits until everything on the filesystem of a path is on the disk.
pub fn sync_filesystem(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(path)?)?)
}

/// Creates a symbolic link at `at`.
pub fn link(target: &Path, at: &Path) -> io::Result<()> {
    symlink(target, at)
}

/// Returns a random machine id of 32 hex digits.
pub fn random_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().replace('-', ""))
}

/// Returns whether this process runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns when a file was last written.
pub fn modified(path: &Path) -> io::Result<std::time::SystemTime> {
    fs::metadata(path)?.modified()
}
