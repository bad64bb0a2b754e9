//! Who connects to whom, on which port, why, and how they authenticate. Firewalls, `pg_hba.conf` and pictures come from this list.

use ipnet::Ipv4Net;
use serde::Serialize;

use super::{Cluster, Peer, Service};

/// Whom PostgreSQL lets in over a flow. It becomes one line of `pg_hba.conf` for each block of addresses that the flow comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The database as `pg_hba.conf` names it: its name, `all`, or `replication` for the WAL.
    pub database: &'static str,
    /// The user as `pg_hba.conf` names it: a name, or `+` and the name of a role for all its members.
    pub user: &'static str,
}

/// The login of standbys that read the primary's WAL.
pub const REPLICATION: Login = Login { database: "replication", user: "replicauser" };
/// The login of pg_rewind on a former primary.
pub const REWIND: Login = Login { database: "postgres", user: "rewind_user" };
/// The login of applications: the blueprint's users, and members that are added later.
pub const APPLICATIONS: Login = Login { database: "all", user: "+pgherd_clients" };

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The sources in the blueprint's `network.clients`.
    Clients,
    /// The sources in the blueprint's `network.admins`.
    Admins,
    /// Every address of the cluster's own network.
    Network,
    /// The database machines.
    Databases,
    /// The load balancers.
    Haproxy,
    /// The network load balancer in front of them.
    Nlb,
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
            Party::Clients
            | Party::Admins
            | Party::Network
            | Party::Nlb
            | Party::EtcdMembers
            | Party::SecretsEndpoint => None,
        }
    }
}

/// TCP connections that must be let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// A stable name that is a valid Terraform label.
    pub name: &'static str,
    /// Who opens the connection.
    pub from: Party,
    /// Who listens.
    pub to: Party,
    /// What listens there.
    pub service: Service,
    /// The service's TCP port.
    pub port: u16,
    /// What it is for. AWS allows no apostrophe in the description of a rule.
    pub purpose: &'static str,
    /// How the client authenticates.
    pub auth: &'static str,
    /// Whom PostgreSQL lets in, where it is PostgreSQL that listens.
    pub logins: &'static [Login],
}

/// Returns every flow of a cluster, in the order in which a query passes through them.
pub fn flows(cluster: &Cluster) -> Vec<Flow> {
    use Party::*;
    let flow = |name, from, to, service: Service, purpose, auth| {
        let port = service.port(cluster);
        Flow { name, from, to, service, port, purpose, auth, logins: &[] }
    };
    const SCRAM: &str = "SCRAM-SHA-256 over TLS";
    const LOGIN: &str = "a login for the stats page; /health, /metrics, /cluster, /config, /etcd and /disk are open";
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
            "none, for reading",
        ),
        // It only reads, and HAProxy passes on nothing but the one path.
        flow("disk", Haproxy, Databases, Service::Disk, "how full the disk is", "none, for reading"),
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
            "a password, for changes",
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
    // etcd asks for no password, so whoever rules HAProxy's machine can write to etcd. Without this flow nobody outside would see a
    // member that lags, has lost the others or holds other keys.
    let purpose = match cluster.balancers().any(|machine| machine.etcd) {
        true => "each etcd member is asked how it is; a replaced member joins etcd again",
        false => "each etcd member is asked how it is",
    };
    all.push(flow("etcd_view", Haproxy, EtcdMembers, Service::EtcdClient, purpose, "the security group"));
    if cluster.nlb_name().is_some() {
        const CHECK: &str = "health checks of the network load balancer";
        for (name, from, to) in [("nlb_write", Clients, Nlb), ("nlb_to_write", Nlb, Haproxy)] {
            all.push(flow(name, from, to, Service::Write, "PostgreSQL, always the primary", SCRAM));
        }
        for (name, from, to) in [("nlb_read", Clients, Nlb), ("nlb_to_read", Nlb, Haproxy)] {
            all.push(flow(name, from, to, Service::Read, "PostgreSQL, reads", SCRAM));
        }
        all.push(flow("nlb_health", Nlb, Haproxy, Service::Admin, CHECK, "none, for /health"));
    }
    if cluster.network.makes_endpoint {
        const IAM: &str = "IAM permission to read the secret";
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

/// Returns how a firewall identifies a party: by what the blueprint lists, or by the addresses that machines may have.
pub fn peers(cluster: &Cluster, party: Party) -> Vec<Peer> {
    match party {
        Party::Clients => cluster.network.clients.clone(),
        Party::Admins => cluster.network.admins.clone(),
        party => addresses(cluster, party).into_iter().map(Peer::from).collect(),
    }
}

/// Returns the addresses that a party may have, now or after machines are added. Of clients and admins it returns only the ranges.
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
        // AWS gives it an address in the subnet of each zone of a HAProxy.
        Party::Nlb => blocks(|subnet| subnet.cidr),
        // AWS gives a new endpoint an address in each subnet. An existing one may be anywhere in the VPC.
        Party::SecretsEndpoint if network.makes_endpoint => blocks(|subnet| subnet.cidr),
        Party::SecretsEndpoint => vec![network.cidr],
    }
}
