//! What a drill could leave behind, so that a comparison of before and after finds it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::ground::{Ground, SCHEMA};
use crate::pipeline::{Expected, ExpectedMachine};

/// What exists that a drill could have left behind.
#[derive(Debug, Default)]
pub struct Traces {
    /// What the ground names.
    ground: BTreeSet<String>,
    /// Replication slots and the clients' schema of each database machine that could be asked, by its name.
    machines: BTreeMap<String, BTreeSet<String>>,
}

impl Traces {
    /// Finds them. The slots of the machines themselves are left out: Patroni makes and drops them as it moves the primary.
    ///
    /// # Errors
    /// If the ground cannot say what it has.
    pub fn find(ground: &dyn Ground, expected: &Expected, database: &str) -> Result<Self> {
        let of =
            |machine: &ExpectedMachine| Some((machine.name.clone(), on(machine, ground, expected, database).ok()?));
        Ok(Traces { ground: ground.traces()?, machines: expected.databases().filter_map(of).collect() })
    }

    /// Returns what exists here and did not exist before. A machine that could not be asked either time is not compared.
    pub fn since(&self, before: &Traces) -> Vec<String> {
        let on_machines =
            self.machines.iter().filter_map(|(name, now)| Some(now.difference(before.machines.get(name)?)));
        self.ground.difference(&before.ground).chain(on_machines.flatten()).cloned().collect()
    }
}

fn on(machine: &ExpectedMachine, ground: &dyn Ground, expected: &Expected, database: &str) -> Result<BTreeSet<String>> {
    let slots = ground.sql(&machine.name, database, "SELECT slot_name FROM pg_replication_slots")?;
    let schemas = format!("SELECT nspname FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    let schemas = ground.sql(&machine.name, database, &schemas)?;
    let others = slots.lines().filter(|slot| !expected.databases().any(|one| is_slot_of(slot, &one.name)));
    let slots = others.map(|slot| format!("replication slot {slot} on {}", machine.name));
    Ok(slots.chain(schemas.lines().map(|schema| format!("schema {schema} on {}", machine.name))).collect())
}

/// Patroni names a machine's slot after the machine. A slot's name has no dashes.
fn is_slot_of(slot: &str, machine: &str) -> bool {
    slot == machine.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(ground: &[&str], machines: &[(&str, &[&str])]) -> Traces {
        let set = |all: &[&str]| all.iter().map(|one| one.to_string()).collect::<BTreeSet<_>>();
        let machines = machines.iter().map(|(name, all)| (name.to_string(), set(all)));
        Traces { ground: set(ground), machines: machines.collect() }
    }

    #[test]
    fn what_was_there_before_is_not_left_behind() {
        let before = traces(&["rule a"], &[("master", &["slot b"])]);
        let after = traces(&["rule a", "rule c"], &[("master", &["slot b", "slot d"]), ("slave1", &["slot e"])]);
        assert_eq!(after.since(&before), ["rule c", "slot d"]);
        assert!(before.since(&after).is_empty());
    }

    #[test]
    fn a_slot_is_named_after_its_machine() {
        assert!(is_slot_of("herd_a_slave1", "herd-a-slave1") && !is_slot_of("feed", "slave1"));
    }
}
