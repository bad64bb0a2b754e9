//! Compares an observation with what the blueprint expects. Pure: it makes no requests.

pub mod etcd;

use std::net::SocketAddr;

use etcd::EtcdProblem;

use super::observe::{Fact, Member, Observation, Silent, Standing, View};
use crate::pipeline::{ClusterAccess, Expected, ExpectedMachine, Service};

/// Something that keeps a cluster from being healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// HAProxy's admin port did not respond.
    NoAnswer {
        /// Where it was asked.
        at: SocketAddr,
        /// Why there is no response.
        why: String,
    },
    /// Another cluster answered at HAProxy's address.
    OtherCluster {
        /// Where it answered.
        at: SocketAddr,
        /// Its name; empty if it does not say.
        name: String,
        /// The name of the cluster that was meant.
        expected: String,
    },
    /// Something that is not HAProxy answered at its address.
    OtherServer {
        /// Where it answered.
        at: SocketAddr,
        /// The HTTP status of its answer.
        status: u16,
    },
    /// Patroni's view could not be read.
    UnreadableView(String),
    /// HAProxy has no database machine behind it.
    NoDatabase {
        /// The status of its answer.
        status: u16,
    },
    /// HAProxy's checks find no primary.
    NoPrimaryBehindHaproxy {
        /// The status of its answer.
        status: u16,
    },
    /// HAProxy did not report its health.
    NoHealth(String),
    /// The primary does not run.
    PrimaryIs {
        /// The primary's address.
        host: String,
        /// Its state, in Patroni's words.
        state: String,
    },
    /// No member is the primary.
    NoPrimary,
    /// Several members are primaries.
    SeveralPrimaries(usize),
    /// A database machine is not a member.
    NotMember {
        /// Its name.
        machine: String,
    },
    /// A standby does not stream.
    NotStreaming {
        /// Its name.
        machine: String,
        /// Its state, in Patroni's words.
        state: String,
    },
    /// A standby is on another timeline than the primary.
    OtherTimeline {
        /// Its name.
        machine: String,
        /// Its timeline.
        timeline: Option<u64>,
        /// The primary's.
        primary: u64,
    },
    /// A standby has to be synchronous, and none is.
    NoSyncStandby,
    /// PostgreSQL does not respond at a port of HAProxy.
    NoPostgres {
        /// Which port: the one for writes or the one for reads.
        service: Service,
        /// Where it was asked.
        at: SocketAddr,
        /// Why there is no response.
        why: String,
    },
    /// A machine does not respond to HAProxy's checks.
    Silent(Silent),
    /// Something is wrong with etcd.
    Etcd(EtcdProblem),
}

impl Problem {
    /// Returns the machine that the problem concerns, if it concerns one.
    pub fn machine(&self) -> Option<&str> {
        match self {
            Problem::NotMember { machine }
            | Problem::NotStreaming { machine, .. }
            | Problem::OtherTimeline { machine, .. }
            | Problem::Silent(Silent { machine, .. }) => Some(machine),
            Problem::Etcd(problem) => problem.machine(),
            _ => None,
        }
    }
}

/// How much of the cluster an observation reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nothing came back from HAProxy's address. The cluster may be healthy.
    Nothing,
    /// The address accepts or refuses connections, but HAProxy's admin port does not respond.
    Address,
    /// Another cluster answered. Nothing is known of this one.
    OtherCluster,
    /// HAProxy answered.
    Haproxy,
}

/// The result of judging an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How much of the cluster the observation reached.
    pub reach: Reach,
    /// The members that Patroni knows. Empty if another cluster answered.
    pub members: Vec<Member>,
    /// Whether HAProxy's own checks find a primary. They are seconds old, while Patroni's view may be as old as its ttl.
    pub has_primary: bool,
    /// Whether etcd has no majority. Patroni's view is then what it read before that.
    pub lost_majority: bool,
    /// Machines that do not respond, if that was asked.
    pub silent: Vec<Silent>,
    /// What keeps the cluster from being healthy. Empty means healthy.
    pub problems: Vec<Problem>,
}

impl Verdict {
    /// Returns whether nothing of the cluster was observed.
    pub fn is_blind(&self) -> bool {
        self.reach == Reach::Nothing
    }

    /// Returns whether the cluster is healthy.
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns how a machine is silent. Returns `None` if it is not, or if the machines were not asked.
    pub fn silence(&self, machine: &ExpectedMachine) -> Option<&Silent> {
        self.silent.iter().find(|silent| silent.machine == machine.name)
    }

    /// Returns the member on a machine.
    pub fn member(&self, machine: &ExpectedMachine) -> Option<&Member> {
        member(&self.members, machine)
    }
}

/// The statuses of `/cluster` when no Patroni is behind it: Patroni's own errors, and HAProxy's for servers that fail, are absent or are
/// slow (<https://docs.haproxy.org/3.0/configuration.html#1.3.1>).
const FROM_HAPROXY: [u16; 4] = [500, 502, 503, 504];

