//! Which machines, and which whole zones, may be lost while writes go on.

use serde::Serialize;

use crate::cluster::fault::{Fault, predict};
use crate::cluster::timing::Timers;
use crate::cluster::{Cluster, Machine, Role};

/// What holds the cluster together, and what it can spare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quorum {
    /// etcd's members.
    pub members: Vec<String>,
    /// How many of them must live.
    pub needed: usize,
    /// Each machine: what its loss does.
    pub machines: Vec<Spared>,
    /// Each zone: what its loss does.
    pub zones: Vec<Spared>,
}

/// What the loss of a machine or a zone does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spared {
    /// The machine, or the zone.
    pub name: String,
    /// The machines that are lost.
    pub machines: Vec<String>,
    /// Milliseconds that writes stop at worst before they go on; none where a timer does not end it.
    pub outage_ms: Option<u32>,
    /// Whether writes go on.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether writes go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "writes", content = "why")]
pub enum Verdict {
    /// Yes, after a failover at most.
    GoOn,
    /// Only if the primary and its synchronous standby were not both among the lost.
    MayStop,
    /// No: HAProxy is gone, which leads clients to the primary.
    StopWithoutHaproxy,
    /// No: etcd has no majority, so the primary steps down.
    StopWithoutQuorum,
    /// No: no database is left.
    StopWithoutDatabase,
}

impl Verdict {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Verdict::GoOn => "writes go on",
            Verdict::MayStop => {
                "writes stop if the primary and its synchronous standby are both there: nobody else may take over"
            }
            Verdict::StopWithoutHaproxy => "writes stop: without HAProxy nobody finds the primary",
            Verdict::StopWithoutQuorum => "writes stop: etcd keeps no majority, and the primary steps down",
            Verdict::StopWithoutDatabase => "writes stop: no database is left",
        }
    }
}

/// What a cluster can spare.
pub fn quorum(cluster: &Cluster) -> Quorum {
    let members: Vec<String> = cluster.etcd_members().map(|m| m.name.clone()).collect();
    let spared = |name: &str, lost: &dyn Fn(&Machine) -> bool| {
        let verdict = without(cluster, lost);
        Spared {
            name: name.into(),
            machines: cluster.machines.iter().filter(|m| lost(m)).map(|m| m.name.clone()).collect(),
            outage_ms: (verdict == Verdict::GoOn).then(|| outage(cluster, lost)).flatten(),
            verdict,
        }
    };
    Quorum {
        needed: members.len() / 2 + 1,
        members,
        machines: cluster.machines.iter().map(|m| spared(&m.name, &|other| other.name == m.name)).collect(),
        zones: (cluster.network.subnets.iter())
            .filter(|subnet| cluster.machines.iter().any(|m| m.zone == subnet.zone))
            .map(|subnet| spared(&subnet.zone, &|m| m.zone == subnet.zone))
            .collect(),
    }
}

/// How long writes stop at worst. Where only one of the lost is in etcd, the primary, etcd does not lose its leader: the
/// lead of etcd is kept off the primary.
fn outage(cluster: &Cluster, lost: &dyn Fn(&Machine) -> bool) -> Option<u32> {
    let timers = Timers::of(cluster);
    let database = cluster.databases().any(lost);
    let fault = match cluster.etcd_members().filter(|m| lost(m)).count() {
        _ if !database => return Some(0),
        0 | 1 => Fault::Machine,
        _ => Fault::MachineEtcdLeader,
    };
    predict(&timers, fault).bound()
}

/// What becomes of a cluster without these machines. The gravest reason is the one that is named.
pub fn without(cluster: &Cluster, lost: &dyn Fn(&Machine) -> bool) -> Verdict {
    let members = cluster.etcd_members().count();
    let left = cluster.etcd_members().filter(|m| !lost(m)).count();
    let databases_lost = cluster.databases().filter(|m| lost(m)).count();
    if cluster.databases().count() == databases_lost {
        Verdict::StopWithoutDatabase
    } else if left * 2 <= members {
        Verdict::StopWithoutQuorum
    } else if cluster.machines.iter().any(|m| m.role == Role::Haproxy && lost(m)) {
        Verdict::StopWithoutHaproxy
    } else if cluster.failover.synchronous && databases_lost > 1 {
        Verdict::MayStop
    } else {
        Verdict::GoOn
    }
}
