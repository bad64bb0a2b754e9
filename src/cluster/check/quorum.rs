//! Which machines, and which whole zones, a cluster can lose while writes continue.

use serde::Serialize;

use crate::cluster::fault::{Fault, predict};
use crate::cluster::timing::Timers;
use crate::cluster::{Cluster, Machine};

/// etcd's quorum, and what the loss of each machine and zone does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quorum {
    /// etcd's members.
    pub members: Vec<String>,
    /// How many of them must be alive.
    pub needed: usize,
    /// What the loss of each machine does.
    pub machines: Vec<LossEffect>,
    /// What the loss of each zone does.
    pub zones: Vec<LossEffect>,
}

/// What the loss of a machine or a zone does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LossEffect {
    /// The name of the machine or the zone.
    pub name: String,
    /// The machines that are lost.
    pub machines: Vec<String>,
    /// How long writes stop at worst before they continue, in milliseconds. `None` means that no timer ends it.
    pub outage_ms: Option<u32>,
    /// Whether writes continue.
    #[serde(flatten)]
    pub verdict: Survival,
}

/// Whether writes continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "writes", content = "why")]
pub enum Survival {
    /// Writes continue, after a failover at most.
    GoOn,
    /// Writes continue unless the primary is lost together with all standbys that a commit waited for.
    MayStop,
    /// Writes stop because commits wait for a standby, and none is left.
    StopWithoutStandby,
    /// Writes stop because every HAProxy is lost. They lead clients to the primary.
    StopWithoutHaproxy,
    /// Writes stop because etcd has no majority, so the primary steps down.
    StopWithoutQuorum,
    /// Writes stop because no database is left.
    StopWithoutDatabase,
}

impl Survival {
    /// Returns the verdict in words.
    pub fn text(self) -> &'static str {
        match self {
            Survival::GoOn => "writes continue",
            Survival::MayStop => {
                "writes stop if the primary is among the lost machines, because the others may lack an acknowledged commit"
            }
            Survival::StopWithoutStandby => {
                "writes stop until a standby streams, because no standby is left and synchronous is \"strict\""
            }
            Survival::StopWithoutHaproxy => "writes stop, because clients reach the primary only through HAProxy",
            Survival::StopWithoutQuorum => "writes stop, because etcd has no majority and the primary steps down",
            Survival::StopWithoutDatabase => "writes stop, because no database is left",
        }
    }
}

/// Returns what a cluster can lose.
pub fn quorum(cluster: &Cluster) -> Quorum {
    let members: Vec<String> = cluster.etcd_members().map(|m| m.name.clone()).collect();
    let spared = |name: &str, fault: Fault, lost: &dyn Fn(&Machine) -> bool| {
        let verdict = without(cluster, lost);
        LossEffect {
            name: name.into(),
            machines: cluster.machines.iter().filter(|m| lost(m)).map(|m| m.name.clone()).collect(),
            outage_ms: (verdict == Survival::GoOn).then(|| outage(cluster, fault, lost)).flatten(),
            verdict,
        }
    };
    Quorum {
        needed: members.len() / 2 + 1,
        members,
        machines: cluster
            .machines
            .iter()
            .map(|m| spared(&m.name, Fault::Machine, &|other| other.name == m.name))
            .collect(),
        zones: (cluster.network.subnets.iter())
            .filter(|subnet| cluster.machines.iter().any(|m| m.zone == subnet.zone))
            .map(|subnet| spared(&subnet.zone, Fault::Zone, &|m| m.zone == subnet.zone))
            .collect(),
    }
}

/// Returns how long writes stop at worst, in milliseconds, if `fault` takes the primary away with all that is lost.
fn outage(cluster: &Cluster, fault: Fault, lost: &dyn Fn(&Machine) -> bool) -> Option<u32> {
    let fault = match cluster.databases().any(lost) {
        true => fault,
        false if cluster.balancers().any(lost) => Fault::HaproxyMachine,
        false => return Some(0),
    };
    predict(&Timers::of(cluster), fault).bound()
}

/// Returns what happens to writes without these machines. If several reasons apply, it returns the gravest.
pub fn without(cluster: &Cluster, lost: &dyn Fn(&Machine) -> bool) -> Survival {
    let members = cluster.etcd_members().count();
    let left = cluster.etcd_members().filter(|m| !lost(m)).count();
    let databases_lost = cluster.databases().filter(|m| lost(m)).count();
    let databases_left = cluster.databases().count() - databases_lost;
    if databases_left == 0 {
        Survival::StopWithoutDatabase
    } else if left * 2 <= members {
        Survival::StopWithoutQuorum
    } else if cluster.balancers().all(lost) {
        Survival::StopWithoutHaproxy
    } else if cluster.failover.synchronous.is_strict() && databases_lost > 0 && databases_left == 1 {
        Survival::StopWithoutStandby
    } else if cluster.failover.synchronous.is_on() && databases_lost > cluster.synchronous_nodes as usize {
        Survival::MayStop
    } else {
        Survival::GoOn
    }
}
