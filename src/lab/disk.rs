//! The disk of a machine: a filesystem of its own, as large as the volume that the API reports. So it can be full, and a power cut loses
//! what no program had synchronised.
//!
//! Its blocks are in a sparse file on an overlay that ignores fsync. So a machine waits for its own disk, and nothing waits for the host's.
//! A builder has none: the layer of its changes becomes an image, which is a rename within the host's filesystem.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::paths;
use super::tool::HostTools;
use crate::system::files;
use crate::system::host::daemon::comes_true;
use crate::system::host::{loop_device, mount, tree};

/// The time that a filesystem may take to end after its machine: its processes have been killed, and the kernel cleans up after them.
pub const ENDS: Duration = Duration::from_secs(20);

/// Makes the places of all disks.
pub fn prepare() -> Result<()> {
    let disks = paths::disks();
    let [lower, upper, work, files] = ["lower", "upper", "work", "files"].map(|part| disks.join(part));
    for dir in [&lower, &upper, &work, &files, &paths::mounts()] {
        files::make_dirs(dir)?;
    }
    mount::overlay(&[lower], &upper, &work, &files, mount::Sync::Ignored).context("cannot mount the place of disks")?;
    mount::shared(&paths::mounts()).context("cannot mount the place of machines")?;
    Ok(())
}

/// Mounts a machine's disk, which is made if it does not exist.
pub fn attach(tools: HostTools<'_>, id: &str, gib: u32) -> Result<()> {
    let (file, at) = (file(id), place(id));
    if !files::exists(&file) {
        let new = file.with_extension("new");
        let new_text = new.display().to_string();
        tools.words(&format!("truncate --size={gib}G {new_text}"))?;
        // The tables of a large disk stay sparse: they are made as they are used. Nothing is kept for root, because an overlay writes as
        // root for every user.
        tools.words(&format!("mkfs.ext4 -q -F -m 0 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard {new_text}"))?;
        tree::rename(&new, &file)?;
    }
    if !mount::is_mounted(&at) {
        files::make_dirs(&at)?;
        let what = format!("mount -o loop,noinit_itable {} {}", file.display(), at.display());
        tools.words(&what).with_context(|| format!("cannot mount the disk of {id}"))?;
    }
    Ok(())
}

/// Ends every write to a machine's disk at once. What no program had synchronised will be gone.
pub fn cut(id: &str) -> Result<()> {
    let at = place(id);
    if mount::is_mounted(&at) { Ok(mount::abort(&at)?) } else { Ok(()) }
}

/// Unmounts a machine's disk, once all that used it has ended.
pub fn detach(id: &str) -> Result<()> {
    mount::detach(&place(id))?;
    // Mounted once more before that, the disk would come back as it was cut off.
    let is_free = comes_true(ENDS, || loop_device::of(&file(id)).is_none());
    ensure!(is_free, "something still uses the disk of {id}");
    Ok(())
}

/// Removes a machine's disk.
pub fn remove(id: &str) -> Result<()> {
    mount::detach(&place(id))?;
    files::remove_empty_dir(&place(id));
    Ok(files::remove(&file(id))?)
}

fn file(id: &str) -> PathBuf {
    paths::disks().join("files").join(format!("{id}.img"))
}

/// Returns where a machine's disk is mounted.
pub fn place(id: &str) -> PathBuf {
    paths::mounts().join(id).join("disk")
}
