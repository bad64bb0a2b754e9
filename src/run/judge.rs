//! Compares what was observed through each HAProxy with what the blueprint expects. Pure: it makes no requests.

pub mod disk;
pub mod etcd;
mod haproxy;
mod merge;

use std::net::SocketAddr;

use disk::{DiskWarning, ShortDisk};
use etcd::EtcdProblem;
pub use haproxy::HaproxyVerdict;

use super::observe::disk::DiskAnswer;
use super::observe::etcd::EtcdAnswer;
use super::observe::{ClusterView, HaproxyAddress, Member, Observation, Silent, Standing};
use crate::pipeline::{ClusterAccess, Expected, ExpectedMachine, Service};

/// Something that keeps a cluster from being healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A HAProxy's admin port did not respond.
    NoAnswer {
        /// The machine of the HAProxy.
        haproxy: String,
        /// Where it was asked.
        at: SocketAddr,
        /// Why there is no response.
        why: String,
    },
    /// Another cluster answered at a HAProxy's address.
    OtherCluster {
        /// The machine of the HAProxy.
        haproxy: String,
        /// Where it answered.
        at: SocketAddr,
        /// Its name; empty if it does not say.
        name: String,
        /// The name of the cluster that was meant.
        expected: String,
    },
    /// Something that is not HAProxy answered at its address.
    OtherServer {
        /// The machine of the HAProxy.
        haproxy: String,
        /// Where it answered.
        at: SocketAddr,
        /// The HTTP status of its answer.
        status: u16,
    },
    /// Patroni's view could not be read.
    UnreadableView {
        /// The machine of the HAProxy that led to Patroni.
        haproxy: String,
        /// The parse error.
        why: String,
    },
    /// A HAProxy has no database machine behind it.
    NoDatabase {
        /// The machine of the HAProxy.
        haproxy: String,
        /// The status of its answer.
        status: u16,
    },
    /// A HAProxy's checks find no primary.
    NoPrimaryBehindHaproxy {
        /// The machine of the HAProxy.
        haproxy: String,
        /// The status of its answer.
        status: u16,
    },
    /// A HAProxy did not report its health.
    NoHealth {
        /// The machine of the HAProxy.
        haproxy: String,
        /// Why there is no response.
        why: String,
    },
    /// A HAProxy does not reach a machine that another one reaches.
    Unreached {
        /// The machine of the HAProxy.
        haproxy: String,
        /// The machine, and how the check fails.
        silent: Silent,
    },
    /// The HAProxies lead to views of Patroni that have different primaries.
    PrimariesDiffer(Vec<PrimarySeen>),
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
    /// PostgreSQL does not respond at a port of a HAProxy.
    NoPostgres {
        /// The machine of the HAProxy.
        haproxy: String,
        /// Which port: the one for writes or the one for reads.
        service: Service,
        /// Where it was asked.
        at: SocketAddr,
        /// Why there is no response.
        why: String,
    },
    /// A machine does not respond to HAProxy's checks.
    Silent(Silent),
    /// A disk is nearly full, or short of space with its reserve used.
    Disk(ShortDisk),
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
            | Problem::Silent(Silent { machine, .. })
            | Problem::Disk(ShortDisk { machine, .. })
            | Problem::NoAnswer { haproxy: machine, .. }
            | Problem::OtherCluster { haproxy: machine, .. }
            | Problem::OtherServer { haproxy: machine, .. }
            | Problem::UnreadableView { haproxy: machine, .. }
            | Problem::NoDatabase { haproxy: machine, .. }
            | Problem::NoPrimaryBehindHaproxy { haproxy: machine, .. }
            | Problem::NoHealth { haproxy: machine, .. }
            | Problem::Unreached { haproxy: machine, .. }
            | Problem::NoPostgres { haproxy: machine, .. } => Some(machine),
            Problem::Etcd(problem) => problem.machine(),
            Problem::PrimariesDiffer(_)
            | Problem::PrimaryIs { .. }
            | Problem::NoPrimary
            | Problem::SeveralPrimaries(_)
            | Problem::NoSyncStandby => None,
        }
    }
}

/// The primary in the view of Patroni to which a HAProxy leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimarySeen {
    /// The machine of the HAProxy.
    pub haproxy: String,
    /// The primary's machine, or its address if it is no machine of the blueprint. `None` if the view has no primary.
    pub primary: Option<String>,
}

