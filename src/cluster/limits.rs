//! How many connections each listener and server takes.

use serde::Serialize;

use super::Postgres;
use super::decision::{Ledger, list};

/// Connections that HAProxy leaves to Patroni, pg_rewind, monitoring and operators, besides the reserve for superusers.
const KEPT_FOR_OPERATION: u32 = 7;
/// Connections to the admin port, for people, Prometheus and probes.
const ADMIN_CONNECTIONS: u32 = 100;

/// HAProxy's limits. One machine can be behind three servers at once: it was a standby a moment ago (`read`), it is the primary now
/// (`write`), and it is the only database left (`read_fallback`). The three together stay below PostgreSQL's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// PostgreSQL's `max_connections`.
    pub max_connections: u32,
    /// How many of those HAProxy never uses.
    pub kept: u32,
    /// Connections to one server of the write port.
    pub write: u32,
    /// Connections to one server of the read port.
    pub read: u32,
    /// Connections to a primary that serves reads because no standby does.
    pub read_fallback: u32,
    /// Connections to a standby that serves reads because there is no primary.
    pub read_without_primary: u32,
    /// Clients on the write port, including those that wait.
    pub write_frontend: u32,
    /// Clients on the read port, including those that wait.
    pub read_frontend: u32,
    /// Connections to the admin port.
    pub admin: u32,
    /// All of HAProxy's connections.
    pub global: u32,
}

impl Limits {
    /// Divides PostgreSQL's connections among HAProxy's servers.
    pub fn new(max_connections: u32, reserved: u32, standbys: u32, primary_serves_reads: bool) -> Self {
        let kept = reserved.saturating_add(KEPT_FOR_OPERATION);
        let room = max_connections.saturating_sub(kept).max(3);
        let (read, read_fallback) = match (primary_serves_reads, standbys) {
            (true, _) => (room / 2, 0),
            // There never is a standby, so the primary serves all reads.
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
            // Only a standby has these beside `read`, and HAProxy disconnects both when it becomes the primary.
            read_without_primary: if read_fallback > 0 { read_fallback } else { read / 2 },
            write_frontend,
            read_frontend,
            admin: ADMIN_CONNECTIONS,
            global,
        }
    }

    /// Returns how many connections may reach one PostgreSQL at most.
    pub fn most(&self) -> u32 {
        (self.write + self.read + self.read_fallback).saturating_add(self.kept)
    }
}

/// Records the limits, and why they have these values.
pub fn record(limits: Limits, postgres: &Postgres, ledger: &mut Ledger) {
    const POSTGRES: &str = "https://www.postgresql.org/docs/current/runtime-config-connection.html";
    const MAXCONN: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-maxconn";
    const SHARE: &str = "One machine can serve the write port, the read port and the read port's fallback at once. Together they stay below max_connections.";
    const WAIT: &str = "Twice the connections that the servers accept, so that as many clients again may wait for one.";
    let mut values = limits;
    let mut add = |name: &str, from: Vec<String>, why, source, limit: fn(&mut Limits) -> &mut u32| {
        let value = format!("{} connections", limit(&mut values));
        ledger.add(name, value, from, why, source, move |c| *limit(&mut c.haproxy.limits) += 1);
    };
    let reserves = ["superuser_reserved_connections", "reserved_connections"];
    let reserved = reserves.iter().filter(|name| postgres.settings.contains_key(**name));
    let reserved = reserved.map(|name| format!("postgres.{name}")).collect();
    const KEPT: &str =
        "PostgreSQL's reserve for superusers, plus 7 connections for Patroni, pg_rewind, monitoring and operators.";
    add("haproxy.kept", reserved, KEPT, POSTGRES, |limits| &mut limits.kept);
    let shares = || list(["postgres.max_connections", "haproxy.kept", "haproxy.primary_serves_reads", "slaves.count"]);
    add("haproxy.write.server.maxconn", shares(), SHARE, MAXCONN, |limits| &mut limits.write);
    add("haproxy.read.server.maxconn", shares(), SHARE, MAXCONN, |limits| &mut limits.read);
    if limits.read_fallback > 0 {
        add("haproxy.read_fallback.server.maxconn", shares(), SHARE, MAXCONN, |limits| &mut limits.read_fallback);
    }
    const AGAIN: &str = "These are the readers of a standby that has lost its primary. They may keep their connections when it follows a primary again.";
    add("haproxy.read_without_primary.server.maxconn", shares(), AGAIN, MAXCONN, |limits| {
        &mut limits.read_without_primary
    });
    let servers = list(["haproxy.write.server.maxconn"]);
    add("haproxy.write.maxconn", servers, WAIT, MAXCONN, |limits| &mut limits.write_frontend);
    let servers = list(["haproxy.read.server.maxconn", "slaves.count"]);
    add("haproxy.read.maxconn", servers, WAIT, MAXCONN, |limits| &mut limits.read_frontend);
    const ADMIN: &str = "The admin port serves people, Prometheus and probes.";
    add("haproxy.admin.maxconn", vec![], ADMIN, MAXCONN, |limits| &mut limits.admin);
    let parts = list(["haproxy.write.maxconn", "haproxy.read.maxconn", "haproxy.admin.maxconn"]);
    const GLOBAL: &str = "The sum of all frontends, plus the admin port's share once more for health checks.";
    const TOTAL: &str = "https://docs.haproxy.org/3.0/configuration.html#3.2-maxconn";
    add("haproxy.global.maxconn", parts, GLOBAL, TOTAL, |limits| &mut limits.global);
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
