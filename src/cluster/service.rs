//! What listens in a cluster, on which port, and how its clients speak to it.

use serde::Serialize;

use super::Cluster;

/// The protocol that a client of an endpoint speaks, as URLs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// PostgreSQL's own protocol (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
    Postgresql,
    /// SSH.
    Ssh,
}

impl Scheme {
    /// Returns the part of a URL before `://`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Postgresql => "postgresql",
            Scheme::Ssh => "ssh",
        }
    }
}

/// Something that listens on a TCP port of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// HAProxy's port that leads to the primary.
    Write,
    /// HAProxy's port that leads to the standbys.
    Read,
    /// HAProxy's admin port: the stats page, `/metrics`, `/health`, Patroni's `/cluster` and `/config`, and what etcd's members
    /// and the database machines' disks report.
    Admin,
    /// PostgreSQL on a database machine.
    Postgres,
    /// Patroni's REST API on a database machine.
    Patroni,
    /// The report on the disk of a database machine.
    Disk,
    /// etcd's port for its clients.
    EtcdClient,
    /// etcd's port for its other members.
    EtcdPeer,
    /// Secrets Manager's endpoint in the network.
    Secrets,
    /// SSH on every machine.
    Ssh,
}

impl Service {
    /// Returns the protocol that its clients speak.
    pub fn scheme(self) -> Scheme {
        match self {
            Service::Write | Service::Read | Service::Postgres => Scheme::Postgresql,
            Service::Admin | Service::Patroni | Service::Disk | Service::EtcdClient | Service::EtcdPeer => Scheme::Http,
            Service::Secrets => Scheme::Https,
            Service::Ssh => Scheme::Ssh,
        }
    }

    /// Returns its TCP port in a cluster.
    pub fn port(self, cluster: &Cluster) -> u16 {
        let port = &cluster.fixed.port;
        match self {
            Service::Write => cluster.haproxy.write_port,
            Service::Read => cluster.haproxy.read_port,
            Service::Admin => cluster.haproxy.stats.port,
            Service::Postgres => port.postgres,
            Service::Patroni => port.patroni,
            Service::Disk => port.disk,
            Service::EtcdClient => port.etcd_client,
            Service::EtcdPeer => port.etcd_peer,
            Service::Secrets => port.https,
            Service::Ssh => port.ssh,
        }
    }
}
