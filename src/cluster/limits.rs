//! How many connections go where.

use serde::Serialize;

use super::decision::{Ledger, list};
use super::{Haproxy, Postgres};

/// Connections that HAProxy leaves to Patroni, pg_rewind, monitoring and operators, beside the superuser's reserve.
const KEPT_FOR_OPERATION: u32 = 7;
/// Connections to the admin port: people, Prometheus and probes.
const ADMIN_CONNECTIONS: u32 = 100;

/// HAProxy's limits. One machine can be behind three servers: it was a standby a moment ago (`read`), is the primary now
/// (`write`), and the only one left (`read_fallback`); the three together stay below PostgreSQL's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// PostgreSQL's own limit.
    pub max_connections: u32,
    /// Of those, what HAProxy leaves alone.
    pub kept: u32,
    /// To a server of the write port.
    pub write: u32,
    /// To a server of the read port.
    pub read: u32,
    /// To a primary that serves reads because no standby does.
    pub read_fallback: u32,
    /// From clients on the write port: as many again may wait.
    pub write_frontend: u32,
    /// From clients on the read port.
    pub read_frontend: u32,
    /// On the admin port.
    pub admin: u32,
    /// All of HAProxy's.
    pub global: u32,
}

impl Limits {
    /// Shares PostgreSQL's connections out.
    pub fn new(max_connections: u32, reserved: u32, standbys: u32, primary_serves_reads: bool) -> Self {
        let kept = reserved.saturating_add(KEPT_FOR_OPERATION);
        let room = max_connections.saturating_sub(kept).max(3);
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
            max_connections,
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

    /// All that may reach one PostgreSQL.
    pub fn most(&self) -> u32 {
        (self.write + self.read + self.read_fallback).saturating_add(self.kept)
    }
}

/// Notes the limits, and why they are so.
pub fn record(haproxy: &Haproxy, postgres: &Postgres, ledger: &mut Ledger) {
    const POSTGRES: &str = "https://www.postgresql.org/docs/current/runtime-config-connection.html";
    const MAXCONN: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-maxconn";
    const SHARE: &str =
        "a machine can be behind write, read and the fallback at once: together they stay below max_connections";
    let limits = &haproxy.limits;
    let mut add = |name: &str, value: u32, from: Vec<String>, why, source| {
        ledger.add(name, format!("{value} connections"), from, why, source);
    };
    let reserves = ["superuser_reserved_connections", "reserved_connections"];
    let reserved = reserves.iter().filter(|name| postgres.settings.contains_key(**name));
    add(
        "haproxy.kept",
        limits.kept,
        reserved.map(|name| format!("postgres.{name}")).collect(),
        "PostgreSQL's reserve for superusers, and 7 for Patroni, pg_rewind, monitoring and operators",
        POSTGRES,
    );
    let shares = || list(["postgres.max_connections", "haproxy.kept", "haproxy.primary_serves_reads", "slaves.count"]);
    add("haproxy.write.server.maxconn", limits.write, shares(), SHARE, MAXCONN);
    add("haproxy.read.server.maxconn", limits.read, shares(), SHARE, MAXCONN);
    if limits.read_fallback > 0 {
        add("haproxy.read_fallback.server.maxconn", limits.read_fallback, shares(), SHARE, MAXCONN);
    }
    const WAIT: &str = "twice what the servers take: as many again may wait for a connection";
    add("haproxy.write.maxconn", limits.write_frontend, list(["haproxy.write.server.maxconn"]), WAIT, MAXCONN);
    add(
        "haproxy.read.maxconn",
        limits.read_frontend,
        list(["haproxy.read.server.maxconn", "slaves.count"]),
        WAIT,
        MAXCONN,
    );
    add("haproxy.admin.maxconn", limits.admin, vec![], "people, Prometheus and probes", MAXCONN);
    let parts = list(["haproxy.write.maxconn", "haproxy.read.maxconn", "haproxy.admin.maxconn"]);
    const GLOBAL: &str = "all that the frontends take, and as many again as the admin port for health checks";
    add(
        "haproxy.global.maxconn",
        limits.global,
        parts,
        GLOBAL,
        "https://docs.haproxy.org/3.0/configuration.html#3.2-maxconn",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_never_gets_more_connections_than_postgres_takes() {
        for standbys in [0, 1, 2, 15] {
            for primary_serves_reads in [false, true] {
                for max_connections in [20, 100, 200, 5000] {
                    let limits = Limits::new(max_connections, 3, standbys, primary_serves_reads);
                    assert!(limits.most() <= max_connections, "{standbys} standbys: {limits:?}");
                    assert!(limits.write > 0 && limits.read > 0, "{limits:?}");
                    assert!(limits.global > limits.write_frontend + limits.read_frontend, "{limits:?}");
                }
            }
        }
    }
}
