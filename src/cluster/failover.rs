//! When a cluster fails over: Patroni's timers, etcd's, and HAProxy's health checks, which are chosen to meet the blueprint's budget.

use super::check::outage::{Fault, Timers, predict};
use super::decision::{Ledger, list};
use super::{Cluster, Failover, Postgres};
use crate::blueprint::model::{Blueprint, Budget};
use crate::parameters::value::{self, boolean};

/// How HAProxy asks a server whether it is the one to use. Times in milliseconds
/// (<https://docs.haproxy.org/3.0/configuration.html#5.2-inter>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// Between two checks.
    pub inter: u32,
    /// Between two checks of a server that is about to change its state.
    pub fastinter: u32,
    /// Failed checks after which a server is down.
    pub fall: u32,
    /// Good checks after which it is up again.
    pub rise: u32,
}

impl HealthCheck {
    /// Measured: `rise` and the interval are paid at every failover, and one good answer of Patroni's is the truth.
    pub const DEFAULT: HealthCheck = HealthCheck { inter: 1000, fastinter: 500, fall: 2, rise: 1 };

    /// The longest time in milliseconds until a server that became good is used.
    pub fn up(self) -> u32 {
        self.inter + self.rise.saturating_sub(1) * self.fastinter
    }

    /// The longest time in milliseconds until a server that became bad is left.
    pub fn down(self) -> u32 {
        self.inter + self.fall.saturating_sub(1) * self.fastinter
    }
}

/// etcd's timing in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtcdTiming {
    /// Between two heartbeats of its leader.
    pub heartbeat: u32,
    /// Without a heartbeat for so long (and at most twice as long) a member calls an election.
    pub election: u32,
}

impl EtcdTiming {
    /// Zones are 1 to 2 ms apart, but gp3 and a busy database can hold up a write far longer: an election after 2 s instead
    /// of etcd's 1 s keeps a slow disk from costing the leader. Ten heartbeats: <https://etcd.io/docs/v3.5/tuning/>.
    pub const DEFAULT: EtcdTiming = EtcdTiming { heartbeat: 200, election: 2000 };

    /// The longest time in milliseconds without a leader: members wait between one and two timeouts.
    pub fn longest_election(self) -> u32 {
        2 * self.election
    }
}

/// Seconds. Measured: failing over at once from a crashed primary lost an acknowledged row in 3 of 10 crashes when no
/// standby was synchronous, so there PostgreSQL gets a minute to recover by itself; Patroni's own default is 300.
const ASYNC_PRIMARY_START_TIMEOUT: u32 = 60;

/// PostgreSQL's own defaults in milliseconds.
const WAL_SENDER_TIMEOUT: u32 = 60_000;
const WAL_WRITER_DELAY: u32 = 200;
/// Of `max_standby_streaming_delay` and `max_standby_archive_delay`.
pub const MAX_STANDBY_DELAY: u32 = 30_000;

/// Faults that a budget covers: what the cluster heals by itself, one at a time.
pub const COVERED: [Fault; 7] = [
    Fault::PostgresDies,
    Fault::MachineDies,
    Fault::PrimaryCutOff,
    Fault::Switchover,
    Fault::SyncStandbyDies,
    Fault::HaproxyDies,
    Fault::EtcdLeaderLost,
];

/// The timers, and how long a crashed primary may take to recover.
pub fn resolve(blueprint: &Blueprint, timers: Timers, ledger: &mut Ledger) -> (Failover, u32) {
    let chosen = choose(&blueprint.budget, timers);
    record(blueprint, &chosen, ledger);
    let failover = Failover {
        synchronous: chosen.synchronous,
        ttl: chosen.ttl,
        loop_wait: chosen.loop_wait,
        retry_timeout: chosen.retry_timeout,
    };
    (failover, chosen.primary_start_timeout)
}

