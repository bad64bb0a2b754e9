//! Mounts.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount};

/// What fsync does on an overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It waits until the data is on the filesystem of `upper`.
    Waits,
    /// It does nothing. Data is lost if the host loses power, but not if a program is killed.
    Ignored,
}

/// Mounts an overlay at `at`: changes go to `upper`, and `lowers` are read-only, the first on top.
pub fn overlay(lowers: &[PathBuf], upper: &Path, work: &Path, at: &Path, sync: Sync) -> io::Result<()> {
    let lowers: Vec<String> = lowers.iter().map(|l| l.display().to_string()).collect();
    // The kernel's mark that the host may have lost power. In that case, all of this is thrown away anyway.
    match fs::remove_dir_all(work.join("work/incompat/volatile")) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let volatile = if sync == Sync::Ignored { "volatile," } else { "" };
    let (upper, work) = (upper.display(), work.display());
    let options = format!("{volatile}lowerdir={},upperdir={upper},workdir={work}", lowers.join(":"));
    Ok(mount("pgherd-lab", at, "overlay", MountFlags::empty(), Some(CString::new(options)?.as_c_str()))?)
}

/// Mounts an empty filesystem in memory at `at`, for mount points. What is unmounted below it disappears from copies of the mount table,
/// too: each `ip netns exec` has one, and a filesystem lives as long as one of them has it.
pub fn shared(at: &Path) -> io::Result<()> {
    mount("pgherd-lab", at, "tmpfs", MountFlags::empty(), Some(c"mode=0700"))?;
    Ok(mount_change(at, MountPropagationFlags::SHARED)?)
}

/// Makes an ext4 filesystem fail from now on: it reads what it has in memory, and writes nothing any more, not even what is waiting
/// (`abort` in `ext4(5)`).
pub fn abort(at: &Path) -> io::Result<()> {
    Ok(mount_remount(at, MountFlags::empty(), c"abort")?)
}

/// Detaches all mounts at a path, even if they are in use. It is not an error if there are none.
pub fn detach(at: &Path) -> io::Result<()> {
    while is_mounted(at) {
        unmount(at, UnmountFlags::DETACH)?;
    }
    Ok(())
}

/// Returns whether something is mounted at exactly this path.
pub fn is_mounted(at: &Path) -> bool {
    below(at).iter().any(|mounted| mounted == at)
}

/// Returns all mount points at or below a path, innermost first.
pub fn below(path: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(1)).map(unescape);
    let mut points: Vec<PathBuf> = points.filter(|point| point.starts_with(path)).collect();
    points.reverse();
    points
}

/// Decodes a field of the mount table, which writes a space as `\040` (`fstab(5)`).
fn unescape(field: &str) -> PathBuf {
    PathBuf::from(field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
}
