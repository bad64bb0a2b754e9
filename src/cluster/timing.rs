//! The timers that the length of an outage depends on: Patroni's, etcd's, PostgreSQL's, and those of HAProxy's health checks.

use super::{Cluster, Failover, Postgres, Synchronous};
use crate::parameters::value::{self, boolean};

/// How HAProxy checks a server's health. Times are in milliseconds
/// (<https://docs.haproxy.org/3.0/configuration.html#5.2-inter>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between two checks.
    pub inter: u32,
    /// Time between two checks of a server that is about to change its state.
    pub fastinter: u32,
    /// Time between two checks of a server that is down.
    pub downinter: u32,
    /// Number of failed checks after which a server is down.
    pub fall: u32,
    /// Number of failed checks after which a standby that no longer follows its primary is down for readers.
    pub read_fall: u32,
    /// Number of successful checks after which a server is up again.
    pub rise: u32,
}

impl HealthCheck {
    /// Measured: every failover pays for `rise` and the interval, and one successful check of Patroni is reliable.
    pub const DEFAULT: HealthCheck =
        HealthCheck { inter: 500, fastinter: 200, downinter: 100, fall: 2, read_fall: 2, rise: 1 };

    /// The duration of a response to a check, in milliseconds: Patroni asks its PostgreSQL first. HAProxy counts its intervals from the end
    /// of a check (`process_chk_conn`, in its check.c), so each check adds them. Measured in the lab, with a load of 11 to 15 on two
    /// processors, 210 checks: 1 to 17 ms.
    pub const RESPONSE: u32 = 50;

    /// Returns the longest time in milliseconds until HAProxy uses a server that became healthy. A check that was on its way has failed
    /// before.
    pub fn up(self) -> u32 {
        self.downinter + self.rise.saturating_sub(1) * self.fastinter + (self.rise + 1) * Self::RESPONSE
    }

    /// Returns the longest time in milliseconds until HAProxy stops using a server that became unhealthy.
    pub fn down(self) -> u32 {
        self.failed(self.fall)
    }

    /// Returns the longest time in milliseconds until HAProxy stops using a standby that no longer follows its primary.
    pub fn read_down(self) -> u32 {
        self.failed(self.read_fall)
    }

    fn failed(self, checks: u32) -> u32 {
        self.inter + checks.saturating_sub(1) * self.fastinter + (checks + 1) * Self::RESPONSE
    }

    /// Gives a standby as many failed checks as fit into a time in milliseconds, but at least `fall`.
    pub fn patient(self, within: u32) -> Self {
        let more = within.saturating_sub(self.failed(1)) / (self.fastinter + Self::RESPONSE);
        HealthCheck { read_fall: self.fall.max(1 + more), ..self }
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
    /// Seven heartbeats at etcd's own interval, which is many times longer than the way between two zones. etcd demands five
    /// (<https://etcd.io/docs/v3.5/tuning/>), and its default is ten. Measured: with an election after 2 s, a primary whose Patroni talked
    /// to the lost leader stepped down in 2 of 3 trials; with 1 s, in none. If the primary's machine led etcd, a failover takes up to three
    /// election timeouts longer.
    pub const DEFAULT: EtcdTiming = EtcdTiming { heartbeat: 100, election: 700 };

    /// Returns the longest time in milliseconds without a leader: members wait between one and two timeouts.
    pub fn longest_election(self) -> u32 {
        2 * self.election
    }
}

/// PostgreSQL's own defaults in milliseconds.
const WAL_TIMEOUT: u32 = 60_000;
const WAL_WRITER_DELAY: u32 = 200;
/// PostgreSQL's own default of `max_standby_streaming_delay` and `max_standby_archive_delay`, in milliseconds.
pub const MAX_STANDBY_DELAY: u32 = 30_000;

/// Everything that the length of an outage depends on. Times are in seconds, unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Whether a commit waits for a standby.
    pub synchronous: Synchronous,
    /// How many standbys a commit waits for in synchronous mode.
    pub synchronous_nodes: u32,
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
    /// PostgreSQL's `wal_receiver_timeout` in milliseconds; 0 disables it.
    pub wal_receiver_timeout: u32,
    /// How long, in milliseconds, the primary may acknowledge commits before they are on its disk; 0 unless `synchronous_commit`
    /// is off.
    pub unflushed: u32,
    /// Number of databases besides the primary.
    pub standbys: usize,
    /// Number of HAProxies.
    pub haproxies: usize,
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
            synchronous_nodes: cluster.synchronous_nodes,
            standbys: cluster.slaves().count(),
            haproxies: cluster.balancers().count(),
            etcd_members: cluster.etcd_members().count(),
            etcd: cluster.etcd,
            check: cluster.haproxy.check,
            ..from_patroni
        }
    }

    /// Returns whether the loss of one database leaves no standby, and commits then wait for one.
    pub fn waits_for_last_standby(&self) -> bool {
        self.synchronous.is_strict() && self.standbys == 1
    }

    /// Returns how many milliseconds an election of etcd may take before the primary steps down. Each member of etcd gets its share of
    /// `retry_timeout`, one share is spent on the member that is lost, and the last request needs a second
    /// (`_calculate_timeouts`, in Patroni's dcs/etcd.py).
    pub fn patience(&self) -> u32 {
        patience(self.retry_timeout, self.etcd_members)
    }

    /// Returns the shortest `retry_timeout`, in seconds, that outlasts an election of etcd.
    pub fn least_retry_timeout(&self) -> u32 {
        let outlasts =
            |retry_timeout: &u32| patience(*retry_timeout, self.etcd_members) >= self.etcd.longest_election();
        (1..).find(outlasts).unwrap_or(u32::MAX)
    }

    /// Returns the timers of a cluster of one machine, with the default timing of etcd and HAProxy.
    pub fn new(failover: Failover, primary_start_timeout: u32, postgres: &Postgres) -> Self {
        Timers {
            synchronous: failover.synchronous,
            synchronous_nodes: 1,
            ttl: failover.ttl,
            loop_wait: failover.loop_wait,
            retry_timeout: failover.retry_timeout,
            primary_start_timeout,
            wal_sender_timeout: milliseconds(postgres, "wal_sender_timeout", WAL_TIMEOUT),
            wal_receiver_timeout: milliseconds(postgres, "wal_receiver_timeout", WAL_TIMEOUT),
            unflushed: unflushed(postgres),
            standbys: 0,
            haproxies: 1,
            etcd_members: 1,
            etcd: EtcdTiming::DEFAULT,
            check: HealthCheck::DEFAULT,
        }
    }
}

/// Milliseconds that Patroni gives a request to etcd at least.
const LEAST_REQUEST: u32 = 1000;

fn patience(retry_timeout: u32, members: usize) -> u32 {
    let retries = retry_timeout.saturating_mul(1000);
    let lost = if members > 1 { retries / members as u32 } else { 0 };
    retries.saturating_sub(lost + LEAST_REQUEST)
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
