//! The terms that an outage is the sum of.

use serde::Serialize;

use crate::cluster::fixed::{Fixed, FixedNlb};
use crate::cluster::timing::{HealthCheck, Timers};

/// A part of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The name of the timer, or a name in its style where there is no timer.
    pub name: &'static str,
    /// The longest duration in milliseconds.
    pub ms: u32,
    /// What takes this long.
    pub what: &'static str,
    /// The manual's page, the source file or the measurement behind the duration.
    pub source: &'static str,
}

const PATRONI: &str = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
const HAPROXY: &str =
    "https://docs.haproxy.org/3.0/configuration.html#5.2-inter; check.c: an interval begins when a check has ended";
const CLIENT: &str = "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS";
const MEASURED: &str = "measured: three machines, 2 cores, 10 trials of each";
/// `fetch_node_status`, in Patroni's ha.py.
const MEMBER_TIMEOUT: u32 = 2000;
/// `revokeExpiredLeases`, in etcd's lease/lessor.go.
const LEASE_SWEEP: u32 = 500;
/// `_calculate_timeouts`, in Patroni's dcs/etcd.py, gives no node less.
const LEAST_ETCD_NODE: u32 = 1000;
/// Allowances, each longer than a whole outage was in 20 trials on 2 cores: at most 1.4 s after a crash and 1.6 s for a switchover, which
/// contain one of these or both, the race for the lock and HAProxy's check (`tests/drill/report.json`).
const PROMOTION: u32 = 2000;
const SHUTDOWN: u32 = 2000;
/// systemd's `RestartSec`, and a second to read the configuration.
const HAPROXY_RESTART: u32 = (Fixed::DEFAULT.unit.restart + 1) * 1000;

const BOOT: u32 = 10_000;
/// An allowance.
const LOGIN: u32 = 1000;
const LOGINS: &str = "an allowance; measured with six clients and all machines on 2 processors: 0.2 s with a load of 11, 0.9 s with 12 to 23";
/// How long the clients of a drill wait for an answer, in milliseconds. A client that waits longer would measure its own patience: a
/// session with a machine that lost power never ends by itself.
pub const CLIENT_PATIENCE: u32 = 2000;

const fn term(name: &'static str, ms: u32, what: &'static str, source: &'static str) -> Term {
    Term { name, ms, what, source }
}

pub fn ttl(t: &Timers) -> Term {
    term("ttl", t.ttl * 1000, "the dead primary's lock expires, at worst a full ttl after its last renewal", PATRONI)
}

/// Returns how much later than the fault a renewal may take effect whose answer is lost.
pub fn unheard_renewal(t: &Timers) -> Term {
    let source =
        "Patroni, ha.py: the lock is renewed at each check; a connection that exists still delivers one request";
    term("unheard_renewal", t.loop_wait * 1000, "one more renewal reaches etcd, although its answer is lost", source)
}

/// Returns the time from power until a machine's units have started.
pub fn boot() -> Term {
    term(
        "boot",
        BOOT,
        "machines boot and start etcd, Patroni and HAProxy",
        "an allowance; measured in the lab, where it takes 3 to 6 s",
    )
}

pub fn lease_sweep() -> Term {
    let source = "etcd, lease/lessor.go: etcd looks for expired leases every 500 ms";
    term("lease_sweep", LEASE_SWEEP, "etcd finds that the lock has expired", source)
}

pub fn loop_wait(t: &Timers) -> Term {
    term("loop_wait", t.loop_wait * 1000, "Patroni notices at its next check, at worst a whole loop later", PATRONI)
}

pub fn loop_wait_again(t: &Timers) -> Term {
    term("loop_wait", t.loop_wait * 1000, "Patroni checks again after primary_start_timeout", PATRONI)
}

pub fn retry_timeout(t: &Timers) -> Term {
    term("retry_timeout", t.retry_timeout * 1000, "the primary retries etcd before it steps down", PATRONI)
}

pub fn primary_start_timeout(t: &Timers) -> Term {
    let what = "Patroni lets PostgreSQL recover by itself, so that nothing is lost";
    term("primary_start_timeout", t.primary_start_timeout * 1000, what, PATRONI)
}

