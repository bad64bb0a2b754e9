//! The terms that outages are made of.

use serde::Serialize;

use super::Timers;
use crate::cluster::fixed::Fixed;

/// A part of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Its name: the timer's own where it is one.
    pub name: &'static str,
    /// Milliseconds, at worst.
    pub ms: u32,
    /// What takes this long.
    pub what: &'static str,
    /// The manual's page, the source file or the measurement that says so.
    pub source: &'static str,
}

const PATRONI: &str = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
const HAPROXY: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-inter";
const MEASURED: &str = "measured: three machines, 2 cores, 10 trials of each";
/// `fetch_node_status`, in Patroni's ha.py.
const MEMBER_TIMEOUT: u32 = 2000;
/// `revokeExpiredLeases`, in etcd's lease/lessor.go.
const LEASE_SWEEP: u32 = 500;
/// `_calculate_timeouts`, in Patroni's dcs/etcd.py: a node gets no less.
const LEAST_ETCD_NODE: u32 = 1000;
/// Allowances. The shortest outages that were measured, 2.1 s of a crash and 2.4 s of a switchover, hold one of these, the race
/// for the lock and HAProxy's check: on 2 cores each took less.
const PROMOTION: u32 = 2000;
const SHUTDOWN: u32 = 2000;
/// systemd's `RestartSec`, and a second to read the configuration.
const HAPROXY_RESTART: u32 = (Fixed::DEFAULT.unit.restart + 1) * 1000;

const fn term(name: &'static str, ms: u32, what: &'static str, source: &'static str) -> Term {
    Term { name, ms, what, source }
}

pub fn ttl(t: &Timers) -> Term {
    term("ttl", t.ttl * 1000, "the silent primary's lock lives on, if it was renewed just before", PATRONI)
}

pub fn lease_sweep() -> Term {
    let source = "etcd, lease/lessor.go: expired leases are looked for every 500 ms";
    term("lease_sweep", LEASE_SWEEP, "etcd finds that the lock has expired", source)
}

pub fn loop_wait(t: &Timers) -> Term {
    term("loop_wait", t.loop_wait * 1000, "Patroni notices at its next look, if nothing wakes it before", PATRONI)
}

pub fn loop_wait_again(t: &Timers) -> Term {
    term("loop_wait", t.loop_wait * 1000, "and looks again when that time is over", PATRONI)
}

pub fn retry_timeout(t: &Timers) -> Term {
    term("retry_timeout", t.retry_timeout * 1000, "it retries etcd before it steps down", PATRONI)
}

pub fn primary_start_timeout(t: &Timers) -> Term {
    let what = "PostgreSQL may recover by itself, so that nothing is lost";
    term("primary_start_timeout", t.primary_start_timeout * 1000, what, PATRONI)
}

pub fn wal_sender_timeout(t: &Timers) -> Term {
    let source = "https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-SENDER-TIMEOUT";
    term("wal_sender_timeout", t.wal_sender_timeout, "the primary gives up the silent standby", source)
}

/// Where the lost machine was a member of etcd, a request to it must fail before another member is asked.
pub fn etcd_node(t: &Timers) -> Term {
    let ms = (t.retry_timeout * 1000 / t.etcd_members.max(1) as u32).max(LEAST_ETCD_NODE);
    let source = "Patroni, dcs/etcd.py: retry_timeout / members of etcd, 1 s at least";
    term("etcd_node", ms, "a standby's request to the lost member of etcd times out", source)
}

pub fn members() -> Term {
    let source = "Patroni, ha.py: a member has 2 s to answer in the race for the lock";
    term("members", MEMBER_TIMEOUT, "the standbys ask one another who is furthest", source)
}

/// A standby becomes the primary: in every failover.
pub fn promotion() -> Term {
    term("promotion", PROMOTION, "PostgreSQL ends its recovery and Patroni sees it", MEASURED)
}

pub fn shutdown() -> Term {
    term("shutdown", SHUTDOWN, "the old primary stops, after a checkpoint, when the standby has everything", MEASURED)
}

pub fn haproxy_up(t: &Timers) -> Term {
    term("haproxy_up", t.check.up(), "HAProxy checks the new primary: inter + (rise - 1) x fastinter", HAPROXY)
}

pub fn haproxy_down(t: &Timers) -> Term {
    term("haproxy_down", t.check.down(), "HAProxy leaves who is no primary: inter + (fall - 1) x fastinter", HAPROXY)
}

pub fn haproxy_restart() -> Term {
    let source = "systemd.service(5): RestartSec=1; a second to read the configuration";
    term("haproxy_restart", HAPROXY_RESTART, "systemd starts it again", source)
}

pub fn election(t: &Timers) -> Term {
    let source = "https://etcd.io/docs/v3.5/tuning/: members wait one to two election timeouts";
    term("etcd_election", t.etcd.longest_election(), "etcd elects a leader", source)
}

pub fn lease_extension(t: &Timers) -> Term {
    let source = "etcd, lease/lessor.go: a new leader gives every lease its whole ttl again and an election timeout";
    term("lease_extension", t.etcd.election, "etcd's new leader extends every lock", source)
}

/// Nothing where a commit waits for its WAL.
pub fn unflushed(t: &Timers) -> Vec<Term> {
    let source = "https://www.postgresql.org/docs/current/wal-async-commit.html: three times wal_writer_delay";
    let what = "synchronous_commit is off: commits are acknowledged before they are on a disk";
    let all = [term("wal_writer", t.unflushed, what, source)];
    all.into_iter().filter(|term| term.ms > 0).collect()
}

/// What the leader last told its place in the WAL by.
pub fn reported(t: &Timers) -> Term {
    let source = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html: maximum_lag_on_failover";
    term("loop_wait", t.loop_wait * 1000, "the primary's last report of its place in the WAL may be this old", source)
}
