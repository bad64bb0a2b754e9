//! Who talks to whom, on which port, why, and how it is authenticated: the one list that firewalls, `pg_hba.conf` and pictures come from.

use serde::Serialize;

use super::{Cluster, ports};

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The addresses of the blueprint's `network.clients`.
    Clients,
    /// The addresses of the blueprint's `network.admins`.
    Admins,
    /// Every address of the cluster's own network.
    Network,
    /// The database machines.
    Databases,
    /// HAProxy's machine.
    Haproxy,
    /// The machines that are members of etcd.
    EtcdMembers,
    /// Secrets Manager's endpoint in the network.
    SecretsEndpoint,
}

/// Something that must be let through, TCP all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// A stable name, fit for a Terraform label.
    pub name: &'static str,
    /// Who opens the connection.
    pub from: Party,
    /// Who listens.
    pub to: Party,
    /// On which port.
    pub port: u16,
    /// What it is for, in letters that AWS takes in the description of a rule: no apostrophe.
    pub purpose: &'static str,
    /// How the one that connects proves who it is.
    pub auth: &'static str,
}

/// Every flow of a cluster, in the order that a reader would follow a query.
pub fn flows(cluster: &Cluster) -> Vec<Flow> {
    use Party::*;
    let flow = |name, from, to, port, purpose, auth| Flow { name, from, to, port, purpose, auth };
    const SCRAM: &str = "SCRAM-SHA-256 over TLS";
    const LOGIN: &str = "a login for the stats page; /health, /metrics and /cluster are open";
    let haproxy = &cluster.haproxy;
    let mut all = vec![
        flow("write", Clients, Haproxy, haproxy.write_port, "PostgreSQL, always the primary", SCRAM),
        flow("read", Clients, Haproxy, haproxy.read_port, "PostgreSQL, reads", SCRAM),
        flow("stats", Network, Haproxy, haproxy.stats.port, "stats page, metrics, health", LOGIN),
        flow(
            "postgres",
            Haproxy,
            Databases,
            ports::POSTGRES,
            "PostgreSQL for clients, through the load balancer",
            SCRAM,
        ),
        flow(
            "health",
            Haproxy,
            Databases,
            ports::PATRONI,
            "health checks: who is primary, who lags",
            "none: reading changes nothing",
        ),
        flow("replication", Databases, Databases, ports::POSTGRES, "streaming replication, pg_rewind", SCRAM),
        flow(
            "patroni",
            Databases,
            Databases,
            ports::PATRONI,
            "Patroni asks its peers before it takes over",
            "password for what changes things",
        ),
        flow(
            "etcd",
            Databases,
            EtcdMembers,
            ports::ETCD_CLIENT,
            "Patroni keeps its leader key in etcd",
            "the security group",
        ),
        flow("etcd_peer", EtcdMembers, EtcdMembers, ports::ETCD_PEER, "etcd among its members", "the security group"),
        flow("secrets", Databases, SecretsEndpoint, HTTPS, "reading passwords at boot", "instance role"),
        flow("stats_secret", Haproxy, SecretsEndpoint, HTTPS, "reading passwords at boot", "instance role"),
    ];
    if cluster.haproxy_machine().etcd {
        all.push(flow(
            "etcd_join",
            Haproxy,
            EtcdMembers,
            ports::ETCD_CLIENT,
            "a replaced member joins etcd anew",
            "the security group",
        ));
    }
    if !cluster.network.admins.is_empty() {
        const KEY: &str = "SSH key";
        all.push(flow("stats_admin", Admins, Haproxy, haproxy.stats.port, "stats page, metrics, health", LOGIN));
        all.push(flow("ssh_database", Admins, Databases, ports::SSH, "administration by SSH", KEY));
        all.push(flow("ssh_haproxy", Admins, Haproxy, ports::SSH, "administration by SSH", KEY));
    }
    all
}

/// HTTPS, on which AWS's APIs listen.
const HTTPS: u16 = 443;
