//! Reads `logical_slots = { name = database }`: clients' slots that Patroni keeps through a failover.

use std::collections::BTreeMap;

use super::super::{BlockReader, Refusal, doc, is, nearest, refuse};
use super::databases::Database;
use crate::blueprint::form::Holds;
use crate::blueprint::value::text;

/// The fewest `max_wal_senders` with which everything streams: each standby and each client of a logical slot, two senders for a
/// base backup (<https://www.postgresql.org/docs/current/app-pgbasebackup.html>), and one for an operator.
pub fn least_wal_senders(slaves: u32, logical_slots: u32) -> u32 {
    slaves + 3 + logical_slots
}

/// The fewest `max_replication_slots` that hold each standby's and each client's, and one more; Patroni ignores fewer than 4
/// (`CMDLINE_OPTIONS` in its postgresql/config.py).
pub fn least_replication_slots(slaves: u32, logical_slots: u32) -> u32 {
    (slaves + 1 + logical_slots).max(4)
}

/// The longest name in PostgreSQL, in bytes: NAMEDATALEN - 1.
const LONGEST: usize = 63;

/// Returns the slots, each with its database.
pub fn read(r: &BlockReader, databases: &[Database]) -> BTreeMap<String, String> {
    let mut slots = BTreeMap::new();
    let logical_slots = doc(
        "logical_slots",
        "Slots for clients of logical replication that survive a failover: the name of each, and its database. pgherd creates a publication of the same name in that database, and sets `wal_level`.",
    )
    .by_default("none");
    for entry in r.map(logical_slots, Holds::TextMap) {
        if let Err(refusal) = name(&entry.key) {
            r.report("logical_slots", &entry.key_at, refusal);
        }
        match text(&entry.value).and_then(|database| known(database, databases)) {
            Ok(database) => drop(slots.insert(entry.key.clone(), database)),
            Err(refusal) => r.report("logical_slots", &entry.value.at, refusal),
        }
    }
    slots
}

/// Refuses a `wal_level` that has too little in the WAL for logical slots.
pub fn check(r: &BlockReader, slots: &BTreeMap<String, String>, settings: &BTreeMap<String, String>) {
    if !slots.is_empty() && settings.get("wal_level").is_some_and(|level| level != "logical") {
        let problem = "logical_slots need wal_level = \"logical\", but the settings have another value";
        r.source.report(&is::SLOT, &r.at, problem, "remove wal_level from the settings; pgherd sets it for the slots");
    }
}

/// Refuses a name that PostgreSQL does not take, and the machines' names, which are those of the standbys' slots.
fn name(name: &str) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) {
        let help = format!("use 1 to {LONGEST} lower-case letters, digits and underscores, such as \"warehouse\"");
        return refuse(&is::SLOT, format!("`{name}` is not a valid slot name"), help);
    }
    let machine = name == "master" || name.strip_prefix("slave").is_some_and(|rest| rest.parse::<u8>().is_ok());
    if machine {
        return refuse(
            &is::SLOT,
            format!("`{name}` is the name of a machine's own slot"),
            "choose another name, such as \"warehouse\"",
        );
    }
    Ok(())
}

/// Refuses a database that the blueprint does not have.
fn known(database: &str, databases: &[Database]) -> Result<String, Refusal> {
    if databases.iter().any(|known| known.name == database) {
        return Ok(database.to_string());
    }
    let help = match nearest(database, databases.iter().map(|known| known.name.as_str())) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("add it to postgres.databases with its owner: databases = {{ {database} = \"USER\" }}"),
    };
    refuse(&is::SLOT, format!("the blueprint has no database `{database}`"), help)
}
