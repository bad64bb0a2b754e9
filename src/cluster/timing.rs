//! The timers that the length of an outage depends on: Patroni's, etcd's, PostgreSQL's, and those of HAProxy's health checks.

use super::{Cluster, Failover, Postgres};
use crate::parameters::value::{self, boolean};

/// How HAProxy checks a server's health. Times are in milliseconds
/// (<https://docs.haproxy.org/3.0/configuration.html#5.2-inter>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between two checks.
    pub inter: u32,
    /// Time between two checks of a server that is about to change its state.
    pub fastinter: u32,
    /// Number of failed checks after which a server is down.
    pub fall: u32,
    /// Number of successful checks after which a server is up again.
    pub rise: u32,
}

impl HealthCheck {
    /// Measured: every failover pays for `rise` and the interval, and one successful check of Patroni is reliable.
    pub const DEFAULT: HealthCheck = HealthCheck { inter: 1000, fastinter: 500, fall: 2, rise: 1 };

    /// Returns the longest time in milliseconds until HAProxy uses a server that became healthy.
    pub fn up(self) -> u32 {
        self.inter + self.rise.saturating_sub(1) * self.fastinter
    }

    /// Returns the longest time in milliseconds until HAProxy stops using a server that became unhealthy.
    pub fn down(self) -> u32 {
        self.inter + self.fall.saturating_sub(1) * self.fastinter
    }
}

/// etcd's timing in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtcdTiming {
    /// Time between two heartbeats of the leader.
    pub heartbeat: u32,
    /// A member calls an election after this time without a heartbeat, or after up to twice this time.
    pub election: u32,
}

impl EtcdTiming {
    /// Zones are 1 to 2 ms apart, but gp3 and a busy database can delay a write far longer. An election after 2 s, instead of etcd's
    /// 1 s, keeps a slow disk from costing the leader its place. Ten heartbeats: <https://etcd.io/docs/v3.5/tuning/>.
    pub const DEFAULT: EtcdTiming = EtcdTiming { heartbeat: 200, election: 2000 };

    /// Returns the longest time in milliseconds without a leader: members wait between one and two timeouts.
    pub fn longest_election(self) -> u32 {
        2 * self.election
    }
}

/// PostgreSQL's own defaults in milliseconds.
const WAL_SENDER_TIMEOUT: u32 = 60_000;
const WAL_WRITER_DELAY: u32 = 200;
/// PostgreSQL's own default of `max_standby_streaming_delay` and `max_standby_archive_delay`, in milliseconds.
pub const MAX_STANDBY_DELAY: u32 = 30_000;

/// Everything that the length of an outage depends on. Times are in seconds, unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Whether a commit waits for a standby.
    pub synchronous: bool,
    /// Patroni's `ttl`.
    pub ttl: u32,
    /// Patroni's `loop_wait`.
    pub loop_wait: u32,
    /// Patroni's `retry_timeout`.
    pub retry_timeout: u32,
    /// Patroni's `primary_start_timeout`.
    pub primary_start_timeout: u32,
    /// PostgreSQL's `wal_sender_timeout` in milliseconds; 0 disables it.
    pub wal_sender_timeout: u32,
    /// How long, in milliseconds, the primary may acknowledge commits before they are on its disk; 0 unless `synchronous_commit`
    /// is off.
    pub unflushed: u32,
    /// Number of databases besides the primary.
    pub standbys: usize,
    /// Number of etcd's members.
    pub etcd_members: usize,
    /// etcd's timing.
    pub etcd: EtcdTiming,
    /// HAProxy's health checks.
    pub check: HealthCheck,
}

impl Timers {
    /// Returns the timers of a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        let from_patroni = Self::new(cluster.failover, cluster.primary_start_timeout, &cluster.postgres);
        Timers {
            standbys: cluster.slaves().count(),
            etcd_members: cluster.etcd_members().count(),
            etcd: cluster.etcd,
            check: cluster.haproxy.check,
            ..from_patroni
        }
    }

    /// Returns the timers of a cluster of one machine, with the default timing of etcd and HAProxy.
    pub fn new(failover: Failover, primary_start_timeout: u32, postgres: &Postgres) -> Self {
        Timers {
            synchronous: failover.synchronous,
            ttl: failover.ttl,
            loop_wait: failover.loop_wait,
            retry_timeout: failover.retry_timeout,
            primary_start_timeout,
            wal_sender_timeout: milliseconds(postgres, "wal_sender_timeout", WAL_SENDER_TIMEOUT),
            unflushed: unflushed(postgres),
            standbys: 0,
            etcd_members: 1,
            etcd: EtcdTiming::DEFAULT,
            check: HealthCheck::DEFAULT,
        }
    }
}

fn milliseconds(postgres: &Postgres, setting: &str, default: u32) -> u32 {
    postgres.settings.get(setting).and_then(|text| value::milliseconds(setting, text)).unwrap_or(default)
}

/// Returns three times `wal_writer_delay` in milliseconds where commits are asynchronous
/// (<https://www.postgresql.org/docs/current/wal-async-commit.html>).
fn unflushed(postgres: &Postgres) -> u32 {
    match postgres.settings.get("synchronous_commit").and_then(|value| boolean(value)) {
        Some(false) => 3 * milliseconds(postgres, "wal_writer_delay", WAL_WRITER_DELAY),
        _ => 0,
    }
}

/// Returns how long, in milliseconds, a standby's replay waits at most for reads that conflict with it; `None` means for ever
/// (<https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-STANDBY-STREAMING-DELAY>).
pub fn replay_delay(postgres: &Postgres) -> Option<u32> {
    let delay = |name| match postgres.settings.get(name) {
        Some(text) => value::milliseconds(name, text),
        None => Some(MAX_STANDBY_DELAY),
    };
    Some(delay("max_standby_streaming_delay")?.max(delay("max_standby_archive_delay")?))
}
