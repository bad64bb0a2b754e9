//! A volume of EC2 that is attached to an instance: a block device that outlives the machine. An instance's first volume is its
//! `disk`.
//!
//! Its blocks are in a sparse file beside the disks. While a running machine has it, a loop device serves them, and the machine finds
//! that device by the name that udev gives to EC2's NVMe volumes. A power cut loses what no program had synchronised.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::tool::HostTools;
use super::{disk, ec2, network, paths};
use crate::system::files;
use crate::system::host::daemon::comes_true;
use crate::system::host::{loop_device, mount, namespace};

/// A volume that a running machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Volume id, such as `vol-0123…`.
    pub id: String,
    /// Size in GiB.
    pub gib: u32,
    /// Its blocks on this host.
    file: PathBuf,
    /// The machine's device is `/dev/nvme<number>n1`. The first volume would be 0.
    number: u32,
    /// Whether it was detached while the machine still had a filesystem on it. No other machine can have it until that ends.
    is_leaving: bool,
}

/// Makes a running machine have these volumes and no others. Returns whether something has changed.
///
/// # Errors
/// If that fails. `has` says what the machine has by then.
pub fn keep(tools: HostTools<'_>, machine: &str, has: &mut Vec<Attached>, wanted: &[Assigned]) -> Result<bool> {
    let was = has.clone();
    has.retain(|one| !one.is_leaving || loop_device::of(&one.file).is_some());
    let done = adapt(tools, machine, has, wanted);
    done.map(|()| *has != was)
}

/// A volume that the API has attached to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Volume id.
    pub id: String,
    /// Size in GiB.
    pub gib: u32,
    /// AWS region.
    pub region: String,
}

fn adapt(tools: HostTools<'_>, machine: &str, has: &mut Vec<Attached>, wanted: &[Assigned]) -> Result<()> {
    let is_wanted = |one: &Attached| wanted.iter().any(|volume| volume.id == one.id && volume.gib == one.gib);
    if has.len() == wanted.len() && has.iter().all(|one| is_wanted(one) && !one.is_leaving) {
        return Ok(());
    }
    // A machine that is only starting has no devices yet. It is looked at again.
    let Some(machine) = Inside::of(tools, machine) else { return Ok(()) };
    for one in has.iter_mut().filter(|one| !one.is_leaving && !wanted.iter().any(|volume| volume.id == one.id)) {
        machine.run(REMOVE, &[&one.name(), &one.link()])?;
        one.is_leaving = true;
        free(tools, &one.file)?;
    }
    has.retain(|one| !one.is_leaving || loop_device::of(&one.file).is_some());
    for volume in wanted {
        match has.iter_mut().find(|one| one.id == volume.id) {
            Some(one) if one.gib < volume.gib && !one.is_leaving => {
                resize(tools, &one.file, volume.gib)?;
                let device = loop_device::of(&one.file).with_context(|| format!("{} has lost its device", one.id))?;
                tools.run(&["losetup", "--set-capacity", &device.display().to_string()])?;
                one.gib = volume.gib;
            }
            Some(_) => {}
            None => {
                let number = (1..).find(|n| has.iter().all(|one| one.number != *n)).context("too many volumes")?;
                has.push(attach(tools, &machine, volume, number)?);
            }
        }
    }
    Ok(())
}

fn attach(tools: HostTools<'_>, machine: &Inside<'_>, volume: &Assigned, number: u32) -> Result<Attached> {
    let file = file(&volume.region, &volume.id);
    files::make_dirs(&folder(&volume.region))?;
    resize(tools, &file, volume.gib)?;
    // A controller that was killed may have left one.
    let device = match loop_device::of(&file) {
        Some(device) => device,
        None => PathBuf::from(tools.run(&["losetup", "--find", "--show", &file.display().to_string()])?.trim()),
    };
    let (major, minor) = loop_device::number(&device)?;
    let one = Attached { id: volume.id.clone(), gib: volume.gib, file, number, is_leaving: false };
    machine.run(ADD, &[&one.name(), &one.link(), &major.to_string(), &minor.to_string()])?;
    Ok(one)
}

/// Makes a volume's file at least this large. A new one is made.
fn resize(tools: HostTools<'_>, file: &Path, gib: u32) -> Result<()> {
    tools.run(&["truncate", &format!("--size=>{gib}G"), &file.display().to_string()]).map(drop)
}

