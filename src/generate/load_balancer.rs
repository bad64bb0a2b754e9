//! The load balancer's script and configuration: `load_balancer/`.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::machine::{self, SecretFile};
use super::templates::{add_plain, add_rendered};
use super::{ImageContent, ports_of};
use crate::cluster::{Cluster, Postgres};
use crate::fileset::{FileSet, Mode};

/// WAL that a standby may lack and still serve reads: one segment, a second or so of a busy primary.
const READ_LAG: &str = "16MB";
/// Connections that HAProxy leaves to Patroni, pg_rewind, monitoring and operators, beside the superuser's reserve.
const KEPT_FOR_OPERATION: u32 = 7;
/// Connections to the admin port: people, Prometheus and probes.
const ADMIN_CONNECTIONS: u32 = 100;

/// Adds the files of HAProxy's machine; answers what goes into its image.
pub fn add(cluster: &Cluster, common: &[String], etcd: &[String], files: &mut FileSet) -> ImageContent {
    let script = add_plain(files, "load_balancer/haproxy_script.sh", Mode::Executable);
    let secrets = vec![("STATS_PASSWORD".to_string(), "stats".to_string())];
    let wanted = [SecretFile { path: "/run/pgherd/haproxy.env", owner: "root", secrets }];
    let mut content = vec![
        add_rendered(files, "load_balancer/haproxy.cfg", Config::of(cluster)),
        add_plain(files, "load_balancer/haproxy_unit.conf", Mode::Plain),
        machine::add_secrets(cluster, files, "load_balancer/secrets.json", &wanted),
    ];
    content.extend_from_slice(common);
    if cluster.haproxy_machine().etcd {
        content.extend_from_slice(etcd);
    }
    ImageContent { role: "haproxy", script, files: content }
}

#[derive(Serialize)]
struct Config<'a> {
    cluster: &'a str,
    ports: super::Ports,
    write_port: u16,
    read_port: u16,
    primary_serves_reads: bool,
    stats: Stats<'a>,
    lag: &'static str,
    databases: Vec<Server<'a>>,
    limits: Limits,
}

#[derive(Serialize)]
struct Stats<'a> {
    port: u16,
    path: &'a str,
    user: &'a str,
}

#[derive(Serialize)]
struct Server<'a> {
    name: &'a str,
    address: Ipv4Addr,
}

impl<'a> Config<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        let haproxy = &cluster.haproxy;
        Config {
            cluster: &cluster.name,
            ports: ports_of(),
            write_port: haproxy.write_port,
            read_port: haproxy.read_port,
            primary_serves_reads: haproxy.primary_serves_reads,
            stats: Stats { port: haproxy.stats.port, path: &haproxy.stats.path, user: &haproxy.stats.user },
            lag: READ_LAG,
            databases: cluster.databases().map(|m| Server { name: &m.name, address: m.address }).collect(),
            limits: Limits::new(
                &cluster.postgres,
                cluster.slaves().count() as u32,
                cluster.haproxy.primary_serves_reads,
            ),
        }
    }
}

/// How many connections go where. One machine can be behind three servers: it was a standby a moment ago (`read`), is the
/// primary now (`write`), and the only one left (`read_fallback`); the three together stay below PostgreSQL's limit.
#[derive(Debug, Serialize)]
struct Limits {
    max_connections: u32,
    kept: u32,
    write: u32,
    read: u32,
    read_fallback: u32,
    write_frontend: u32,
    read_frontend: u32,
    admin: u32,
    global: u32,
}

impl Limits {
    fn new(postgres: &Postgres, standbys: u32, primary_serves_reads: bool) -> Self {
        let kept = postgres.reserved_connections + KEPT_FOR_OPERATION;
        let room = postgres.max_connections.saturating_sub(kept).max(3);
        let (read, read_fallback) = match (primary_serves_reads, standbys) {
            (true, _) => (room / 2, 0),
            // Nobody is ever a standby: the primary's share for reads is the whole of them.
            (false, 0) => (1, room / 2),
            (false, _) => (room * 2 / 5, room / 5),
        };
        let write = room - read - read_fallback;
        let write_frontend = 2 * write;
        let read_frontend = 2 * (read * (standbys + u32::from(read_fallback == 0))).max(read_fallback);
        let global = write_frontend + read_frontend + 2 * ADMIN_CONNECTIONS;
        Limits {
            max_connections: postgres.max_connections,
            kept,
            write,
            read,
            read_fallback,
            write_frontend,
            read_frontend,
            admin: ADMIN_CONNECTIONS,
            global,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_never_gets_more_connections_than_postgres_takes() {
        for standbys in [0, 1, 2, 15] {
            for primary_serves_reads in [false, true] {
                for max_connections in [20, 100, 200, 5000] {
                    let postgres = Postgres { max_connections, reserved_connections: 3, ..Postgres::default() };
                    let limits = Limits::new(&postgres, standbys, primary_serves_reads);
                    let most = limits.write + limits.read + limits.read_fallback + limits.kept;
                    assert!(most <= max_connections, "{standbys} standbys: {limits:?}");
                    assert!(limits.write > 0 && limits.read > 0, "{limits:?}");
                    assert!(limits.global > limits.write_frontend + limits.read_frontend, "{limits:?}");
                }
            }
        }
    }
}
