//! Chooses the timers that decide when a cluster fails over, so that they meet the blueprint's budget.

use super::decision::{Ledger, list};
use super::fault::{Fault, predict};
use super::timing::{HealthCheck, Timers};
use super::{Failover, Postgres, Synchronous};
use crate::blueprint::model::{Blueprint, Budget};

/// Seconds. Measured: failing over at once from a crashed primary lost an acknowledged row in 3 of 10 crashes when no
/// standby was synchronous, so there PostgreSQL gets a minute to recover by itself. Patroni's own default is 300.
const ASYNC_PRIMARY_START_TIMEOUT: u32 = 60;

/// Chooses the timers of a cluster with this many members of etcd and this many databases in the fullest zone, and records why.
pub fn resolve(
    blueprint: &Blueprint,
    postgres: &Postgres,
    etcd_members: usize,
    in_one_zone: u32,
    ledger: &mut Ledger,
) -> Timers {
    let primary_start_timeout = if blueprint.failover.synchronous.is_on() { 0 } else { ASYNC_PRIMARY_START_TIMEOUT };
    let given = Timers {
        standbys: blueprint.slave_count.into(),
        haproxies: blueprint.haproxy.count.into(),
        etcd_members,
        synchronous_nodes: in_one_zone.min(u32::from(blueprint.slave_count).saturating_sub(1)).max(1),
        ..Timers::new(blueprint.failover, primary_start_timeout, postgres)
    };
    let patience = (blueprint.haproxy.read_staleness * 1000).saturating_sub(given.wal_receiver_timeout);
    let given = Timers { check: given.check.patient(patience), ..given };
    let chosen = choose(&blueprint.budget, given);
    record(&blueprint.budget, &chosen, ledger);
    chosen
}

/// Returns the slowest timers, not above those given, that meet the budget. Where none do, returns the fastest.
fn choose(budget: &Budget, given: Timers) -> Timers {
    if meets(budget, &given) {
        return given;
    }
    // retry_timeout stays as long as possible: a primary that keeps retrying etcd need not fail over at all. It never gets
    // shorter than an election, or every election would cost the primary its place.
    let most = given.retry_timeout;
    let least = if budget.written.contains(&"retry_timeout") { most } else { given.least_retry_timeout().min(most) };
    let mut fastest = given;
    for retry_timeout in (least..=most).rev() {
        let mut timers = Timers { retry_timeout, ..given };
        if let (Some(rto), false) = (budget.rto, given.synchronous.is_on()) {
            let rest = seconds(&Timers { primary_start_timeout: 0, ..timers }, Fault::Postgres);
            timers.primary_start_timeout = given.primary_start_timeout.min(rto.saturating_sub(rest + given.loop_wait));
        }
        if meets(budget, &timers) {
            return timers;
        }
        fastest = timers;
    }
    fastest
}

/// Returns whether every covered fault stays within the budget.
pub fn meets(budget: &Budget, timers: &Timers) -> bool {
    Fault::covered().all(|fault| {
        let predicted = predict(timers, fault);
        budget.rto.is_none_or(|rto| predicted.bound().is_some_and(|ms| ms <= rto * 1000))
            && budget.rpo.is_none_or(|rpo| predicted.lost().is_some_and(|ms| ms <= rpo * 1000))
    })
}

fn seconds(timers: &Timers, fault: Fault) -> u32 {
    predict(timers, fault).bound().unwrap_or_default().div_ceil(1000)
}

fn record(budget: &Budget, chosen: &Timers, ledger: &mut Ledger) {
    record_patroni(budget, chosen, ledger);
    record_etcd(chosen, ledger);
    record_checks(chosen.check, ledger);
}