pub fn wal_sender_timeout(t: &Timers) -> Term {
    let source = "https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-SENDER-TIMEOUT";
    term("wal_sender_timeout", t.wal_sender_timeout, "the primary gives up the standby that no longer responds", source)
}

/// Returns the time until a request to a lost member of etcd fails and another member is asked.
pub fn etcd_node(t: &Timers) -> Term {
    let ms = (t.retry_timeout * 1000 / t.etcd_members.max(1) as u32).max(LEAST_ETCD_NODE);
    let source = "Patroni, dcs/etcd.py: retry_timeout / members of etcd, at least 1 s";
    term("etcd_node", ms, "a standby's request to the lost member of etcd times out", source)
}

pub fn members() -> Term {
    let source = "Patroni, ha.py: a member has 2 s to respond in the race for the lock";
    term("members", MEMBER_TIMEOUT, "the standbys compare which of them has received the most WAL", source)
}

/// Returns the time until a standby has become the primary. Every failover contains it.
pub fn promotion() -> Term {
    term("promotion", PROMOTION, "PostgreSQL ends its recovery, and Patroni notices", MEASURED)
}

/// Returns how long the only standby, now the primary, lets commits wait for the former one.
pub fn former_primary(t: &Timers) -> Term {
    term(
        "former_primary",
        2 * t.loop_wait * 1000,
        "commits wait for the former primary, the only other machine, until Patroni gives it up",
        "Patroni 4.0, ha.py (process_sync_replication): not before a whole loop after the promotion, so two loops at worst; measured: 3.3 s",
    )
}

pub fn shutdown() -> Term {
    term(
        "shutdown",
        SHUTDOWN,
        "the old primary writes a checkpoint, sends everything to the standby, and stops",
        MEASURED,
    )
}

pub fn haproxy_up(t: &Timers) -> Term {
    let what = "HAProxy checks the new primary: downinter + (rise - 1) x fastinter, and rise + 1 responses";
    term("haproxy_up", t.check.up(), what, HAPROXY)
}

/// Returns the time that a client takes to log in again. Terms that are measured with clients contain it.
pub fn login() -> Term {
    term("login", LOGIN, "clients connect again, and log in over TLS", LOGINS)
}

/// Returns the time until a client notices that its HAProxy is gone, with the connection string of the cluster's README.
pub fn client_silence() -> Term {
    let client = Fixed::DEFAULT.client;
    let ms = 1000 * (client.keepalive_idle + client.keepalive_interval);
    let what =
        "a client that waits for a result notices that its HAProxy is gone: keepalives_idle + keepalives_interval";
    term("client_silence", ms, what, CLIENT)
}

/// Returns the time until a client that connects again gives up the HAProxy that is gone, likewise.
pub fn client_connect() -> Term {
    let what = "the client tries the same HAProxy first, for tcp_user_timeout";
    term("client_connect", Fixed::DEFAULT.client.user_timeout, what, CLIENT)
}

pub fn haproxy_check() -> Term {
    let source = "https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20check: timeout connect, or inter where that is shorter";
    let ms = Fixed::DEFAULT.haproxy.connect_timeout;
    term("haproxy_check", ms, "a check that was on its way while the network was gone fails first", source)
}

pub fn haproxy_down(t: &Timers) -> Term {
    let what = "HAProxy drops the former primary: inter + (fall - 1) x fastinter, and fall + 1 responses";
    term("haproxy_down", t.check.down(), what, HAPROXY)
}

/// Returns the time until a standby that is cut off from its primary gives up the connection.
pub fn wal_receiver_timeout(t: &Timers) -> Term {
    let source = "https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-RECEIVER-TIMEOUT";
    term("wal_receiver_timeout", t.wal_receiver_timeout, "a standby gives up its silent primary", source)
}

pub fn haproxy_read_down(t: &Timers) -> Term {
    let what =
        "HAProxy drops a standby that follows nobody: inter + (read_fall - 1) x fastinter, and read_fall + 1 responses";
    term("haproxy_read_down", t.check.read_down(), what, HAPROXY)
}

