//! PostgreSQL's settings that the blueprint does not set: each follows from a rule, with its reason and its source.

mod replication;
mod resources;
mod sessions;

use std::collections::BTreeMap;

use super::InstanceType;
use crate::blueprint::model::{Blueprint, MachineBlock};
use crate::parameters::value::count;

pub use sessions::STATEMENTS;

/// Twice PostgreSQL's own default (<https://www.postgresql.org/docs/current/runtime-config-connection.html>). HAProxy queues the
/// connections that exceed it.
const MAX_CONNECTIONS: u32 = 200;
/// PostgreSQL does not start with more: `MAX_BACKENDS`, the same in 13 to 18 (src/include/postmaster/postmaster.h, later
/// src/include/storage/procnumber.h).
const MOST_CONNECTIONS: u32 = 262_143;
/// A setting that pgherd decides.
pub struct Setting {
    /// The parameter's name.
    pub name: &'static str,
    /// Its value, as postgresql.conf takes it.
    pub value: String,
    /// The attributes and decisions that the value follows from.
    pub from: Vec<String>,
    /// Why it has this value.
    pub why: &'static str,
    /// The manual's page, or the measurement, behind the rule.
    pub source: &'static str,
}

fn setting(
    name: &'static str,
    value: impl Into<String>,
    from: Vec<String>,
    why: &'static str,
    source: &'static str,
) -> Setting {
    Setting { name, value: value.into(), from, why, source }
}

/// Returns the page of PostgreSQL's manual that describes a setting.
macro_rules! manual {
    ($page:literal, $setting:literal) => {
        concat!("https://www.postgresql.org/docs/current/runtime-config-", $page, ".html#GUC-", $setting)
    };
}
use manual;

/// Formats a size in MiB.
fn mib(n: u64) -> String {
    format!("{n}MB")
}

/// The blueprint's blocks of database machines. A setting must fit the smallest machine, because any of them may become primary.
struct DatabaseBlocks<'a>(Vec<(&'static str, &'a MachineBlock)>);

impl<'a> DatabaseBlocks<'a> {
    fn of(blueprint: &'a Blueprint) -> Self {
        let mut blocks = vec![("master", &blueprint.master)];
        if blueprint.slave_count > 0 {
            blocks.push(("slaves", &blueprint.slaves));
        }
        DatabaseBlocks(blocks)
    }

    /// Returns the size of the smallest disk in GiB.
    fn smallest_disk(&self) -> u32 {
        self.0.iter().map(|(_, machine)| machine.disk.size).min().unwrap_or_default()
    }

    /// Returns the least of what all machines have, or `None` where one of them is unknown.
    fn least<T: Ord>(&self, of: fn(InstanceType) -> T) -> Option<T> {
        let all: Option<Vec<T>> = self.0.iter().map(|(_, machine)| machine.instance.map(of)).collect();
        all?.into_iter().min()
    }

    /// Returns the throughput of the slowest disk in MiB per second.
    fn least_throughput(&self) -> u32 {
        self.0.iter().map(|(_, machine)| machine.disk.throughput).min().unwrap_or_default()
    }

    /// Returns the paths of an attribute of every block's disk.
    fn disk_attributes(&self, attribute: &str) -> Vec<String> {
        self.0.iter().map(|(block, _)| format!("{block}.disk.{attribute}")).collect()
    }

    /// Returns the attributes that state what the machines have: the instance type, or `stated` where pgherd does not know the type.
    fn attributes(&self, stated: &str) -> Vec<String> {
        let attribute = |machine: &MachineBlock| match InstanceType::of(&machine.instance_type) {
            Some(_) => "instance_type".to_string(),
            None => stated.to_string(),
        };
        self.0.iter().map(|(block, machine)| format!("{block}.{}", attribute(machine))).collect()
    }
}

/// Returns the settings that every cluster starts with, in the order in which they are written.
pub fn defaults(blueprint: &Blueprint, major: u16) -> Vec<Setting> {
    let blocks = DatabaseBlocks::of(blueprint);
    let mut all = connections();
    all.extend(resources::memory(&blocks, max_connections(&blueprint.postgres.settings)));
    all.extend(resources::parallelism(&blocks));
    all.extend(resources::autovacuum(&blocks));
    all.extend(replication::wal(blueprint, &blocks, major));
    all.extend(replication::standbys(blueprint, &blocks));
    all.extend(replication::logical(blueprint, major));
    all.extend(resources::planner());
    all.extend(sessions::limits());
    all.extend(sessions::statistics());
    all.extend(sessions::log(major));
    all
}

fn connections() -> Vec<Setting> {
    const WHY: &str = "Twice PostgreSQL's own default. HAProxy queues the connections that exceed it.";
    const KEEPALIVE: &str =
        "A client whose machine died is detected within two minutes, instead of the kernel's two hours.";
    const SOURCE: &str = manual!("connection", "TCP-KEEPALIVES-IDLE");
    vec![
        setting("max_connections", MAX_CONNECTIONS.to_string(), vec![], WHY, manual!("connection", "MAX-CONNECTIONS")),
        setting("tcp_keepalives_idle", "60", vec![], KEEPALIVE, SOURCE),
        setting("tcp_keepalives_interval", "10", vec![], KEEPALIVE, SOURCE),
        setting("tcp_keepalives_count", "6", vec![], KEEPALIVE, SOURCE),
        setting(
            "tcp_user_timeout",
            "10s",
            vec![],
            "A client that acknowledges nothing for this long counts as dead, even in the middle of a result. Keepalives do not detect it, \
             because the kernel sends none while sent data is not acknowledged.",
            SOURCE,
        ),
    ]
}

/// Returns a setting that counts something, or its default.
pub fn number(settings: &BTreeMap<String, String>, name: &str, default: u32) -> u32 {
    settings.get(name).and_then(|value| count(name, value)).unwrap_or(default)
}

/// Returns the effective `max_connections`.
pub fn max_connections(settings: &BTreeMap<String, String>) -> u32 {
    number(settings, "max_connections", MAX_CONNECTIONS).min(MOST_CONNECTIONS)
}
