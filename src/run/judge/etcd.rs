//! Judges what the members of etcd report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::Expected;
use crate::run::observe::etcd::{EtcdAnswer, EtcdReport, Listed};
use crate::run::observe::passage::NoReport;

/// A member that has this many raft entries still to apply is behind. Patroni writes a few entries each second, so this is about half
/// a minute; members that keep up lack one or two.
const BEHIND: u64 = 100;
/// The percentage of the quota at which the database counts as nearly full. etcd refuses every write at 100.
const NEARLY_FULL: u64 = 80;

/// Something that is wrong with etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EtcdProblem {
    /// HAProxy's configuration is older than this one and gives no access to etcd.
    NotAsked,
    /// A member reports nothing.
    NoReport {
        /// Its machine.
        machine: String,
        /// Why.
        why: NoReport,
    },
    /// No member that reports has a leader, so etcd has no majority and accepts no writes.
    NoMajority {
        /// How many members report.
        reporting: usize,
        /// How many members etcd has.
        members: usize,
    },
    /// A member has no leader, while others have one.
    NoLeader {
        /// Its machine.
        machine: String,
    },
    /// Members take different members for the leader, or are in different terms.
    OtherTerm {
        /// Its machine.
        machine: String,
        /// Its term.
        term: u64,
        /// The newest term.
        newest: u64,
    },
    /// A member has not applied what etcd has committed.
    Behind {
        /// Its machine.
        machine: String,
        /// How many raft entries it lacks.
        entries: u64,
    },
    /// An alarm is raised.
    Alarm {
        /// The machine that it concerns. `None` if it concerns all members.
        machine: Option<String>,
        /// `NOSPACE`, `CORRUPT`, or an error in etcd's words.
        alarm: String,
    },
    /// Members hold different keys.
    KeysDiffer {
        /// The machines, in groups that hold the same keys.
        groups: Vec<Vec<String>>,
    },
    /// A member belongs to another etcd cluster than the others.
    OtherCluster {
        /// Its machine.
        machine: String,
    },
    /// A machine of the blueprint is not in etcd's list.
    NotListed {
        /// The machine.
        machine: String,
    },
    /// A member in etcd's list does not exist any more, or is no machine of the blueprint. It counts for the majority all the same.
    Stale {
        /// Its name in the list.
        name: String,
        /// Its ID, as etcdctl writes it.
        id: String,
    },
    /// A member was added to etcd's list and has never started.
    NotStarted {
        /// Its machine.
        machine: String,
    },
    /// A member's database nearly has the size at which etcd refuses writes.
    NearlyFull {
        /// Its machine.
        machine: String,
        /// The bytes of its database.
        bytes: u64,
        /// The bytes at which etcd refuses writes.
        quota: u64,
    },
}

impl EtcdProblem {
    /// Returns the machine that the problem concerns, if it concerns one.
    pub fn machine(&self) -> Option<&str> {
        match self {
            EtcdProblem::NoReport { machine, .. }
            | EtcdProblem::NoLeader { machine }
            | EtcdProblem::OtherTerm { machine, .. }
            | EtcdProblem::Behind { machine, .. }
            | EtcdProblem::OtherCluster { machine }
            | EtcdProblem::NotListed { machine }
            | EtcdProblem::NotStarted { machine }
            | EtcdProblem::NearlyFull { machine, .. } => Some(machine),
            EtcdProblem::Alarm { machine, .. } => machine.as_deref(),
            EtcdProblem::NotAsked
            | EtcdProblem::NoMajority { .. }
            | EtcdProblem::KeysDiffer { .. }
            | EtcdProblem::Stale { .. } => None,
        }
    }
}

/// Returns the problems of etcd.
pub fn judge(expected: &Expected, answers: &[EtcdAnswer]) -> Vec<EtcdProblem> {
    // One configuration leads to all members or to none.
    if answers.iter().any(|answer| answer.report == Err(NoReport::NoPath)) {
        return vec![EtcdProblem::NotAsked];
    }
    let mut problems = vec![];
    let reports = reports(answers);
    for EtcdAnswer { machine, report } in answers {
        if let Err(why) = report {
            problems.push(EtcdProblem::NoReport { machine: machine.clone(), why: why.clone() });
        }
    }
    problems.extend(of_raft(expected, &reports));
    problems.extend(of_list(expected, &reports));
    problems.extend(of_alarms(&reports));
    problems.extend(of_keys(&reports));
    problems
}

fn reports(answers: &[EtcdAnswer]) -> Vec<(&str, &EtcdReport)> {
    answers.iter().filter_map(|answer| Some((answer.machine.as_str(), answer.report.as_ref().ok()?))).collect()
}

