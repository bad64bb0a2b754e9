//! Loop devices, which make files block devices.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

/// Returns a loop device that has a file as its blocks.
pub fn of(file: &Path) -> Option<PathBuf> {
    let devices = fs::read_dir("/sys/block").ok()?.flatten();
    let backing = |device: &fs::DirEntry| fs::read_to_string(device.path().join("loop/backing_file")).ok();
    let found = devices.into_iter().find(|one| backing(one).is_some_and(|of| Path::new(of.trim_end()) == file))?;
    Some(Path::new("/dev").join(found.file_name()))
}

/// Returns a block device's major and minor number.
///
/// # Errors
/// If there is no such device.
pub fn number(device: &Path) -> io::Result<(u32, u32)> {
    let found = fs::metadata(device)?;
    if !found.file_type().is_block_device() {
        return Err(io::Error::other(format!("{} is not a block device", device.display())));
    }
    Ok((major(found.rdev()), minor(found.rdev())))
}
