//! What a drill could leave behind, so that a comparison of before and after finds it.

use std::collections::BTreeSet;

use anyhow::Result;

use super::ground::{Ground, SCHEMA};
use crate::pipeline::Expected;

/// Returns what the cluster and the place where it runs have of this kind: replication slots, the clients' schema, and what the ground
/// names. The slots of the machines themselves are left out: Patroni makes and drops them as it moves the primary.
pub fn traces(ground: &dyn Ground, expected: &Expected, database: &str) -> Result<BTreeSet<String>> {
    let mut found = ground.traces()?;
    let schemas = format!("SELECT nspname FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    for machine in expected.databases() {
        let slots = ground.sql(&machine.name, database, "SELECT slot_name FROM pg_replication_slots")?;
        let others = slots.lines().filter(|slot| !expected.databases().any(|one| is_slot_of(slot, &one.name)));
        found.extend(others.map(|slot| format!("replication slot {slot} on {}", machine.name)));
        let schemas = ground.sql(&machine.name, database, &schemas)?;
        found.extend(schemas.lines().map(|schema| format!("schema {schema} on {}", machine.name)));
    }
    Ok(found)
}

/// Patroni names a machine's slot after the machine. A slot's name has no dashes.
fn is_slot_of(slot: &str, machine: &str) -> bool {
    slot == machine.replace('-', "_")
}
