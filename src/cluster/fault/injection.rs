//! What is broken, and on which machine, to bring a fault about.

use serde::{Deserialize, Serialize};

use super::Fault;

/// How a fault is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// Whose machine is harmed.
    pub victim: Victim,
    /// What happens to it.
    pub harm: Disruption,
    /// The machines that it is cut off from; `None` means all.
    pub from: Option<Victim>,
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
    /// HAProxy's machine; of several, the first.
    Haproxy,
    /// Every machine of HAProxy.
    EveryHaproxy,
    /// Every machine.
    All,
}

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disruption {
    /// It loses power, without a word to anybody.
    PowerCut,
    /// The main process of a unit is killed (SIGKILL).
    Kill(Software),
    /// A unit's processes stop running, but keep their memory, connections and locks (SIGSTOP).
    Freeze(Software),
    /// The network drops this traffic between it and other machines.
    Cut(Traffic),
    /// The network loses [`LOSS`] percent of what it sends and receives.
    Loss,
    /// Everything that its disk has left is taken.
    FillDisk,
    /// An operator orders a switchover.
    Switchover,
}

/// The percentage of packets that [`Disruption::Loss`] loses in each direction. A lost packet is sent again after 0.2 s at the earliest,
/// so this delays as well.
pub const LOSS: u32 = 10;

/// The traffic of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Traffic {
    /// What it sends and receives.
    All,
    /// What it receives.
    Inbound,
    /// What it sends.
    Outbound,
    /// What members and clients of etcd send and receive.
    Etcd,
}

/// The software that a fault harms on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Software {
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
            Fault::Postgres => (Victim::Primary, Disruption::Kill(Software::Postgres)),
            Fault::Machine => (Victim::Primary, Disruption::PowerCut),
            Fault::Partition => (Victim::Primary, Disruption::Cut(Traffic::All)),
            Fault::PartitionHaproxy | Fault::PartitionSyncStandby => (Victim::Primary, Disruption::Cut(Traffic::All)),
            Fault::PartitionEtcd => (Victim::Primary, Disruption::Cut(Traffic::Etcd)),
            Fault::PartitionInbound => (Victim::Primary, Disruption::Cut(Traffic::Inbound)),
            Fault::PartitionOutbound => (Victim::Primary, Disruption::Cut(Traffic::Outbound)),
            Fault::Slow => (Victim::Primary, Disruption::Loss),
            Fault::Everything => (Victim::All, Disruption::PowerCut),
            Fault::Switchover => (Victim::Primary, Disruption::Switchover),
            Fault::SyncStandby => (Victim::SyncStandby, Disruption::PowerCut),
            Fault::AsyncStandby => (Victim::AsyncStandby, Disruption::PowerCut),
            Fault::Haproxy => (Victim::Haproxy, Disruption::Kill(Software::Haproxy)),
            Fault::EtcdLeader => (Victim::EtcdLeader, Disruption::Kill(Software::Etcd)),
            Fault::EtcdLeaderFrozen => (Victim::EtcdLeader, Disruption::Freeze(Software::Etcd)),
            Fault::EtcdLeaderCut => (Victim::EtcdLeader, Disruption::Cut(Traffic::Etcd)),
            Fault::PatroniFrozen => (Victim::Primary, Disruption::Freeze(Software::Patroni)),
            Fault::PostgresFrozen => (Victim::Primary, Disruption::Freeze(Software::Postgres)),
            Fault::DiskFull => (Victim::Primary, Disruption::FillDisk),
            Fault::MachineEtcdLeader => (Victim::PrimaryAsEtcdLeader, Disruption::PowerCut),
            Fault::Zone => (Victim::ZoneOfPrimary, Disruption::PowerCut),
            Fault::HaproxyMachine => (Victim::Haproxy, Disruption::PowerCut),
        };
        let from = match self {
            Fault::PartitionHaproxy => Some(Victim::EveryHaproxy),
            Fault::PartitionSyncStandby => Some(Victim::SyncStandby),
            _ => None,
        };
        Injection { victim, harm, from }
    }
}

impl Disruption {
    /// Returns whether it lasts until it is undone. Any other harm is over at once, and what follows is the cluster's own doing.
    pub const fn lasts(self) -> bool {
        match self {
            Disruption::PowerCut
            | Disruption::Freeze(_)
            | Disruption::Cut(_)
            | Disruption::Loss
            | Disruption::FillDisk => true,
            Disruption::Kill(_) | Disruption::Switchover => false,
        }
    }
}
