//! What a cluster will do, before it exists: how long writes stop and what is lost by kind of fault, what it can spare,
//! whether its sizes add up, and which rules it breaks. All of it follows from the blueprint alone.

pub mod access;
mod budget;
pub mod capacity;
mod finding;
mod layout;
mod network;
pub mod quorum;
mod quotas;
mod region;
mod server;
mod shared_memory;
pub mod story;
pub mod sum;
pub mod support;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

use super::Cluster;
use super::fault::{Fault, Prediction, predict};
use super::timing::Timers;
use crate::blueprint::diagnostic::Severity;
use crate::blueprint::rules;
use access::Door;
use quorum::Quorum;
use sum::Sum;

pub use budget::Kept;
pub use finding::Finding;
pub use support::Day;

/// What is known of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What each fault does.
    pub faults: Vec<Prediction>,
    /// What a failover may cost, where the blueprint says so.
    pub budget: Option<Kept>,
    /// What may be lost while writes go on.
    pub quorum: Quorum,
    /// Sums that must stay within a limit.
    pub capacity: Vec<Sum>,
    /// Ways in from outside.
    pub access: Vec<Door>,
    /// Rules that are broken.
    pub findings: Vec<Finding>,
    /// Rules that are broken with the blueprint's consent.
    pub accepted: Vec<Accepted>,
}

/// A broken rule that the blueprint accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why it is right here.
    pub reason: String,
}

impl Check {
    /// How many of its findings are errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity == Severity::Error).count()
    }
}

fn key(finding: &Finding) -> (Severity, &str, &str) {
    (finding.rule.severity, finding.rule.code, &finding.attribute)
}

/// Judges a cluster by what no day changes: what `gen` writes, and whether it does, follows from the blueprint alone.
pub fn check(cluster: &Cluster) -> Check {
    judge(cluster, None)
}

/// Judges a cluster on a day: a major of PostgreSQL is mended for so long.
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
    // A setting that fits on neither kind of machine is said once.
    all.sort_by(|a, b| key(a).cmp(&key(b)));
    all.dedup_by(|b, a| key(a) == key(b));
    let (accepted, mut findings): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|finding| cluster.accepted.contains_key(finding.rule.code));
    // Nothing is known of rules that only a day can break where there is none.
    let unknown = |code: &str| today.is_none() && support::RULES.iter().any(|rule| rule.code == code);
    for code in cluster.accepted.keys().filter(|code| !unknown(code)) {
        if accepted.iter().all(|finding| finding.rule.code != *code) {
            findings.push(Finding::new(
                &rules::ACCEPT_UNUSED,
                &format!("accept.{code}"),
                format!("{code} is accepted, and nothing breaks it"),
                "take the block out, so that the rule is heard again when it is broken",
            ));
        }
    }
    let reason = |finding: Finding| Accepted { reason: cluster.accepted[finding.rule.code].clone(), finding };
    Check {
        faults: Fault::ALL.iter().map(|fault| predict(&timers, *fault)).collect(),
        budget: budget::kept(cluster, &timers),
        quorum: quorum::quorum(cluster),
        capacity,
        access: access::doors(cluster),
        findings,
        accepted: accepted.into_iter().map(reason).collect(),
    }
}
