//! Compares the timers with the budget that the blueprint states for a failover.

use serde::Serialize;

use super::Finding;
use crate::blueprint::model::Budget;
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::cluster::fault::{Fault, Prediction, predict, promotion, seconds as shown};
use crate::cluster::timing::{MAX_STANDBY_DELAY, Timers, replay_delay};

/// Patroni's minimum, in seconds: <https://patroni.readthedocs.io/en/latest/dynamic_configuration.html>.
const LEAST_TTL: u32 = 20;

/// A failover budget, and the worst fault that it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetCheck {
    /// How long writes may stop, in seconds.
    pub rto: Option<u32>,
    /// How much may be lost, in seconds of writes.
    pub rpo: Option<u32>,
    /// The worst fault that it covers.
    pub worst: &'static str,
    /// How long writes stop then, in milliseconds. `None` means that no timer ends it.
    pub worst_ms: Option<u32>,
}

/// Returns the budget, where the blueprint states one.
pub fn budget_check(cluster: &Cluster, timers: &Timers) -> Option<BudgetCheck> {
    let Budget { rto, rpo, .. } = cluster.blueprint.budget;
    let worst = worst(timers);
    (rto.is_some() || rpo.is_some()).then(|| BudgetCheck { rto, rpo, worst: worst.title, worst_ms: worst.bound() })
}

pub fn findings(cluster: &Cluster, timers: &Timers) -> Vec<Finding> {
    let budget = &cluster.blueprint.budget;
    let mut found = vec![];
    found.extend(rto(budget, timers));
    found.extend(rpo(budget, timers));
    let election = timers.etcd.longest_election();
    if election > timers.patience() {
        found.push(Finding::new(
            &rules::ELECTION_OUTLASTS_RETRY,
            "failover.retry_timeout",
            format!(
                "etcd may have no leader for {}, and Patroni retries its other members for {} before the primary steps down",
                shown(election),
                shown(timers.patience())
            ),
            format!("set retry_timeout = {} or more", timers.least_retry_timeout()),
        ));
    }
    let all_awaited = (1..=timers.synchronous_nodes as usize).contains(&timers.standbys);
    if cluster.failover.synchronous.is_on()
        && timers.standbys > 0
        && timers.wal_sender_timeout == 0
        && (budget.rto.is_none() || !all_awaited)
    {
        found.push(Finding::new(
            &rules::STANDBY_HOLDS_COMMITS,
            "postgres.settings.wal_sender_timeout",
            "the primary never gives up a standby whose machine died; if no other is left, commits wait until the kernel closes its connection, which may take a quarter of an hour",
            "remove the setting; the default is 10 s",
        ));
    }
    found.extend(replay(cluster, timers));
    if budget.rto.is_some() && timers.haproxies == 1 {
        found.push(Finding::new(
            &rules::RTO_WITHOUT_HAPROXY,
            "failover.rto",
            "the rto covers what the cluster heals by itself; when HAProxy's machine or its zone is lost, clients wait until it is back",
            "set haproxy { count = 2 }, or decide how you would replace HAProxy, and accept the rule with that as the reason",
        ));
    }
    found
}

fn rto(budget: &Budget, timers: &Timers) -> Option<Finding> {
    let rto = budget.rto?;
    let worst = worst(timers);
    let Some(bound) = worst.bound() else {
        let problem = format!("{}: writes stop until {}", worst.title, worst.until.unwrap_or_default());
        let help = match worst.fault {
            Fault::SyncStandby => "remove wal_sender_timeout; the default is 10 s",
            _ => "set slaves { count = 2 }, or remove rto",
        };
        return Some(Finding::new(&rules::RTO_UNMET, "failover.rto", problem, help));
    };
    if bound <= rto * 1000 {
        return None;
    }
    let sum: Vec<String> = worst.outage.iter().map(|term| format!("{} {}", term.name, shown(term.ms))).collect();
    let problem =
        format!("{}: writes may stop for {} ({}), but rto is {rto} s", worst.title, shown(bound), sum.join(" + "));
    Some(Finding::new(&rules::RTO_UNMET, "failover.rto", problem, rto_help(budget, timers, rto)))
}

