//! The faults that a cluster is built for: the one table from which `check` predicts, `drill` injects, and tests take their names.

use serde::Serialize;

mod bound;
mod injection;
mod prediction;
mod reads;
mod term;

pub use bound::{nlb_down, predict, seconds, staleness};
pub use injection::{Disruption, Injection, LOSS, Software, Traffic, Victim};
pub use prediction::{Prediction, ReadOutage};
pub use term::{CLIENT_PATIENCE, Term, promotion};

/// Declares [`Fault`] and [`Fault::ALL`], so that no fault is missing from the table.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $name:literal, $title:literal;)*) => {
        /// A fault. Its [`name`](Fault::name) is the variant's in kebab-case, in JSON too.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// Every fault, in the order of the report.
            pub const ALL: &[Fault] = &[$(Fault::$fault),*];

            /// Returns the name that commands, JSON and tests use.
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$fault => $name,)* }
            }

            /// Returns what happens, in words.
            pub const fn title(self) -> &'static str {
                match self { $(Fault::$fault => $title,)* }
            }
        }
    };
}

faults! {
    /// The primary's PostgreSQL crashes.
    Postgres = "postgres", "postgres dies on the primary";
    /// The primary's machine loses power.
    Machine = "machine", "the primary's machine dies";
    /// The network cuts the primary off from all other machines.
    Partition = "partition", "the network cuts the primary off";
    /// The network drops what etcd on the primary's machine, and Patroni as its client, exchange with other machines.
    PartitionEtcd = "partition-etcd", "the network cuts the primary off from etcd only";
    /// The network cuts the primary off from HAProxy, and from nothing else.
    PartitionHaproxy = "partition-haproxy", "the network cuts the primary off from HAProxy only";
    /// The network cuts the primary off from a standby that commits wait for, and from nothing else.
    PartitionSyncStandby = "partition-sync-standby", "the network cuts the primary off from a synchronous standby only";
    /// The network drops everything that is sent to the primary. What the primary sends arrives.
    PartitionInbound = "partition-inbound", "nothing that is sent to the primary arrives";
    /// The network drops everything that the primary sends. What is sent to the primary arrives.
    PartitionOutbound = "partition-outbound", "nothing that the primary sends arrives";
    /// The network loses packets from and to the primary, so that everything takes longer.
    Slow = "slow", "the primary's network loses one packet in ten";
    /// An operator moves the primary to another machine.
    Switchover = "switchover", "planned switchover";
    /// The machine of a standby that commits wait for loses power.
    SyncStandby = "sync-standby", "the machine of a synchronous standby dies";
    /// The machine of a standby that no commit waits for loses power.
    AsyncStandby = "async-standby", "the machine of an asynchronous standby dies";
    /// HAProxy's process crashes.
    Haproxy = "haproxy", "HAProxy's process dies";
    /// The process of etcd's leader is killed, and nothing else fails.
    EtcdLeader = "etcd-leader", "only etcd's leader is lost";
    /// The process of etcd's leader hangs, and nothing else fails.
    EtcdLeaderFrozen = "etcd-leader-frozen", "only etcd's leader hangs";
    /// The network drops what etcd's leader sends and receives, and nothing else.
    EtcdLeaderCut = "etcd-leader-cut", "only etcd's leader is cut off by the network";
    /// Patroni hangs on the primary.
    PatroniFrozen = "patroni-frozen", "Patroni hangs on the primary";
    /// PostgreSQL hangs on the primary.
    PostgresFrozen = "postgres-frozen", "postgres hangs on the primary";
    /// The primary's disk has no room left for PostgreSQL.
    DiskFull = "disk-full", "the primary's disk is full";
    /// The primary's machine loses power while it also leads etcd.
    MachineEtcdLeader = "machine-etcd-leader", "the primary's machine dies, and etcd's leader with it";
    /// All machines in the primary's zone lose power.
    Zone = "zone", "the primary's zone dies, and HAProxy is elsewhere";
    /// HAProxy's machine loses power.
    HaproxyMachine = "haproxy-machine", "HAProxy's machine dies";
    /// Every machine loses power, and all get it back at once.
    Everything = "everything", "all machines lose power";
}

impl Fault {
    /// Returns the fault of a name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// Returns whether the blueprint's `rto` and `rpo` cover it: a single failure that the cluster heals by itself.
    pub fn is_covered(self) -> bool {
        match self {
            Fault::Postgres
            | Fault::Machine
            | Fault::Partition
            | Fault::PartitionEtcd
            | Fault::PartitionSyncStandby
            | Fault::PartitionInbound
            | Fault::PartitionOutbound
            | Fault::Slow
            | Fault::Switchover
            | Fault::SyncStandby
            | Fault::AsyncStandby
            | Fault::Haproxy
            | Fault::EtcdLeader
            | Fault::EtcdLeaderFrozen
            | Fault::EtcdLeaderCut
            | Fault::PatroniFrozen
            | Fault::PostgresFrozen => true,
            // Several failures at once.
            Fault::MachineEtcdLeader | Fault::Zone | Fault::Everything => false,
            // Somebody replaces the machine, mends the network, or frees space.
            Fault::HaproxyMachine | Fault::PartitionHaproxy | Fault::DiskFull => false,
        }
    }

    /// Returns the faults that the blueprint's `rto` and `rpo` cover.
    pub fn covered() -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(|fault| fault.is_covered())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_one_name() {
        for fault in Fault::ALL.iter().copied() {
            assert_eq!(serde_json::to_value(fault).expect("JSON"), fault.name());
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
        assert_eq!(Fault::named("nothing"), None);
        assert_eq!(Fault::covered().count(), 17);
    }
}
