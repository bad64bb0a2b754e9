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
    /// What it is for.
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
        flow("postgres", Haproxy, Databases, ports::POSTGRES, "clients' sessions", SCRAM),
        flow("health", Haproxy, Databases, ports::PATRONI, "Patroni's health checks", "none: reading changes nothing"),
        flow("replication", Databases, Databases, ports::POSTGRES, "streaming, pg_rewind", SCRAM),
        flow(
            "patroni",
            Databases,
            Databases,
            ports::PATRONI,
            "Patroni among its members",
            "password for what changes things",
        ),
        flow("etcd", Databases, EtcdMembers, ports::ETCD_CLIENT, "Patroni's leader key", "the security group"),
        flow("etcd_peer", EtcdMembers, EtcdMembers, ports::ETCD_PEER, "etcd's own replication", "the security group"),
        flow("secrets", Databases, SecretsEndpoint, HTTPS, "passwords at boot", "instance role"),
        flow("stats_secret", Haproxy, SecretsEndpoint, HTTPS, "the stats page's password at boot", "instance role"),
    ];
    if cluster.haproxy_machine().etcd {
        all.push(flow(
            "etcd_join",
            Haproxy,
            EtcdMembers,
            ports::ETCD_CLIENT,
            "joining etcd anew",
            "the security group",
        ));
    }
    if !cluster.network.admins.is_empty() {
        const KEY: &str = "SSH key";
        all.push(flow("stats_admin", Admins, Haproxy, haproxy.stats.port, "stats page, metrics, health", LOGIN));
        all.push(flow("ssh_database", Admins, Databases, ports::SSH, "administration", KEY));
        all.push(flow("ssh_haproxy", Admins, Haproxy, ports::SSH, "administration", KEY));
    }
    all
}

/// HTTPS, on which AWS's APIs listen.
const HTTPS: u16 = 443;