/// Returns which term is too large, and what makes it smaller.
fn rto_help(budget: &Budget, timers: &Timers, rto: u32) -> String {
    let patience = timers.least_retry_timeout();
    let least = [
        ("ttl", timers.ttl, LEAST_TTL),
        ("loop_wait", timers.loop_wait, 1),
        ("retry_timeout", timers.retry_timeout, patience),
    ];
    let fastest = Timers { ttl: LEAST_TTL, loop_wait: 1, retry_timeout: patience.min(timers.retry_timeout), ..*timers };
    let possible = worst(&fastest).bound().unwrap_or_default().div_ceil(1000);
    let written: Vec<&str> = (least.iter())
        .filter(|(name, value, least)| budget.written.contains(name) && value > least)
        .map(|(name, ..)| *name)
        .collect();
    if possible <= rto && !written.is_empty() {
        let (are, them) = if written.len() == 1 { ("is", "it") } else { ("are", "them") };
        let names = written.join(" and ");
        return format!("{names} {are} set too high: remove {them}, and pgherd chooses values that meet the rto");
    }
    format!(
        "ttl is too large, and Patroni's minimum is {LEAST_TTL} s; the least rto that can be promised is {possible} s: set rto = \"{possible}s\" or more"
    )
}

/// Reports reads that may delay a promotion: a standby replays what it has received first, and replay waits for reads that conflict.
fn replay(cluster: &Cluster, timers: &Timers) -> Option<Finding> {
    if timers.standbys == 0 {
        return None;
    }
    let delay = replay_delay(&cluster.postgres);
    let promotes = Fault::covered().map(|fault| predict(timers, fault)).filter(|p| p.outage.contains(&promotion()));
    let longest = promotes.filter_map(|prediction| prediction.bound()).max().unwrap_or_default();
    let rto = cluster.blueprint.budget.rto.filter(|rto| {
        let rto = rto * 1000;
        longest <= rto && delay.is_none_or(|delay| longest.saturating_add(delay) > rto)
    });
    let (attribute, than) = match rto {
        Some(rto) => ("failover.rto", format!("the rto of {rto} s does not include that")),
        None if delay.is_none_or(|ms| ms > MAX_STANDBY_DELAY) => {
            let written = ["max_standby_streaming_delay", "max_standby_archive_delay"];
            let set = |name: &&str| cluster.postgres.settings.contains_key(*name);
            let name = written.into_iter().find(set).unwrap_or(written[0]);
            (&*format!("postgres.settings.{name}"), "the predictions of `pgherd check` do not include that".to_string())
        }
        None => return None,
    };
    let how_long = delay.map_or("as long as it runs".to_string(), |ms| format!("for {}", shown(ms)));
    let problem = format!("a read on the standby that takes over may delay its promotion {how_long}; {than}");
    let help = "set max_standby_streaming_delay and max_standby_archive_delay to the time that a failover may wait (\"1s\"; hot_standby_feedback then avoids cancelled reads), or accept the rule";
    Some(Finding::new(&rules::REPLAY_HELD_UP, attribute, problem, help))
}

fn rpo(budget: &Budget, timers: &Timers) -> Option<Finding> {
    let rpo = budget.rpo?;
    let broken =
        Fault::covered().map(|fault| predict(timers, fault)).find(|p| p.lost().is_none_or(|ms| ms > rpo * 1000))?;
    let lost = match broken.lost() {
        Some(ms) => format!("up to {} of writes may be lost", shown(ms)),
        None => format!("{} is lost", broken.unbounded_loss.unwrap_or_default()),
    };
    let help = if timers.standbys == 0 {
        "set slaves { count = 2 }: only a second copy survives the loss of a disk"
    } else {
        "set synchronous = true, or remove the line `synchronous = false`: then no acknowledged commit is lost"
    };
    let problem = format!("{}: {lost}, but rpo is {rpo} s ({})", broken.title, broken.because);
    Some(Finding::new(&rules::RPO_UNMET, "failover.rpo", problem, help))
}

fn worst(timers: &Timers) -> Prediction {
    let all = Fault::covered().map(|fault| predict(timers, fault));
    // The first fault that no timer ends, or else the longest one.
    all.reduce(|a, b| if a.bound().is_some() && b.bound().is_none_or(|ms| Some(ms) > a.bound()) { b } else { a })
        .expect("Fault::covered() is never empty")
}
