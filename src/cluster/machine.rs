//! The machines of a cluster, and the roles that they are built for.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::Arch;
use crate::blueprint::model::MachineBlock;

/// What a machine is built for. It never says who is primary: Patroni decides that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The first database machine. It starts as primary.
    Master,
    /// A database machine that starts as standby.
    Slave,
    /// The load balancer.
    Haproxy,
}

impl Role {
    /// Every role, in the order of the pipeline.
    pub const ALL: [Role; 3] = [Role::Master, Role::Slave, Role::Haproxy];

    /// Returns the name that images, modules and files carry.
    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Slave => "slave",
            Role::Haproxy => "haproxy",
        }
    }
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// `master`, `slave1` …, `haproxy`, `haproxy2`.
    pub name: String,
    /// `<cluster>-<name>`: its host name and its `Name` tag in AWS.
    pub hostname: String,
    /// What it is built for.
    pub role: Role,
    /// The availability zone.
    pub zone: String,
    /// The fixed private address.
    pub address: Ipv4Addr,
    /// Whether it is a member of etcd.
    pub etcd: bool,
    /// The processor architecture, which follows from the instance type's family.
    pub arch: Arch,
    /// The block of the blueprint that it is made from. In a template, its attributes are the machine's.
    #[serde(flatten)]
    pub block: MachineBlock,
}