pub fn reader_patience() -> Term {
    let source = "pgherd drill: its clients wait this long; HAProxy closes a silent session after 10 s (tcp-ut)";
    term("reader_patience", CLIENT_PATIENCE, "a client gives up the statement that it sent to the lost machine", source)
}

pub fn haproxy_connect() -> Term {
    let source =
        "https://docs.haproxy.org/3.0/configuration.html#4.2-option%20redispatch: the first retry goes elsewhere";
    let what = "HAProxy's connection to the lost machine times out";
    term("haproxy_connect", Fixed::DEFAULT.haproxy.connect_timeout, what, source)
}

/// Returns the time until HAProxy drops a silent standby: each of its checks waits for a connection.
pub fn haproxy_read_silent(t: &Timers) -> Term {
    let more = Fixed::DEFAULT.haproxy.connect_timeout.saturating_sub(HealthCheck::RESPONSE);
    let ms = t.check.read_down() + t.check.read_fall * more;
    term(
        "haproxy_read_silent",
        ms,
        "HAProxy drops the silent standby: read_fall checks, each of which times out",
        HAPROXY,
    )
}

/// Returns the time until the primary serves reads: HAProxy wants more checks of it than of a standby.
pub fn haproxy_fallback() -> Term {
    let (inter, rise) = (Fixed::DEFAULT.haproxy.fallback_inter, Fixed::DEFAULT.haproxy.fallback_rise);
    let ms = rise * inter + (rise + 1) * HealthCheck::RESPONSE;
    let what = "HAProxy finds a server for reads, in the worst case the new primary: fallback_rise x fallback_inter, and fallback_rise + 1 responses";
    term("haproxy_fallback", ms, what, HAPROXY)
}

pub fn haproxy_restart() -> Term {
    let source = "systemd.service(5): RestartSec=1, and a second to read the configuration";
    term("haproxy_restart", HAPROXY_RESTART, "systemd restarts HAProxy", source)
}

/// Returns the time until a HAProxy that has started knows its servers. A check for readers asks twice.
pub fn haproxy_first_check() -> Term {
    let ms = Fixed::DEFAULT.haproxy.first_checks + 2 * HealthCheck::RESPONSE;
    let source = "https://docs.haproxy.org/3.0/configuration.html#3.2-max-spread-checks";
    term(
        "haproxy_first_check",
        ms,
        "HAProxy checks its servers for the first time: max-spread-checks, and two responses",
        source,
    )
}

pub fn election(t: &Timers) -> Term {
    let source = "https://etcd.io/docs/v3.5/tuning/: members wait one to two election timeouts";
    term("etcd_election", t.etcd.longest_election(), "etcd elects a leader", source)
}

pub fn lease_extension(t: &Timers) -> Term {
    let source = "etcd, lease/lessor.go: a new leader renews every lease for its full ttl plus an election timeout";
    term("lease_extension", t.etcd.election, "etcd's new leader extends every lock", source)
}

/// Returns how long commits are acknowledged before they are on disk. Empty where a commit waits for its WAL.
pub fn unflushed(t: &Timers) -> Vec<Term> {
    let source = "https://www.postgresql.org/docs/current/wal-async-commit.html: three times wal_writer_delay";
    let what = "synchronous_commit is off, so commits are acknowledged before they are on disk";
    let all = [term("wal_writer", t.unflushed, what, source)];
    all.into_iter().filter(|term| term.ms > 0).collect()
}

/// Returns the age of the leader's last report of its position in the WAL.
pub fn reported(t: &Timers) -> Term {
    let source = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html: maximum_lag_on_failover";
    term("loop_wait", t.loop_wait * 1000, "the primary's last report of its WAL position may be this old", source)
}

const NLB: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html";

pub fn nlb_checks(nlb: &FixedNlb) -> Term {
    let what = "the network load balancer finds that a HAProxy is lost, at worst just after a successful check";
    term("nlb_checks", 1000 * nlb.interval * nlb.unhealthy, what, NLB)
}

pub fn nlb_timeout(nlb: &FixedNlb) -> Term {
    term("nlb_timeout", 1000 * nlb.timeout * nlb.unhealthy, "each of these checks waits for a response", NLB)
}
