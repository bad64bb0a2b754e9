//! The faults that a cluster is built for: the one table that `check` predicts from, and that injection and tests name faults by.

use serde::Serialize;

mod bound;
mod term;

pub use bound::{Prediction, predict, seconds};
pub use term::{Term, promotion};

/// A fault. Its [`name`](Fault::name) is the variant's in kebab-case, in JSON too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The primary's PostgreSQL crashes.
    Postgres,
    /// The primary's machine loses power.
    Machine,
    /// The network cuts the primary off from etcd and the other databases.
    Partition,
    /// An operator moves the primary to another machine.
    Switchover,
    /// The machine of a standby that commits wait for loses power.
    SyncStandby,
    /// HAProxy's process crashes.
    Haproxy,
    /// etcd loses its leader, and nothing else fails.
    EtcdLeader,
    /// The primary's machine loses power while it also leads etcd.
    MachineEtcdLeader,
    /// HAProxy's machine loses power.
    HaproxyMachine,
}

impl Fault {
    /// Every fault, in the order of the report.
    pub const ALL: [Fault; 9] = [
        Fault::Postgres,
        Fault::Machine,
        Fault::Partition,
        Fault::Switchover,
        Fault::SyncStandby,
        Fault::Haproxy,
        Fault::EtcdLeader,
        Fault::MachineEtcdLeader,
        Fault::HaproxyMachine,
    ];

    /// Returns the name that commands, JSON and tests use.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Postgres => "postgres",
            Fault::Machine => "machine",
            Fault::Partition => "partition",
            Fault::Switchover => "switchover",
            Fault::SyncStandby => "sync-standby",
            Fault::Haproxy => "haproxy",
            Fault::EtcdLeader => "etcd-leader",
            Fault::MachineEtcdLeader => "machine-etcd-leader",
            Fault::HaproxyMachine => "haproxy-machine",
        }
    }

    /// Returns what happens, in words.
    pub fn title(self) -> &'static str {
        match self {
            Fault::Postgres => "postgres dies on the primary",
            Fault::Machine => "the primary's machine dies",
            Fault::Partition => "the network cuts the primary off",
            Fault::Switchover => "planned switchover",
            Fault::SyncStandby => "the machine of a synchronous standby dies",
            Fault::Haproxy => "HAProxy's process dies",
            Fault::EtcdLeader => "only etcd's leader is lost",
            Fault::MachineEtcdLeader => "the primary's machine dies, and etcd's leader with it",
            Fault::HaproxyMachine => "HAProxy's machine dies",
        }
    }

    /// Returns whether the blueprint's `rto` and `rpo` cover it: a single failure that the cluster heals by itself.
    pub fn is_covered(self) -> bool {
        match self {
            Fault::Postgres
            | Fault::Machine
            | Fault::Partition
            | Fault::Switchover
            | Fault::SyncStandby
            | Fault::Haproxy
            | Fault::EtcdLeader => true,
            // Two failures at once.
            Fault::MachineEtcdLeader => false,
            // Somebody replaces the machine.
            Fault::HaproxyMachine => false,
        }
    }

    /// Returns the faults that the blueprint's `rto` and `rpo` cover.
    pub fn covered() -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(|fault| fault.is_covered())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_one_name_and_stands_in_the_table_once() {
        for (at, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(fault).expect("JSON"), fault.name());
            assert_eq!(fault as usize, at, "{fault:?}: a variant that ALL lacks has no bound in `check`");
        }
        assert_eq!(Fault::covered().count(), 7);
    }
}