/// Judges an observation.
pub fn judge(expected: &Expected, access: &ClusterAccess, seen: &Observation) -> Verdict {
    let at = access.admin.on(seen.haproxy);
    let mut verdict = Verdict {
        reach: Reach::Haproxy,
        members: vec![],
        has_primary: false,
        lost_majority: false,
        silent: vec![],
        problems: vec![],
    };
    match &seen.view.value {
        View::NoAnswer { why, is_open } => {
            let answers =
                |probe: &Option<Fact<Result<(), String>>>| probe.as_ref().is_some_and(|fact| fact.value.is_ok());
            let is_there = *is_open || answers(&seen.write) || answers(&seen.read);
            verdict.reach = if is_there { Reach::Address } else { Reach::Nothing };
            verdict.problems.push(Problem::NoAnswer { at, why: why.clone() });
        }
        View::Cluster(view) if view.scope != expected.cluster => {
            verdict.reach = Reach::OtherCluster;
            let (name, expected) = (view.scope.clone(), expected.cluster.clone());
            verdict.problems.push(Problem::OtherCluster { at, name, expected });
        }
        View::Cluster(view) => {
            verdict.problems.extend(of_members(expected, &view.members));
            verdict.members.clone_from(&view.members);
        }
        View::Unreadable(why) => verdict.problems.push(Problem::UnreadableView(why.clone())),
        View::Status(status) if FROM_HAPROXY.contains(status) => {
            verdict.problems.push(Problem::NoDatabase { status: *status });
        }
        View::Status(status) => {
            verdict.reach = Reach::OtherCluster;
            verdict.problems.push(Problem::OtherServer { at, status: *status });
        }
    }
    // What answers is not this cluster's HAProxy, so nothing else that it says is about this cluster.
    if verdict.reach == Reach::OtherCluster {
        return verdict;
    }
    match seen.health.as_ref().map(|health| &health.value) {
        None => {}
        Some(Ok(200)) => verdict.has_primary = true,
        Some(Ok(status)) => verdict.problems.push(Problem::NoPrimaryBehindHaproxy { status: *status }),
        Some(Err(why)) => verdict.problems.push(Problem::NoHealth(why.clone())),
    }
    if let Some(answers) = &seen.etcd {
        let problems = etcd::judge(expected, &answers.value);
        let lost = |problem: &EtcdProblem| matches!(problem, EtcdProblem::NoMajority { reporting: 1.., .. });
        verdict.lost_majority = problems.iter().any(lost);
        // Without etcd, Patroni cannot tell its view, and says so with an error. The machines are there.
        verdict.problems.retain(|problem| !(verdict.lost_majority && matches!(problem, Problem::NoDatabase { .. })));
        verdict.problems.splice(0..0, problems.into_iter().map(Problem::Etcd));
    }
    // Nothing came back from the address at all. That its ports do not respond either adds nothing.
    let is_blind = verdict.is_blind();
    for (port, probe) in [(&access.write, &seen.write), (&access.read, &seen.read)].into_iter().filter(|_| !is_blind) {
        if let Some(Err(why)) = probe.as_ref().map(|probe| &probe.value) {
            let (service, at) = (port.service, port.on(seen.haproxy));
            verdict.problems.push(Problem::NoPostgres { service, at, why: why.clone() });
        }
    }
    if let Some(silent) = &seen.silent {
        let is_ours = |silent: &&Silent| expected.machines.iter().any(|machine| machine.name == silent.machine);
        verdict.silent = silent.value.iter().filter(is_ours).cloned().collect();
        // Patroni's view of a silent machine is out of date.
        let of_silent = |name: &str| verdict.silent.iter().any(|silent| silent.machine == name);
        let is_told = |problem: &Problem| match problem {
            // etcd may still report from there, and what it reports is not.
            Problem::Etcd(problem) => !matches!(problem, EtcdProblem::NoReport { .. }),
            _ => false,
        };
        verdict.problems.retain(|problem| is_told(problem) || !problem.machine().is_some_and(of_silent));
        verdict.problems.splice(0..0, verdict.silent.iter().cloned().map(Problem::Silent));
    }
    verdict
}

/// Returns the problems of these members. A healthy cluster has one primary, and every other database streams from it on its
/// timeline.
fn of_members(expected: &Expected, members: &[Member]) -> Vec<Problem> {
    let mut problems = vec![];
    let primaries: Vec<&Member> = members.iter().filter(|m| m.standing() == Standing::Primary).collect();
    let timeline = match primaries[..] {
        [primary] => {
            if primary.state != "running" {
                problems.push(Problem::PrimaryIs { host: primary.host.clone(), state: primary.state.clone() });
            }
            primary.timeline
        }
        [] => {
            problems.push(Problem::NoPrimary);
            None
        }
        _ => {
            problems.push(Problem::SeveralPrimaries(primaries.len()));
            None
        }
    };
    for machine in expected.databases() {
        let name = || machine.name.clone();
        match (member(members, machine), timeline) {
            (None, _) => problems.push(Problem::NotMember { machine: name() }),
            (Some(member), _) if member.standing() == Standing::Primary => {}
            (Some(member), _) if member.state != "streaming" => {
                problems.push(Problem::NotStreaming { machine: name(), state: member.state.clone() });
            }
            (Some(member), Some(primary)) if member.timeline != Some(primary) => {
                problems.push(Problem::OtherTimeline { machine: name(), timeline: member.timeline, primary });
            }
            (Some(_), _) => {}
        }
    }
    let has_sync = members.iter().any(|m| m.standing() == Standing::SyncStandby);
    if expected.is_synchronous && expected.databases().count() > 1 && !has_sync {
        problems.push(Problem::NoSyncStandby);
    }
    problems
}

fn member<'a>(members: &'a [Member], machine: &ExpectedMachine) -> Option<&'a Member> {
    let address = machine.address.to_string();
    members.iter().find(|member| member.host == address)
}

#[cfg(test)]
mod tests;
