//! What is broken, and on which machine, to bring a fault about.

use serde::{Deserialize, Serialize};

use super::Fault;

/// How a fault is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// Whose machine is harmed.
    pub victim: Victim,
    /// What happens to it.
    pub harm: Harm,
}

/// The machine that a fault harms, by what it does at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The primary.
    Primary,
    /// The primary, once it also leads etcd.
    PrimaryAsEtcdLeader,
    /// Every machine in the primary's zone.
    ZoneOfPrimary,
    /// etcd's leader, once that is not the primary.
    EtcdLeader,
    /// A standby that commits wait for.
    SyncStandby,
    /// A standby that no commit waits for.
    AsyncStandby,
    /// HAProxy's machine.
    Haproxy,
}

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Harm {
    /// It loses power, without a word to anybody.
    PowerCut,
    /// The main process of a unit is killed (SIGKILL).
    Kill(Unit),
    /// A unit's processes stop running, but keep their memory, connections and locks (SIGSTOP).
    Freeze(Unit),
    /// The network drops everything that it sends and receives.
    Cut,
    /// The network drops what its etcd sends and receives.
    CutEtcd,
    /// An operator orders a switchover.
    Switchover,
}

/// The software that a fault harms on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// The postmaster, and with a freeze its children too.
    Postgres,
    /// Patroni, without the PostgreSQL that it manages.
    Patroni,
    /// etcd.
    Etcd,
    /// HAProxy.
    Haproxy,
}

impl Fault {
    /// Returns how the fault is brought about.
    pub const fn injection(self) -> Injection {
        let (victim, harm) = match self {
            Fault::Postgres => (Victim::Primary, Harm::Kill(Unit::Postgres)),
            Fault::Machine => (Victim::Primary, Harm::PowerCut),
            Fault::Partition => (Victim::Primary, Harm::Cut),
            Fault::Switchover => (Victim::Primary, Harm::Switchover),
            Fault::SyncStandby => (Victim::SyncStandby, Harm::PowerCut),
            Fault::AsyncStandby => (Victim::AsyncStandby, Harm::PowerCut),
            Fault::Haproxy => (Victim::Haproxy, Harm::Kill(Unit::Haproxy)),
            Fault::EtcdLeader => (Victim::EtcdLeader, Harm::Kill(Unit::Etcd)),
            Fault::EtcdLeaderFrozen => (Victim::EtcdLeader, Harm::Freeze(Unit::Etcd)),
            Fault::EtcdLeaderCut => (Victim::EtcdLeader, Harm::CutEtcd),
            Fault::PatroniFrozen => (Victim::Primary, Harm::Freeze(Unit::Patroni)),
            Fault::PostgresFrozen => (Victim::Primary, Harm::Freeze(Unit::Postgres)),
            Fault::MachineEtcdLeader => (Victim::PrimaryAsEtcdLeader, Harm::PowerCut),
            Fault::Zone => (Victim::ZoneOfPrimary, Harm::PowerCut),
            Fault::HaproxyMachine => (Victim::Haproxy, Harm::PowerCut),
        };
        Injection { victim, harm }
    }
}

impl Harm {
    /// Returns whether it lasts until it is undone. Any other harm is over at once, and what follows is the cluster's own doing.
    pub const fn lasts(self) -> bool {
        match self {
            Harm::PowerCut | Harm::Freeze(_) | Harm::Cut | Harm::CutEtcd => true,
            Harm::Kill(_) | Harm::Switchover => false,
        }
    }
}
