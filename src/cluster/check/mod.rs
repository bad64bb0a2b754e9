//! Predicts what a cluster will do before it exists: how long writes stop and what is lost with each fault, what it can lose,
//! whether its sizes add up, and which rules it violates. All of this follows from the blueprint alone.

pub mod access;
mod budget;
pub mod capacity;
pub mod copies;
mod finding;
mod layout;
mod network;
pub mod quorum;
mod quotas;
mod region;
pub mod replay;
mod server;
mod shared_memory;
pub mod story;
pub mod sum;
pub mod support;
#[cfg(test)]
mod tests;
mod text;
pub mod ways;

use serde::Serialize;

use super::Cluster;
use super::fault::{Fault, Prediction, Term, predict, staleness};
use super::timing::Timers;
use crate::blueprint::rules;
use crate::blueprint::rules::Severity;
use access::Door;
use copies::SingleCopy;
use quorum::Quorum;
use replay::ReplayWait;
use sum::Sum;
use ways::Way;

pub use budget::BudgetCheck;
pub use finding::Finding;
pub use support::Day;

/// The result of checking a cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What each fault does.
    pub faults: Vec<Prediction>,
    /// The terms whose sum is how old reads of a standby become that is cut off from its primary; `None` where no timer bounds them.
    pub staleness: Option<Vec<Term>>,
    /// When an acknowledged write may be on one machine only.
    pub single_copy: SingleCopy,
    /// How long a failover may wait, beyond the predictions, for reads on the standby that takes over.
    pub replay_wait: ReplayWait,
    /// The ways in which clients can reach the cluster.
    pub ways: Vec<Way>,
    /// The failover budget, where the blueprint states one.
    pub budget: Option<BudgetCheck>,
    /// What the cluster can lose while writes continue.
    pub quorum: Quorum,
    /// The sums that must stay within a limit.
    pub capacity: Vec<Sum>,
    /// The ports that are open to others.
    pub access: Vec<Door>,
    /// The rules that are violated.
    pub findings: Vec<Finding>,
    /// The rules that are violated, and that the blueprint accepts.
    pub accepted: Vec<Accepted>,
}

/// A violated rule that the blueprint accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// The blueprint's reason.
    pub reason: String,
}

impl Check {
    /// Returns the number of findings that are errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity == Severity::Error).count()
    }
}

fn key(finding: &Finding) -> (Severity, &str, &str) {
    (finding.rule.severity, finding.rule.code, &finding.attribute)
}

/// Checks a cluster without the rules that depend on the date. What `gen` writes, and whether it does, follows from the blueprint
/// alone.
pub fn check(cluster: &Cluster) -> Check {
    judge(cluster, None)
}

/// Checks a cluster on a date, because each major of PostgreSQL is maintained only until its last day.
pub fn check_on(cluster: &Cluster, today: Day) -> Check {
    judge(cluster, Some(today))
}

fn judge(cluster: &Cluster, today: Option<Day>) -> Check {
    let timers = Timers::of(cluster);
    let capacity = capacity::sums(cluster);
    let mut all = layout::findings(cluster);
    all.extend(budget::findings(cluster, &timers));
    all.extend(capacity::findings(cluster, &capacity));
    all.extend(server::findings(cluster));
    all.extend(access::findings(cluster));
    all.extend(quotas::findings(cluster));
    all.extend(text::findings(cluster));
    all.extend(today.and_then(|today| support::finding(cluster, today)));
    all.extend(region::findings(cluster));
    // A setting that exceeds the limits of both kinds of machines is reported once.
    all.sort_by(|a, b| key(a).cmp(&key(b)));
    all.dedup_by(|b, a| key(a) == key(b));
    let (accepted, mut findings): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|finding| cluster.blueprint.accepted.contains_key(finding.rule.code));
    // Without a date, nothing is known about the rules that depend on it.
    let unknown = |code: &str| today.is_none() && support::RULES.iter().any(|rule| rule.code == code);
    for code in cluster.blueprint.accepted.keys().filter(|code| !unknown(code)) {
        if accepted.iter().all(|finding| finding.rule.code != *code) {
            findings.push(Finding::new(
                &rules::ACCEPT_UNUSED,
                &format!("accept.{code}"),
                format!("{code} is accepted, but nothing violates it"),
                "remove the block, so that a later violation is reported",
            ));
        }
    }
    let reason = |finding: Finding| Accepted { reason: cluster.blueprint.accepted[finding.rule.code].clone(), finding };
    Check {
        faults: Fault::ALL.iter().map(|fault| predict(&timers, *fault)).collect(),
        staleness: staleness(&timers),
        single_copy: SingleCopy::of(&timers),
        replay_wait: ReplayWait::of(cluster),
        ways: ways::ways(cluster),
        budget: budget::budget_check(cluster, &timers),
        quorum: quorum::quorum(cluster),
        capacity,
        access: access::doors(cluster),
        findings,
        accepted: accepted.into_iter().map(reason).collect(),
    }
}