fn record_patroni(budget: &Budget, chosen: &Timers, ledger: &mut Ledger) {
    const PATRONI: &str = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
    let mut timer = |name: &'static str, value: u32, why: &'static str, change: fn(&mut Failover) -> &mut u32| {
        let attribute = format!("failover.{name}");
        let mut from = vec![attribute.clone()];
        if (budget.rto.is_some() || budget.rpo.is_some()) && !budget.written.contains(&name) {
            from.push("failover.rto".into());
        }
        ledger.add(&attribute, format!("{value} s"), from, why, PATRONI, move |c| *change(&mut c.failover) += 1);
    };
    const TTL: &str = "A primary that stops responding keeps its lock this long. Patroni's minimum is 20.";
    timer("ttl", chosen.ttl, TTL, |failover| &mut failover.ttl);
    const LOOP: &str = "Patroni checks this often. It notices a crash at the next check, and renews the lock at each.";
    timer("loop_wait", chosen.loop_wait, LOOP, |failover| &mut failover.loop_wait);
    const RETRY: &str = "Patroni retries etcd this long before a primary steps down. loop_wait + 2 x retry_timeout must not exceed ttl.";
    timer("retry_timeout", chosen.retry_timeout, RETRY, |failover| &mut failover.retry_timeout);
    let (synchronous, commits) = match chosen.synchronous {
        Synchronous::Off => {
            ("off", "A commit waits for no standby. A failover may lose the last acknowledged commits.")
        }
        Synchronous::On => (
            "on",
            "A commit waits for a standby, so that a failover loses nothing that was acknowledged. Any standby counts, so the loss of \
             one delays no commit. While no standby is left, commits do not wait: most users would rather write to one machine than not \
             at all. \"strict\" chooses the other.",
        ),
        Synchronous::Strict => (
            "strict",
            "A commit waits for a standby, so that a failover loses nothing that was acknowledged. Any standby counts, so the loss of \
             one delays no commit. While no standby is left, all commits wait: no acknowledged write is ever on one machine only.",
        ),
    };
    let crash = match chosen.synchronous.is_on() {
        true => "A crashed primary is replaced at once, because the standbys have every acknowledged commit.",
        false => "A crashed primary may recover first, because no standby is sure to have every acknowledged commit.",
    };
    ledger.attribute(
        "failover.synchronous",
        synchronous,
        commits,
        "https://patroni.readthedocs.io/en/latest/replication_modes.html",
        |c| {
            c.failover.synchronous = match c.failover.synchronous {
                Synchronous::Off => Synchronous::On,
                Synchronous::On | Synchronous::Strict => Synchronous::Off,
            }
        },
    );
    if chosen.synchronous.is_on() {
        ledger.add(
            "patroni.synchronous_node_count",
            format!("{} standbys", chosen.synchronous_nodes),
            list(["slaves.count", "network.zones"]),
            "A commit waits for as many standbys as there are databases in the fullest zone, if others are left. If a zone is \
             lost, a machine in another zone therefore has every acknowledged commit.",
            "https://patroni.readthedocs.io/en/latest/replication_modes.html#quorum-commit-mode",
            |c| c.synchronous_nodes += 1,
        );
    }
    ledger.add(
        "patroni.primary_start_timeout",
        format!("{} s", chosen.primary_start_timeout),
        list(["failover.synchronous", "failover.rto"]),
        crash,
        "measured: 3 of 10 crashes lost an acknowledged row at 0 s without synchronous mode, none with it",
        |c| c.primary_start_timeout += 1,
    );
}

fn record_etcd(chosen: &Timers, ledger: &mut Ledger) {
    const TUNING: &str = "https://etcd.io/docs/v3.5/tuning/";
    ledger.add(
        "etcd.election_timeout",
        format!("{} ms", chosen.etcd.election),
        list(["etcd.heartbeat_interval"]),
        "Seven heartbeats: etcd demands five, and its default is ten. If the primary's machine led etcd, its lock lives up to three of these \
         times longer. The primary keeps its role only if an election ends before Patroni stops retrying.",
        "https://etcd.io/docs/v3.5/tuning/; measured in the lab: with 2000 ms the primary stepped down in 2 of 3 trials in which etcd's \
         leader was cut off, with 1000 ms in none; if the primary's machine led etcd, writes stopped for 22.1 and 22.5 s with 700 ms",
        |c| c.etcd.election += 1,
    );
    ledger.add(
        "etcd.heartbeat_interval",
        format!("{} ms", chosen.etcd.heartbeat),
        vec![],
        "etcd's own default. Zones are 1 to 2 ms apart, so many heartbeats in a row would have to be lost or delayed.",
        TUNING,
        |c| c.etcd.heartbeat += 1,
    );
}

fn record_checks(check: HealthCheck, ledger: &mut Ledger) {
    const HAPROXY: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-inter; measured: with 1 s, 500 ms and 1 s a switchover \
                           took 2.13 s and a crash 1.5 s, with 500 ms, 200 ms and 200 ms 1.51 s and 0.99 s (medians of 5); downinter once more when a check also wants PostgreSQL to be promoted";
    let mut record = |name: &str, value: String, why, change: fn(&mut HealthCheck) -> &mut u32| {
        ledger.add(name, value, vec![], why, HAPROXY, move |c| *change(&mut c.haproxy.check) += 1);
    };
    let HealthCheck { inter, fastinter, downinter, fall, read_fall, rise } = check;
    record("haproxy.inter", format!("{inter} ms"), "HAProxy checks each server this often.", |check| &mut check.inter);
    const SOONER: &str = "HAProxy checks a server that is about to change its state sooner.";
    record("haproxy.fastinter", format!("{fastinter} ms"), SOONER, |check| &mut check.fastinter);
    const DOWN: &str =
        "HAProxy also checks a server that is down at shorter intervals, because the next primary is one of them.";
    record("haproxy.downinter", format!("{downinter} ms"), DOWN, |check| &mut check.downinter);
    const TWICE: &str = "One failed check may be chance. Two are not.";
    record("haproxy.fall", format!("{fall} checks"), TWICE, |check| &mut check.fall);
    ledger.add(
        "haproxy.read_fall",
        format!("{read_fall} checks"),
        list(["haproxy.read_staleness", "postgres.wal_receiver_timeout"]),
        "After this many checks in which a standby follows no primary, its readers are disconnected. With wal_receiver_timeout, that is how \
         old their reads can become. A failover that ends earlier disconnects nobody.",
        HAPROXY,
        |c| c.haproxy.check.read_fall += 1,
    );
    let mut record = |name: &str, value: String, why, change: fn(&mut HealthCheck) -> &mut u32| {
        ledger.add(name, value, vec![], why, HAPROXY, move |c| *change(&mut c.haproxy.check) += 1);
    };
    const ONCE: &str = "The first good check is already reliable.";
    record("haproxy.rise", format!("{rise} checks"), ONCE, |check| &mut check.rise);
}
