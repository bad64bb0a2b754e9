//! Judges what one HAProxy shows of itself: whether it is the one that was meant, and whether it serves clients.

use std::net::IpAddr;

use super::{Problem, Reach};
use crate::pipeline::{ClusterAccess, Expected};
use crate::run::observe::{Fact, Observation, View};

/// What a HAProxy shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyVerdict {
    /// Its machine.
    pub machine: String,
    /// The address at which it was asked.
    pub address: IpAddr,
    /// How much of the cluster was reached through it.
    pub reach: Reach,
    /// Whether its own checks find a primary.
    pub has_primary: bool,
    /// Whether it leads clients to the primary.
    pub serves: bool,
    /// What is wrong with what answers at its address, if something is.
    pub identity: Option<Problem>,
    /// What is wrong with what it does for clients.
    pub service: Vec<Problem>,
}

/// The statuses of `/cluster` when no Patroni is behind it: Patroni's own errors, and HAProxy's for servers that fail, are absent or are
/// slow (<https://docs.haproxy.org/3.0/configuration.html#1.3.1>).
const FROM_HAPROXY: [u16; 4] = [500, 502, 503, 504];

/// Judges a HAProxy by what was observed through it.
pub fn judge(expected: &Expected, access: &ClusterAccess, seen: &Observation) -> HaproxyVerdict {
    let (reach, identity) = identity(expected, access, seen);
    let mut verdict = HaproxyVerdict {
        machine: seen.haproxy.machine.clone(),
        address: seen.haproxy.address,
        reach,
        has_primary: false,
        serves: false,
        identity,
        service: vec![],
    };
    // What answers is not this cluster's HAProxy, so nothing else that it says is about this cluster.
    if reach == Reach::OtherCluster {
        return verdict;
    }
    let haproxy = || seen.haproxy.machine.clone();
    match seen.health.as_ref().map(|health| &health.value) {
        None => {}
        Some(Ok(200)) => verdict.has_primary = true,
        Some(Ok(status)) => {
            verdict.service.push(Problem::NoPrimaryBehindHaproxy { haproxy: haproxy(), status: *status });
        }
        Some(Err(why)) => verdict.service.push(Problem::NoHealth { haproxy: haproxy(), why: why.clone() }),
    }
    verdict.serves = verdict.has_primary && answers(&seen.write);
    // Nothing came back from the address at all. That its ports do not respond either adds nothing.
    let is_blind = reach == Reach::Nothing;
    for (port, probe) in [(&access.write, &seen.write), (&access.read, &seen.read)].into_iter().filter(|_| !is_blind) {
        if let Some(Err(why)) = probe.as_ref().map(|probe| &probe.value) {
            let (service, at) = (port.service, port.on(seen.haproxy.address));
            verdict.service.push(Problem::NoPostgres { haproxy: haproxy(), service, at, why: why.clone() });
        }
    }
    verdict
}

/// Returns how much of the cluster was reached, and what is wrong with what answered.
fn identity(expected: &Expected, access: &ClusterAccess, seen: &Observation) -> (Reach, Option<Problem>) {
    let (haproxy, at) = (seen.haproxy.machine.clone(), access.admin.on(seen.haproxy.address));
    match &seen.view.value {
        View::NoAnswer { why, is_open } => {
            let is_there = *is_open || answers(&seen.write) || answers(&seen.read);
            let reach = if is_there { Reach::Address } else { Reach::Nothing };
            (reach, Some(Problem::NoAnswer { haproxy, at, why: why.clone() }))
        }
        View::Cluster(view) if view.scope != expected.cluster => {
            let (name, expected) = (view.scope.clone(), expected.cluster.clone());
            (Reach::OtherCluster, Some(Problem::OtherCluster { haproxy, at, name, expected }))
        }
        View::Cluster(_) => (Reach::Haproxy, None),
        View::Unreadable(why) => (Reach::Haproxy, Some(Problem::UnreadableView { haproxy, why: why.clone() })),
        View::Status(status) if FROM_HAPROXY.contains(status) => {
            (Reach::Haproxy, Some(Problem::NoDatabase { haproxy, status: *status }))
        }
        View::Status(status) => (Reach::OtherCluster, Some(Problem::OtherServer { haproxy, at, status: *status })),
    }
}

fn answers(probe: &Option<Fact<Result<(), String>>>) -> bool {
    probe.as_ref().is_some_and(|fact| fact.value.is_ok())
}