/// Returns the report of the member that knows most: the leader, or the one that is the furthest.
fn authority<'a>(reports: &[(&str, &'a EtcdReport)]) -> Option<&'a EtcdReport> {
    let is_leader = |report: &EtcdReport| report.status.leader() == Some(report.status.id());
    let knows = |report: &&EtcdReport| (report.status.term, is_leader(report), report.status.committed);
    reports.iter().map(|(_, report)| *report).max_by_key(knows)
}

/// Returns problems of the leader, the terms and the entries.
fn of_raft(expected: &Expected, reports: &[(&str, &EtcdReport)]) -> Vec<EtcdProblem> {
    let members = expected.etcd_members().count();
    let with_leader = reports.iter().filter(|(_, report)| report.status.leader().is_some()).count();
    // A member that has a leader hears from a majority, or did so one election timeout ago.
    if with_leader == 0 {
        return vec![EtcdProblem::NoMajority { reporting: reports.len(), members }];
    }
    let newest = reports.iter().map(|(_, report)| report.status.term).max().unwrap_or(0);
    let committed = reports.iter().map(|(_, report)| report.status.committed).max().unwrap_or(0);
    let mut problems = vec![];
    for (name, EtcdReport { status, .. }) in reports {
        let (machine, entries) = ((*name).to_string(), committed.saturating_sub(status.applied));
        if status.leader().is_none() {
            problems.push(EtcdProblem::NoLeader { machine: machine.clone() });
        } else if status.term != newest {
            problems.push(EtcdProblem::OtherTerm { machine: machine.clone(), term: status.term, newest });
        }
        if entries > BEHIND {
            problems.push(EtcdProblem::Behind { machine: machine.clone(), entries });
        }
        let (bytes, quota) = (status.size, expected.etcd_quota);
        if bytes.saturating_mul(100) >= quota.saturating_mul(NEARLY_FULL) {
            problems.push(EtcdProblem::NearlyFull { machine, bytes, quota });
        }
    }
    problems
}

/// Returns problems of the list of members: who is missing, and who should not be there.
fn of_list(expected: &Expected, reports: &[(&str, &EtcdReport)]) -> Vec<EtcdProblem> {
    let Some(authority) = authority(reports) else { return vec![] };
    let cluster = authority.status.cluster();
    let mut problems = vec![];
    for (machine, report) in reports {
        if report.status.cluster() != cluster {
            problems.push(EtcdProblem::OtherCluster { machine: (*machine).to_string() });
        }
    }
    let mut listed: Vec<&Listed> = authority.members.iter().collect();
    for machine in expected.etcd_members() {
        let name = || machine.name.clone();
        let report = reports.iter().find(|(name, _)| *name == machine.name).map(|(_, report)| report);
        let host = format!("://{}:", machine.address);
        let is_here = |one: &Listed| one.peers.iter().any(|url| url.contains(&host));
        // The member that runs there now; of a silent machine, any that is listed at its address.
        let own = listed.iter().position(|one| match report {
            Some(report) => one.id == report.status.id(),
            None => is_here(one),
        });
        match own.map(|at| listed.remove(at)) {
            None => problems.push(EtcdProblem::NotListed { machine: name() }),
            Some(own) if own.clients.is_empty() => problems.push(EtcdProblem::NotStarted { machine: name() }),
            Some(_) => {}
        }
    }
    problems.extend(listed.into_iter().map(|one| {
        let name = if one.name.is_empty() { one.peers.join(", ") } else { one.name.clone() };
        EtcdProblem::Stale { name, id: format!("{:x}", one.id) }
    }));
    problems
}

/// Returns each alarm once. Every member reports the alarms of all.
fn of_alarms(reports: &[(&str, &EtcdReport)]) -> Vec<EtcdProblem> {
    let mut problems = vec![];
    for alarm in reports.iter().flat_map(|(_, report)| report.status.alarms()) {
        let of = reports.iter().find(|(_, report)| report.status.id() == alarm.member);
        let machine = of.map(|(machine, _)| (*machine).to_string());
        let problem = EtcdProblem::Alarm { machine, alarm: alarm.what };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Returns a problem if members hold different keys.
fn of_keys(reports: &[(&str, &EtcdReport)]) -> Option<EtcdProblem> {
    let mut groups: Vec<Vec<(&str, &EtcdReport)>> = vec![];
    for (machine, report) in reports {
        let differs =
            |group: &Vec<(&str, &EtcdReport)>| group.iter().any(|(_, one)| one.same_keys(report) == Some(false));
        match groups.iter_mut().find(|group| !differs(group)) {
            Some(group) => group.push((machine, report)),
            None => groups.push(vec![(machine, report)]),
        }
    }
    let names = |group: Vec<(&str, &EtcdReport)>| group.into_iter().map(|(machine, _)| machine.to_string()).collect();
    (groups.len() > 1).then(|| EtcdProblem::KeysDiffer { groups: groups.into_iter().map(names).collect() })
}

#[cfg(test)]
mod tests;
