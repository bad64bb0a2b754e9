//! Who talks to whom, on which port, why, and how it is authenticated: the one list that firewalls, `pg_hba.conf` and pictures come from.

use ipnet::Ipv4Net;
use serde::Serialize;

use super::{Cluster, Peer, Service};

/// Whom PostgreSQL lets in over a flow: a line of `pg_hba.conf` for each block of addresses that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Login {
    /// As `pg_hba.conf` takes it: a database's name, `all`, or `replication` for the WAL.
    pub database: &'static str,
    /// As `pg_hba.conf` takes it: a user's name, or `+` and the name of a role whose members are meant.
    pub user: &'static str,
}

/// Standbys that read the primary's WAL.
pub const REPLICATION: Login = Login { database: "replication", user: "replicauser" };
/// pg_rewind, on a former primary.
pub const REWIND: Login = Login { database: "postgres", user: "rewind_user" };
/// Applications: the blueprint's users, and whoever is made a member later.
pub const APPLICATIONS: Login = Login { database: "all", user: "+pgherd_clients" };

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Those of the blueprint's `network.clients`.
    Clients,
    /// Those of the blueprint's `network.admins`.
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

impl Party {
    /// Returns the name that the security group and the IAM role of a kind of machine have.
    pub fn machines(self) -> Option<&'static str> {
        match self {
            Party::Databases => Some("database"),
            Party::Haproxy => Some("haproxy"),
            Party::Clients | Party::Admins | Party::Network | Party::EtcdMembers | Party::SecretsEndpoint => None,
        }
    }
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
    /// What listens there.
    pub service: Service,
    /// The service's TCP port.
    pub port: u16,
    /// What it is for, in letters that AWS takes in the description of a rule: no apostrophe.
    pub purpose: &'static str,
    /// How the one that connects proves who it is.
    pub auth: &'static str,
    /// As whom, where PostgreSQL itself is at the other end.
    pub logins: &'static [Login],
}

/// Every flow of a cluster, in the order that a reader would follow a query.
pub fn flows(cluster: &Cluster) -> Vec<Flow> {
    use Party::*;
    let flow = |name, from, to, service: Service, purpose, auth| {
        let port = service.port(cluster);
        Flow { name, from, to, service, port, purpose, auth, logins: &[] }
    };
    const SCRAM: &str = "SCRAM-SHA-256 over TLS";
    const LOGIN: &str = "a login for the stats page; /health, /metrics, /cluster and /config are open";
    let mut all = vec![
        flow("write", Clients, Haproxy, Service::Write, "PostgreSQL, always the primary", SCRAM),
        flow("read", Clients, Haproxy, Service::Read, "PostgreSQL, reads", SCRAM),
        flow("stats", Network, Haproxy, Service::Admin, "stats page, metrics, health", LOGIN),
        Flow {
            logins: &[APPLICATIONS],
            ..flow(
                "postgres",
                Haproxy,
                Databases,
                Service::Postgres,
                "PostgreSQL for clients, through the load balancer",
                SCRAM,
            )
        },
        flow(
            "health",
            Haproxy,
            Databases,
            Service::Patroni,
            "health checks: who is primary, who lags",
            "none: reading changes nothing",
        ),
        Flow {
            logins: &[REPLICATION, REWIND],
            ..flow("replication", Databases, Databases, Service::Postgres, "streaming replication, pg_rewind", SCRAM)
        },
        flow(
            "patroni",
            Databases,
            Databases,
            Service::Patroni,
            "Patroni asks its peers before it takes over",
            "password for what changes things",
        ),
        flow(
            "etcd",
            Databases,
            EtcdMembers,
            Service::EtcdClient,
            "Patroni keeps its leader key in etcd",
            "the security group",
        ),
        flow("etcd_peer", EtcdMembers, EtcdMembers, Service::EtcdPeer, "etcd among its members", "the security group"),
        flow("secrets", Databases, SecretsEndpoint, Service::Secrets, "reading passwords at boot", "instance role"),
        flow("stats_secret", Haproxy, SecretsEndpoint, Service::Secrets, "reading passwords at boot", "instance role"),
    ];
    if cluster.balancers().any(|machine| machine.etcd) {
        all.push(flow(
            "etcd_join",
            Haproxy,
            EtcdMembers,
            Service::EtcdClient,
            "a replaced member joins etcd anew",
            "the security group",
        ));
    }
    if cluster.network.makes_endpoint {
        const IAM: &str = "IAM: who may read the secret";
        all.push(flow(
            "client_secrets",
            Clients,
            SecretsEndpoint,
            Service::Secrets,
            "applications read their passwords",
            IAM,
        ));
    }
    if !cluster.network.admins.is_empty() {
        const KEY: &str = "SSH key";
        all.push(flow("stats_admin", Admins, Haproxy, Service::Admin, "stats page, metrics, health", LOGIN));
        all.push(flow("ssh_database", Admins, Databases, Service::Ssh, "administration by SSH", KEY));
        all.push(flow("ssh_haproxy", Admins, Haproxy, Service::Ssh, "administration by SSH", KEY));
    }
    all
}

/// Returns whom a party is to a firewall: what the blueprint names, or the addresses that machines may have.
pub fn peers(cluster: &Cluster, party: Party) -> Vec<Peer> {
    match party {
        Party::Clients => cluster.network.clients.clone(),
        Party::Admins => cluster.network.admins.clone(),
        party => addresses(cluster, party).into_iter().map(Peer::from).collect(),
    }
}

/// The addresses that a party may have, now or after a machine more; of clients and admins, those that the blueprint writes as ranges.
pub fn addresses(cluster: &Cluster, party: Party) -> Vec<Ipv4Net> {
    let network = &cluster.network;
    let blocks = |of: fn(&super::Subnet) -> Ipv4Net| network.subnets.iter().map(of).collect();
    match party {
        Party::Clients => network.clients.iter().filter_map(Peer::range).collect(),
        Party::Admins => network.admins.iter().filter_map(Peer::range).collect(),
        Party::Network => vec![network.cidr],
        Party::Databases => blocks(|subnet| subnet.databases),
        Party::Haproxy => blocks(|subnet| subnet.haproxy),
        Party::EtcdMembers => cluster.etcd_members().map(|m| Ipv4Net::from(m.address)).collect(),
        // AWS gives it an address in each subnet. One that the VPC has already may be in any other.
        Party::SecretsEndpoint if network.makes_endpoint => blocks(|subnet| subnet.cidr),
        Party::SecretsEndpoint => vec![network.cidr],
    }
}