/// Ends every write to a machine's volumes at once. What no program had synchronised will be gone.
///
/// # Errors
/// If that fails.
pub fn cut(tools: HostTools<'_>, machine: &str, has: &[Attached]) -> Result<()> {
    for one in has {
        let at = paths::mounts().join(machine).join(&one.id);
        let Some(device) = loop_device::of(&one.file) else { continue };
        files::make_dirs(&at)?;
        // This is the very filesystem that the machine has mounted. A volume without one has nothing to lose.
        if tools.run(&["mount", &device.display().to_string(), &at.display().to_string()]).is_ok() {
            let cut = mount::abort(&at);
            mount::detach(&at)?;
            files::remove_empty_dir(&at);
            cut.with_context(|| {
                format!("cannot cut the power of {}: the lab can do that only with an ext4 filesystem", one.id)
            })?;
        }
    }
    Ok(())
}

/// Takes the volumes from a machine that has ended.
///
/// # Errors
/// If something still uses one.
pub fn release(tools: HostTools<'_>, machine: &str, has: &mut Vec<Attached>) -> Result<()> {
    for one in has.iter() {
        let at = paths::mounts().join(machine).join(&one.id);
        mount::detach(&at)?;
        files::remove_empty_dir(&at);
        free(tools, &one.file)?;
        ensure!(comes_true(disk::ENDS, || loop_device::of(&one.file).is_none()), "something still uses {}", one.id);
    }
    has.clear();
    Ok(())
}

/// Removes the blocks of volumes that a region no longer has.
///
/// # Errors
/// If that fails.
pub fn forget(region: &str, existing: &[ec2::ApiVolume]) -> Result<()> {
    let dir = folder(region);
    for name in files::list(&dir)? {
        let file = dir.join(&name);
        let exists = existing.iter().any(|volume| name.starts_with(&volume.id));
        if !exists && loop_device::of(&file).is_none() {
            files::remove(&file)?;
        }
    }
    Ok(())
}

/// Frees the loop device of a file, at once or when its last user ends.
fn free(tools: HostTools<'_>, file: &Path) -> Result<()> {
    match loop_device::of(file) {
        Some(device) => tools.run(&["losetup", "--detach", &device.display().to_string()]).map(drop),
        None => Ok(()),
    }
}

fn folder(region: &str) -> PathBuf {
    paths::disks().join("files").join("volumes").join(region)
}

fn file(region: &str, id: &str) -> PathBuf {
    folder(region).join(format!("{id}.img"))
}

impl Attached {
    /// Returns the name of its device in the machine.
    fn name(&self) -> String {
        format!("/dev/nvme{}n1", self.number)
    }

    /// Returns the link to it that systemd's udev rules make, of the model and the serial number. EC2's serial number is the volume's id
    /// without a dash (Amazon EBS User Guide, "Map Amazon EBS volumes to NVMe device names").
    fn link(&self) -> String {
        format!("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{}", self.id.replace('-', ""))
    }
}

/// Adds a device: its name, its link, its numbers.
const ADD: &str = "mkdir -p \"${2%/*}\"; rm -f \"$1\"; mknod -m 0660 \"$1\" b \"$3\" \"$4\"; chgrp disk \"$1\"; ln -sfn \"../../${1##*/}\" \"$2\"";
/// Removes a device: its name, its link.
const REMOVE: &str = "rm -f \"$2\" \"$1\"";

/// The files of a machine that has started.
struct Inside<'a> {
    tools: HostTools<'a>,
    leader: String,
}

impl<'a> Inside<'a> {
    fn of(tools: HostTools<'a>, machine: &str) -> Option<Self> {
        let leader = namespace::leader(&network::machine_namespace(machine))?.pid.to_string();
        // It exists when systemd has started (sd_booted(3)), which is after the machine has got its devices.
        let booted = format!("/proc/{leader}/root/run/systemd/system");
        files::exists(booted.as_ref()).then_some(Inside { tools, leader })
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Result<()> {
        let argv = ["nsenter", "--target", &self.leader, "--mount", "--", "sh", "-euc", script, "sh"];
        self.tools.run(&[&argv[..], arguments].concat()).map(drop)
    }
}
