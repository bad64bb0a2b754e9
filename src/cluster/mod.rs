//! The cluster that a blueprint describes: every machine with its name, zone, address, peers, ports, timers and sizes.
//!
//! All of it is computed from the blueprint alone, offline, so that every file is complete before any machine exists.

mod addresses;
mod balancer;
mod base;
pub mod check;
pub mod decision;
mod endpoint;
mod failover;
pub mod fault;
pub mod fixed;
pub mod flows;
pub mod kernel;
pub mod limits;
mod machine;
mod module;
mod network;
mod nlb;
mod postgres;
pub mod quotas;
mod resolve;
pub mod rights;
mod secret;
mod service;
mod settings;
mod sizing;
#[cfg(test)]
mod tests;
pub mod timing;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use decision::Decision;
use fixed::Fixed;
use kernel::Kernel;
use timing::EtcdTiming;

pub use crate::blueprint::Blueprint;
pub use crate::blueprint::Partition;
pub use crate::blueprint::Peer;
pub use crate::blueprint::instance::InstanceType;
pub use crate::blueprint::model::{
    Access, Base, Database, Disk, Failover, Locale, Nlb, Provider, State, Synchronous, User,
};
pub use crate::blueprint::regions;
pub use balancer::Haproxy;
pub use base::{Arch, BaseImage};
pub use endpoint::Endpoint;
pub use flows::Party;
pub use machine::{Machine, Role};
pub use module::Module;
pub use network::{Network, Subnet, is_private};
pub use postgres::Postgres;
pub use resolve::resolve;
pub use secret::{Creator, Secret};
pub use service::{Scheme, Service};

/// A cluster, with every value of its blueprint resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The prefix of every AWS name and host name.
    pub name: String,
    /// The AWS region.
    pub region: String,
    /// The region's partition.
    pub partition: Partition,
    /// The addresses, and who may come in from where.
    pub network: Network,
    /// Every block of the blueprint, as it was read. The other fields hold what follows from it: where one of them resolves an attribute,
    /// use that one.
    pub blueprint: Arc<Blueprint>,
    /// The base image that every image is built from.
    pub base: BaseImage,
    /// PostgreSQL's version, settings, databases and users.
    pub postgres: Postgres,
    /// The kernel's settings on the database machines.
    pub kernel: Kernel,
    /// The master, the slaves in their order, and the load balancers.
    pub machines: Vec<Machine>,
    /// HAProxy's ports, health checks and limits.
    pub haproxy: Haproxy,
    /// Patroni's timers.
    pub failover: Failover,
    /// How long Patroni lets a crashed primary recover before it fails over, in seconds.
    pub primary_start_timeout: u32,
    /// How many standbys a commit waits for in synchronous mode.
    pub synchronous_nodes: u32,
    /// etcd's timing.
    pub etcd: EtcdTiming,
    /// The values that no blueprint can change.
    pub fixed: Fixed,
    /// Why each value is what it is.
    pub decisions: Arc<Vec<Decision>>,
    /// Every password of the cluster.
    pub secrets: Vec<Secret>,
    /// The tags on everything that is made: the blueprint's and [`CLUSTER_TAG`].
    pub tags: BTreeMap<String, String>,
}

/// The tag on everything that belongs to a cluster. Its value has the cluster's name and region: IAM roles and copied images have no
/// region, so the name alone would also match those of a cluster of the same name in another region.
pub const CLUSTER_TAG: &str = "pgherd:cluster";

impl Cluster {
    /// Returns the blueprint, to change it: for perturbations.
    pub fn blueprint_mut(&mut self) -> &mut Blueprint {
        Arc::make_mut(&mut self.blueprint)
    }

    /// Returns the value of [`CLUSTER_TAG`], such as `herd/eu-west-1`.
    pub fn tag(&self) -> &str {
        &self.tags[CLUSTER_TAG]
    }

    /// Returns the key of a module's state in an S3 bucket.
    pub fn state_key(&self, prefix: &str, module: Module) -> String {
        format!("{}/{}.tfstate", self.state_folder(prefix), module.name())
    }

    /// Returns the common prefix of the keys of all states. It contains the name and the region, because clusters of other names and
    /// regions may share the bucket.
    pub fn state_folder(&self, prefix: &str) -> String {
        let parts = [prefix.trim_matches('/'), &self.name, &self.region];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// Returns the keys of a module's state in earlier versions. They had no region, and the default prefix ended with the cluster's
    /// name.
    pub fn former_state_keys(&self, module: Module) -> Vec<String> {
        let State::S3 { key_prefix, .. } = &self.blueprint.state else { return vec![] };
        let module = module.name();
        let mut keys = vec![format!("{key_prefix}/{}/{module}.tfstate", self.name)];
        if key_prefix == "pgherd" {
            keys.push(format!("{key_prefix}/{0}/{0}/{module}.tfstate", self.name));
        }
        keys
    }

    /// Returns why a decision was made.
    ///
    /// # Panics
    /// If no decision has this name, which is a programming error.
    pub fn why(&self, name: &str) -> &'static str {
        let decision = self.decisions.iter().find(|decision| decision.name == name);
        decision.unwrap_or_else(|| panic!("no decision is called {name}")).why
    }

    /// Returns the AWS account that publishes the base image.
    ///
    /// # Panics
    /// If nobody publishes it in the region's partition. Validation refuses such a blueprint.
    pub fn image_owner(&self) -> &'static str {
        let owner = self.base.base.owner(self.partition);
        owner.unwrap_or_else(|| panic!("{} has no images in {}", self.base.base.name(), self.partition.name()))
    }

    /// Returns Secrets Manager's host name in the cluster's region
    /// (<https://docs.aws.amazon.com/general/latest/gr/asm.html>).
    pub fn secrets_host(&self) -> String {
        format!("secretsmanager.{}.{}", self.region, self.partition.domain())
    }

    /// Returns the database machines: the master, then the slaves.
    pub fn databases(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(|m| m.role != Role::Haproxy)
    }

    /// Returns the slaves, in their order.
    pub fn slaves(&self) -> impl Iterator<Item = &Machine> {
        self.machines_of(Role::Slave)
    }

    /// Returns the master.
    pub fn master(&self) -> &Machine {
        &self.machines[0]
    }

    /// Returns the machines of a role, in their order.
    pub fn machines_of(&self, role: Role) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(move |m| m.role == role)
    }

    /// Returns the load balancers.
    pub fn balancers(&self) -> impl Iterator<Item = &Machine> {
        self.machines_of(Role::Haproxy)
    }

    /// Returns the load balancer that clients and operators use where they can use only one.
    ///
    /// # Panics
    /// If there is none. [`resolve`] always makes one.
    pub fn first_balancer(&self) -> &Machine {
        self.balancers().next().unwrap_or_else(|| panic!("{} has no load balancer", self.name))
    }

    /// Returns the members of etcd.
    pub fn etcd_members(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(|m| m.etcd)
    }

    /// Returns the roles that this cluster has machines of, in the order of the pipeline. A cluster without slaves has no slave image.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| self.machine_of(*role).is_some())
    }

    /// Returns the first machine of a role. All machines of a role are made alike, so it represents the others.
    pub fn machine_of(&self, role: Role) -> Option<&Machine> {
        self.machines_of(role).next()
    }
}