/// How much of the cluster an observation reached, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// The result of judging what was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How much of the cluster the observations reached: as much as the best of them.
    pub reach: Reach,
    /// What each HAProxy shows of itself, in their order.
    pub haproxies: Vec<HaproxyVerdict>,
    /// The members that Patroni knows. Empty if another cluster answered.
    pub members: Vec<Member>,
    /// What each member of etcd reports. Empty if that was not asked.
    pub etcd: Vec<EtcdAnswer>,
    /// How full each database machine's disk is. Empty if that was not asked.
    pub disks: Vec<DiskAnswer>,
    /// Whether the checks of a HAProxy find a primary. They are seconds old, while Patroni's view may be as old as its ttl.
    pub has_primary: bool,
    /// Whether etcd has no majority. Patroni's view is then what it read before that.
    pub lost_majority: bool,
    /// Machines that no HAProxy reaches, if that was asked.
    pub silent: Vec<Silent>,
    /// What keeps the cluster from being healthy. Empty means healthy.
    pub problems: Vec<Problem>,
    /// What must be looked at, although the cluster is healthy.
    pub warnings: Vec<DiskWarning>,
}

impl Verdict {
    /// Returns whether nothing of the cluster was observed.
    pub fn is_blind(&self) -> bool {
        self.reach == Reach::Nothing
    }

    /// Returns whether another cluster answered at the address of a HAProxy.
    pub fn shows_other(&self) -> bool {
        self.haproxies.iter().any(|haproxy| haproxy.reach == Reach::OtherCluster)
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

    /// Returns how much was reached through the HAProxy on a machine. Returns `None` if it was not asked.
    pub fn haproxy(&self, machine: &ExpectedMachine) -> Option<&HaproxyVerdict> {
        self.haproxies.iter().find(|haproxy| haproxy.machine == machine.name)
    }
}

/// Judges what was observed through each HAProxy. What is said of HAProxy holds for each of them. What is said of the cluster is from
/// one that answers, and from the others only what that one does not reach.
pub fn judge(expected: &Expected, access: &ClusterAccess, seen: &[Observation]) -> Verdict {
    let haproxies: Vec<HaproxyVerdict> = seen.iter().map(|one| haproxy::judge(expected, access, one)).collect();
    let is_ours = |haproxy: &HaproxyVerdict| haproxy.reach != Reach::OtherCluster;
    // What another cluster says of itself is not about this one.
    let ours: Vec<&Observation> =
        seen.iter().zip(&haproxies).filter(|(_, haproxy)| is_ours(haproxy)).map(|(one, _)| one).collect();
    let views: Vec<(&HaproxyAddress, &ClusterView)> = ours.iter().filter_map(|one| one.cluster()).collect();
    // A Patroni whose HAProxy finds a primary knows more than one that may be cut off.
    let finds = |at: &HaproxyAddress| haproxies.iter().any(|one| one.machine == at.machine && one.has_primary);
    let view = views.iter().find(|(at, _)| finds(at)).or(views.first()).map(|(_, view)| *view);

    let answers = merge::etcd(&ours);
    let of_etcd = answers.as_deref().map(|answers| etcd::judge(expected, answers)).unwrap_or_default();
    let lost_majority = of_etcd.iter().any(|problem| matches!(problem, EtcdProblem::NoMajority { reporting: 1.., .. }));
    let disks = merge::disks(&ours).unwrap_or_default();
    let of_disks = disk::judge(expected, &disks);
    let (silent, unreached) = merge::silent(expected, &ours);

    let mut problems: Vec<Problem> = of_etcd.into_iter().map(Problem::Etcd).collect();
    problems.extend(of_disks.full.into_iter().map(Problem::Disk));
    problems.extend(haproxies.iter().filter_map(|haproxy| haproxy.identity.clone()));
    problems.extend(view.into_iter().flat_map(|view| of_members(expected, &view.members)));
    problems.extend(merge::disagreement(expected, &views));
    problems.extend(haproxies.iter().flat_map(|haproxy| haproxy.service.clone()));
    problems.extend(unreached);
    // Without etcd, Patroni cannot tell its view, and says so with an error. The machines are there.
    problems.retain(|problem| !(lost_majority && matches!(problem, Problem::NoDatabase { .. })));
    // Patroni's view of a silent machine is out of date.
    let of_silent = |name: &str| silent.iter().any(|silent| silent.machine == name);
    let is_told = |problem: &Problem| match problem {
        // etcd may still report from there, and what it reports is not. Neither is what its disk reports.
        Problem::Disk(_) => true,
        Problem::Etcd(problem) => !matches!(problem, EtcdProblem::NoReport { .. }),
        _ => false,
    };
    problems.retain(|problem| is_told(problem) || !problem.machine().is_some_and(of_silent));
    problems.splice(0..0, silent.iter().cloned().map(Problem::Silent));
    let mut warnings = of_disks.warnings;
    warnings.retain(|warning| !of_silent(warning.machine()) || !matches!(warning, DiskWarning::NoReport { .. }));
    Verdict {
        reach: haproxies.iter().map(|haproxy| haproxy.reach).max().unwrap_or(Reach::Nothing),
        has_primary: haproxies.iter().any(|haproxy| haproxy.has_primary),
        members: view.map(|view| view.members.clone()).unwrap_or_default(),
        etcd: answers.unwrap_or_default(),
        haproxies,
        lost_majority,
        disks,
        silent,
        problems,
        warnings,
    }
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