/// The blueprint's timers before its budget is looked at.
pub fn timers(
    blueprint: &Blueprint,
    postgres: &Postgres,
    etcd_members: usize,
    etcd: EtcdTiming,
    check: HealthCheck,
) -> Timers {
    let failover = blueprint.failover;
    Timers {
        synchronous: failover.synchronous,
        ttl: failover.ttl,
        loop_wait: failover.loop_wait,
        retry_timeout: failover.retry_timeout,
        primary_start_timeout: if failover.synchronous { 0 } else { ASYNC_PRIMARY_START_TIMEOUT },
        wal_sender_timeout: wal_sender_timeout(postgres),
        unflushed: unflushed(postgres),
        standbys: blueprint.slave_count.into(),
        etcd_members,
        etcd,
        check,
    }
}

/// The slowest timers, not above those given, that meet the budget; where none do, the fastest.
fn choose(budget: &Budget, given: Timers) -> Timers {
    let open = |name| !budget.written.contains(&name);
    let range = |name, value: u32, least: u32| if open(name) { least.min(value)..=value } else { value..=value };
    if meets(budget, &given) {
        return given;
    }
    // Patience with etcd first: what retries keep is a primary that need not fail over at all. It never gets shorter than
    // an election, or every election would cost the primary its place.
    let patience = given.etcd.longest_election().div_ceil(1000);
    let mut fastest = given;
    for retry_timeout in range("retry_timeout", given.retry_timeout, patience).rev() {
        for loop_wait in range("loop_wait", given.loop_wait, 1).rev() {
            let mut timers = Timers { retry_timeout, loop_wait, ..given };
            if let (Some(rto), false) = (budget.rto, given.synchronous) {
                let rest = seconds(&Timers { primary_start_timeout: 0, ..timers }, Fault::PostgresDies);
                timers.primary_start_timeout = given.primary_start_timeout.min(rto.saturating_sub(rest + loop_wait));
            }
            if meets(budget, &timers) {
                return timers;
            }
            fastest = timers;
        }
    }
    fastest
}

/// Whether every covered fault stays within the budget.
pub fn meets(budget: &Budget, timers: &Timers) -> bool {
    COVERED.iter().all(|fault| {
        let predicted = predict(timers, *fault);
        budget.rto.is_none_or(|rto| predicted.bound().is_some_and(|ms| ms <= rto * 1000))
            && budget.rpo.is_none_or(|rpo| predicted.lost().is_some_and(|ms| ms <= rpo * 1000))
    })
}

fn wal_sender_timeout(postgres: &Postgres) -> u32 {
    milliseconds(postgres, "wal_sender_timeout", WAL_SENDER_TIMEOUT)
}

fn milliseconds(postgres: &Postgres, setting: &str, otherwise: u32) -> u32 {
    postgres.settings.get(setting).and_then(|text| value::milliseconds(setting, text)).unwrap_or(otherwise)
}

/// Three times `wal_writer_delay` (<https://www.postgresql.org/docs/current/wal-async-commit.html>).
fn unflushed(postgres: &Postgres) -> u32 {
    match postgres.settings.get("synchronous_commit").and_then(|value| boolean(value)) {
        Some(false) => 3 * milliseconds(postgres, "wal_writer_delay", WAL_WRITER_DELAY),
        _ => 0,
    }
}

/// How long a standby's replay waits for reads that are in its way, at most, in milliseconds; `None` is for ever.
/// (<https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-STANDBY-STREAMING-DELAY>)
pub fn replay_delay(postgres: &Postgres) -> Option<u32> {
    let delay = |name| match postgres.settings.get(name) {
        Some(text) => value::milliseconds(name, text),
        None => Some(MAX_STANDBY_DELAY),
    };
    Some(delay("max_standby_streaming_delay")?.max(delay("max_standby_archive_delay")?))
}

fn seconds(timers: &Timers, fault: Fault) -> u32 {
    predict(timers, fault).bound().unwrap_or_default().div_ceil(1000)
}

