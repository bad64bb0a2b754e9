//! Describes disks that fill up.

use std::fmt;

use super::{bytes, section};
use crate::run::judge::disk::{DiskWarning, ShortDisk};

impl fmt::Display for ShortDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShortDisk { machine, free, size, wal, slot, has_reserve } = self;
        write!(f, "{machine}'s disk has {} of {} left", bytes(*free), bytes(*size))?;
        if !has_reserve {
            f.write_str(", and its reserve is used")?;
        }
        write!(f, ": pg_wal has {}", bytes(*wal))?;
        if let Some(slot) = slot {
            let reader = if slot.is_abandoned() { ", which nobody reads," } else { "" };
            write!(f, ", and the slot {}{reader} keeps {} of WAL", slot.name, bytes(slot.retained))?;
        }
        Ok(())
    }
}

impl fmt::Display for DiskWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskWarning::Low(disk) => write!(f, "{disk}. {}", section("A disk fills up")),
            DiskWarning::Promised { disk, limit } => write!(
                f,
                "{disk}. A slot may keep {} (max_slot_wal_keep_size), for which there is no room. {}",
                bytes(*limit),
                section("A disk fills up")
            ),
            DiskWarning::NoReserve { machine } => write!(
                f,
                "{machine}'s disk has no reserve. Run `sudo -u postgres /usr/local/lib/pgherd/reserve_space.sh` on {machine} to make one"
            ),
            DiskWarning::NoReport { machine, why } => write!(
                f,
                "pgherd cannot tell how full {machine}'s disk is: its report {why}. A machine with an older image has no report"
            ),
        }
    }
}
