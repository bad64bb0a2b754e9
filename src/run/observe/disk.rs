//! How full the disk of each database machine is, through HAProxy's admin port. `db_config/disk_report.py` answers there.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::passage::{NoReport, get, read};
use crate::pipeline::Port;
use crate::system::parallel;

/// A database machine, and what it reports of its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskAnswer {
    /// The machine.
    pub machine: String,
    /// What it reports.
    pub report: Result<DiskReport, NoReport>,
}

/// What a machine reports of the disk of PostgreSQL's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskReport {
    /// The bytes that PostgreSQL can still use.
    pub free: u64,
    /// The bytes of the file system.
    pub size: u64,
    /// The bytes of the WAL's files.
    pub wal: u64,
    /// The bytes of the file that can be deleted to make room; 0 if it is not there.
    pub reserve: u64,
    /// The replication slots; null if PostgreSQL does not list them.
    pub slots: Option<Vec<ReplicationSlot>>,
    /// The bytes of WAL that each slot may keep at most (`max_slot_wal_keep_size`); null if there is no limit, or it is not known.
    pub slot_limit: Option<u64>,
}

/// A replication slot, which keeps WAL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationSlot {
    /// Its name.
    pub name: String,
    /// Whether somebody reads it.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`, in PostgreSQL's words; null if it keeps nothing yet.
    pub wal_status: Option<String>,
    /// The bytes of WAL that it keeps.
    pub retained: u64,
}

/// The bytes of a WAL file (`wal_segment_size`'s default). WAL is kept in whole files, so a slot that keeps less costs nothing.
const WAL_FILE: u64 = 16 * 1024 * 1024;

impl ReplicationSlot {
    /// Returns whether it keeps WAL that nobody reads. Patroni has an inactive copy of each machine's slot on the other machines, and moves
    /// it forward.
    pub fn is_abandoned(&self) -> bool {
        !self.active && self.retained >= WAL_FILE
    }
}

impl DiskReport {
    /// Returns the slot that keeps the most WAL.
    pub fn greatest_slot(&self) -> Option<&ReplicationSlot> {
        self.slots.iter().flatten().max_by_key(|slot| slot.retained)
    }
}

/// Asks each of these machines, all at the same time.
pub fn ask(admin: &Port, haproxy: IpAddr, machines: &[String], timeout: Duration) -> Vec<DiskAnswer> {
    parallel::at_once(machines, |machine| DiskAnswer {
        machine: machine.clone(),
        report: get(&admin.url(haproxy, &format!("/disk/{machine}")), timeout).and_then(|json| read(&json)),
    })
}