fn record(blueprint: &Blueprint, chosen: &Timers, ledger: &mut Ledger) {
    const PATRONI: &str = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
    let budget = &blueprint.budget;
    let mut timer = |name: &'static str, value: u32, why: &'static str| {
        let attribute = format!("failover.{name}");
        let mut from = vec![attribute.clone()];
        if (budget.rto.is_some() || budget.rpo.is_some()) && !budget.written.contains(&name) {
            from.push("failover.rto".into());
        }
        ledger.add(&attribute, format!("{value} s"), from, why, PATRONI);
    };
    timer("ttl", chosen.ttl, "how long a primary that fell silent keeps its place; 20 is Patroni's minimum");
    timer(
        "loop_wait",
        chosen.loop_wait,
        "how often Patroni looks: a crash is noticed at the next look, and the lock is renewed at each",
    );
    timer(
        "retry_timeout",
        chosen.retry_timeout,
        "how long Patroni retries etcd before a primary steps down; loop_wait + 2 x retry_timeout must not exceed ttl",
    );
    let (synchronous, commits, crash) = if chosen.synchronous {
        let commits = "a commit waits for a standby, so that a failover loses nothing that was acknowledged";
        ("on", commits, "a crashed primary is replaced at once: the synchronous standby has all that was acknowledged")
    } else {
        let commits = "a commit waits for no standby: a failover may lose the last of what was acknowledged";
        ("off", commits, "a crashed primary may recover first: no standby surely has all that was acknowledged")
    };
    ledger.add(
        "failover.synchronous",
        synchronous,
        list(["failover.synchronous"]),
        commits,
        "https://patroni.readthedocs.io/en/latest/replication_modes.html",
    );
    ledger.add(
        "patroni.primary_start_timeout",
        format!("{} s", chosen.primary_start_timeout),
        list(["failover.synchronous", "failover.rto"]),
        crash,
        "measured: 3 of 10 crashes lost an acknowledged row at 0 s without synchronous mode, none with it",
    );
    ledger.add(
        "etcd.election_timeout",
        format!("{} ms", chosen.etcd.election),
        list(["etcd.heartbeat_interval"]),
        "ten heartbeats, twice etcd's own second: a slow disk must not cost the leader, and Patroni's retries outlast it",
        "https://etcd.io/docs/v3.5/tuning/",
    );
    ledger.add(
        "etcd.heartbeat_interval",
        format!("{} ms", chosen.etcd.heartbeat),
        vec![],
        "zones are 1 to 2 ms apart, but gp3 and a busy database can hold up a write far longer",
        "https://etcd.io/docs/v3.5/tuning/",
    );
    const HAPROXY: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-inter; measured: paid at every failover";
    let mut check = |name: &str, value: String, why| ledger.add(name, value, vec![], why, HAPROXY);
    let HealthCheck { inter, fastinter, fall, rise } = chosen.check;
    check("haproxy.inter", format!("{inter} ms"), "between two health checks of a server");
    check(
        "haproxy.fastinter",
        format!("{fastinter} ms"),
        "a server that is about to change its state is looked at again sooner",
    );
    check("haproxy.fall", format!("{fall} checks"), "one failed check may be chance, two are not");
    check("haproxy.rise", format!("{rise} checks"), "Patroni's first 200 is the truth already");
}

impl Timers {
    /// Those of a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        Timers {
            synchronous: cluster.failover.synchronous,
            ttl: cluster.failover.ttl,
            loop_wait: cluster.failover.loop_wait,
            retry_timeout: cluster.failover.retry_timeout,
            primary_start_timeout: cluster.primary_start_timeout,
            wal_sender_timeout: wal_sender_timeout(&cluster.postgres),
            unflushed: unflushed(&cluster.postgres),
            standbys: cluster.slaves().count(),
            etcd_members: cluster.etcd_members().count(),
            etcd: cluster.etcd,
            check: cluster.haproxy.check,
        }
    }
}
