//! What the blueprint expects of a running cluster. An observation is judged against it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::cluster::flows::Party;
use crate::cluster::{Cluster, Role};
use crate::fileset::{FileSet, ImageId};

/// The cluster as it is meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The cluster's name. Whoever answers under another name is another cluster.
    pub cluster: String,
    /// All machines, HAProxy's last.
    pub machines: Vec<ExpectedMachine>,
    /// Whether one of the standbys has to be synchronous.
    pub is_synchronous: bool,
    /// The bytes that etcd's database may have. etcd refuses writes beyond.
    pub etcd_quota: u64,
    /// The images that machines are to run from, one for each role.
    pub images: Vec<ImageId>,
    /// The names of the secrets whose values databases read when they initialise the cluster and at every boot.
    pub password_secrets: Vec<String>,
    /// The settings that Patroni keeps for the whole cluster, its own and PostgreSQL's, as they are generated.
    pub settings: BTreeMap<String, String>,
}

/// A machine of the blueprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedMachine {
    /// `master`, `slave1` …, `haproxy` ….
    pub name: String,
    /// What it is built for.
    pub role: Role,
    /// Its availability zone.
    pub zone: String,
    /// Its private address.
    pub address: Ipv4Addr,
    /// Whether it is a member of etcd.
    pub etcd: bool,
}

impl ExpectedMachine {
    /// Returns whether PostgreSQL runs on it.
    pub fn is_database(&self) -> bool {
        self.role != Role::Haproxy
    }
}

impl Expected {
    pub(super) fn of(cluster: &Cluster, set: &FileSet) -> Self {
        let machine = |m: &crate::cluster::Machine| ExpectedMachine {
            name: m.name.clone(),
            role: m.role,
            zone: m.zone.clone(),
            address: m.address,
            etcd: m.etcd,
        };
        let secrets = cluster.secrets.iter().filter(|secret| secret.readers.contains(&Party::Databases));
        Expected {
            cluster: cluster.name.clone(),
            machines: cluster.machines.iter().map(machine).collect(),
            is_synchronous: cluster.failover.synchronous.is_on(),
            etcd_quota: cluster.fixed.etcd.quota.into(),
            images: set.images.clone(),
            password_secrets: secrets.map(|secret| secret.name.clone()).collect(),
            settings: settings(cluster),
        }
    }

    /// Returns the machines that run PostgreSQL.
    pub fn databases(&self) -> impl Iterator<Item = &ExpectedMachine> {
        self.machines.iter().filter(|machine| machine.is_database())
    }

    /// Returns the machines that run HAProxy. What can use only one uses the first.
    pub fn haproxies(&self) -> impl Iterator<Item = &ExpectedMachine> {
        self.machines.iter().filter(|machine| !machine.is_database())
    }

    /// Returns the machines that are members of etcd.
    pub fn etcd_members(&self) -> impl Iterator<Item = &ExpectedMachine> {
        self.machines.iter().filter(|machine| machine.etcd)
    }

    /// Returns a small cluster for tests: a master and so many slaves at 10.20.0.1, 10.20.0.2, …, and no HAProxy.
    #[cfg(test)]
    pub fn of_test(slaves: u8) -> Self {
        let machine = |n: u8| ExpectedMachine {
            name: if n == 0 { "master".into() } else { format!("slave{n}") },
            role: if n == 0 { Role::Master } else { Role::Slave },
            zone: "eu-west-1a".into(),
            address: Ipv4Addr::new(10, 20, 0, n + 1),
            etcd: true,
        };
        Expected {
            cluster: "herd".into(),
            machines: (0..=slaves).map(machine).collect(),
            is_synchronous: true,
            etcd_quota: 1024 * 1024 * 1024,
            images: vec![],
            password_secrets: vec![],
            settings: BTreeMap::new(),
        }
    }

    /// Returns the same cluster with two HAProxies, at 10.20.0.101 and 10.20.0.102.
    #[cfg(test)]
    pub fn with_two_haproxies(mut self) -> Self {
        let haproxy = |(name, last): (&str, u8)| ExpectedMachine {
            name: name.into(),
            role: Role::Haproxy,
            zone: "eu-west-1b".into(),
            address: Ipv4Addr::new(10, 20, 0, last),
            etcd: false,
        };
        self.machines.extend([("haproxy", 101), ("haproxy2", 102)].map(haproxy));
        self
    }
}

/// Returns what a blueprint can change of `bootstrap.dcs` in patroni.yml.
fn settings(cluster: &Cluster) -> BTreeMap<String, String> {
    let failover = &cluster.failover;
    let own = [
        ("ttl", failover.ttl.to_string()),
        ("loop_wait", failover.loop_wait.to_string()),
        ("retry_timeout", failover.retry_timeout.to_string()),
        ("synchronous_mode", if failover.synchronous.is_on() { "quorum" } else { "false" }.into()),
        ("primary_start_timeout", cluster.primary_start_timeout.to_string()),
    ];
    let synchronous = [
        ("synchronous_node_count", cluster.synchronous_nodes.to_string()),
        ("synchronous_mode_strict", failover.synchronous.is_strict().to_string()),
    ];
    let synchronous = synchronous.into_iter().filter(|_| failover.synchronous.is_on());
    let own = own.into_iter().chain(synchronous).map(|(name, value)| (name.to_string(), value));
    own.chain(cluster.postgres.settings.iter().map(|(k, v)| (k.clone(), v.clone()))).collect()
}
