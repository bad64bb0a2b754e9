//! What was observed of a cluster and how it was judged, as `status`, the events of a run and its report show it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::disk::DiskWarning;
use super::judge::{HaproxyVerdict, Problem, Reach, Verdict};
use super::observe::disk::DiskReport;
use super::observe::etcd::EtcdAnswer;
use super::observe::passage::NoReport;
use super::observe::{Fact, Member, Observation, Standing, View};
use super::say;
use crate::pipeline::{Expected, ExpectedMachine};
use crate::system::clock;

/// The state of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterStatus {
    /// The cluster's name.
    pub cluster: String,
    /// The address at which the first HAProxy was asked.
    pub haproxy: String,
    /// Every HAProxy that was asked.
    pub haproxies: Vec<HaproxyStatus>,
    /// Whether everything was seen and is as it has to be.
    pub healthy: bool,
    /// What keeps it from being healthy, the cause first.
    pub problems: Vec<ProblemStatus>,
    /// What to do; empty if it is healthy.
    pub advice: String,
    /// Every machine of the blueprint.
    pub machines: Vec<MachineStatus>,
    /// Every member of etcd that the blueprint has.
    pub etcd: Vec<MemberStatus>,
    /// Every database machine's disk.
    #[serde(default)]
    pub disks: Vec<DiskStatus>,
    /// What must be looked at, although the cluster is healthy.
    #[serde(default)]
    pub warnings: Vec<ProblemStatus>,
    /// Where this comes from.
    pub sources: Vec<SourceStatus>,
}

/// A HAProxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HaproxyStatus {
    /// Its machine.
    pub machine: String,
    /// The address at which it was asked.
    pub address: String,
    /// `running`, `unreachable`, or `unknown` if something else answers at its address.
    pub state: String,
    /// Whether it leads clients to the primary.
    pub serves: bool,
}

/// Something that keeps a cluster from being healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemStatus {
    /// The machine that it concerns, if it concerns one.
    pub machine: Option<String>,
    /// The problem, as a sentence.
    pub text: String,
}

/// A machine of the blueprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MachineStatus {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its availability zone.
    pub zone: String,
    /// Its private address.
    pub address: String,
    /// `primary`, `sync standby`, `standby` or `standby leader`; null if that is not known, or if it is no database.
    pub postgres: Option<String>,
    /// Whether `postgres` is what it was before it, or etcd's majority, was lost.
    pub outdated: bool,
    /// Its state in Patroni's words, or `no response`, `missing`, `unknown`, `running` or `unreachable`.
    pub state: String,
    /// PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// The bytes that it is behind the primary, if Patroni knows.
    pub lag: Option<u64>,
}

/// A member of etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberStatus {
    /// Its machine.
    pub machine: String,
    /// `leader`, `follower`, `no leader`, `no response` or `unknown`.
    pub state: String,
    /// What it reports, if it answers.
    pub report: Option<MemberReport>,
}

/// What a member of etcd reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberReport {
    /// The raft term.
    pub term: u64,
    /// The last raft entry that it has applied.
    pub index: u64,
    /// The revision of its newest key.
    pub revision: u64,
    /// The hash of its keys; null if its version does not offer it.
    pub keys_hash: Option<u64>,
    /// The bytes of its database on the disk.
    pub bytes: u64,
    /// Its alarms.
    pub alarms: Vec<String>,
    /// etcd's version.
    pub version: String,
}

/// The disk of a database machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskStatus {
    /// The machine.
    pub machine: String,
    /// What it reports; null if it was not asked, or does not report.
    pub report: Option<DiskReport>,
}

/// A source of facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// `patroni`, `haproxy-checks`, `etcd`, `disk`, `write-port` or `read-port`.
    pub source: String,
    /// The machine of the HAProxy through which it was asked.
    pub haproxy: String,
    /// Whether it answered.
    pub answers: bool,
    /// When it was asked (UTC); null if it could not be asked.
    pub told: Option<String>,
    /// How many seconds old its facts may have been at that time; null if it could not be asked.
    pub age: Option<f64>,
}

impl ClusterStatus {
    /// Puts together what was observed and judged. `advice` says what to do if the cluster is not healthy.
    pub fn of(expected: &Expected, seen: &[Observation], verdict: &Verdict, advice: &str) -> Self {
        let problem = |problem: &Problem| ProblemStatus {
            machine: problem.machine().map(String::from),
            text: problem.to_string(),
        };
        let warning = |warning: &DiskWarning| ProblemStatus {
            machine: Some(warning.machine().into()),
            text: warning.to_string(),
        };
        ClusterStatus {
            cluster: expected.cluster.clone(),
            haproxy: verdict.haproxies.first().map(|haproxy| haproxy.address.to_string()).unwrap_or_default(),
            haproxies: verdict.haproxies.iter().map(of_haproxy).collect(),
            healthy: verdict.is_healthy(),
            problems: verdict.problems.iter().map(problem).collect(),
            advice: if verdict.is_healthy() { String::new() } else { advice.to_string() },
            machines: expected.machines.iter().map(|machine| of_machine(machine, verdict)).collect(),
            etcd: expected.etcd_members().map(|machine| of_member(machine, verdict)).collect(),
            disks: expected.databases().map(|machine| of_disk(machine, verdict)).collect(),
            warnings: verdict.warnings.iter().map(warning).collect(),
            sources: seen.iter().flat_map(sources).collect(),
        }
    }

    /// Returns a table of the machines, with its head.
    pub fn machines_table(&self) -> Vec<Vec<String>> {
        let head = ["machine", "role", "zone", "address", "postgres", "state", "timeline", "lag"];
        let row = |m: &MachineStatus| {
            let postgres = match (&m.postgres, m.outdated) {
                (Some(was), true) => format!("was {was}"),
                (Some(is), false) => is.clone(),
                (None, _) => "-".into(),
            };
            let standby = m.postgres.as_deref().is_some_and(|is| is != Standing::Primary.to_string()) && !m.outdated;
            let lag = if standby { m.lag.map_or("unknown".into(), say::bytes) } else { "-".into() };
            let own = [m.name.clone(), m.role.clone(), m.zone.clone(), m.address.clone(), postgres, m.state.clone()];
            own.into_iter().chain([m.timeline.map_or("-".into(), |timeline| timeline.to_string()), lag]).collect()
        };
        std::iter::once(head.map(String::from).to_vec()).chain(self.machines.iter().map(row)).collect()
    }

    /// Returns a table of etcd's members, with its head.
    pub fn etcd_table(&self) -> Vec<Vec<String>> {
        let head = ["etcd on", "state", "term", "index", "revision", "keys' hash", "size", "alarms"];
        let row = |m: &MemberStatus| {
            let own = [m.machine.clone(), m.state.clone()];
            let rest = match &m.report {
                None => std::array::from_fn(|_| "-".into()),
                Some(r) => [
                    r.term.to_string(),
                    r.index.to_string(),
                    r.revision.to_string(),
                    r.keys_hash.map_or("-".into(), |hash| format!("{hash:08x}")),
                    say::bytes(r.bytes),
                    if r.alarms.is_empty() { "none".into() } else { r.alarms.join(", ") },
                ],
            };
            own.into_iter().chain(rest).collect()
        };
        std::iter::once(head.map(String::from).to_vec()).chain(self.etcd.iter().map(row)).collect()
    }

    /// Returns a table of the disks, with its head. A slot that keeps WAL for nobody is marked.
    pub fn disks_table(&self) -> Vec<Vec<String>> {
        let head = ["disk of", "free", "of", "pg_wal", "reserve", "WAL kept by slots"];
        let row = |d: &DiskStatus| {
            let Some(report) = &d.report else {
                return [d.machine.as_str(), "unknown", "-", "-", "-", "-"].map(String::from).to_vec();
            };
            let slots = report.slots.as_ref().map_or("unknown".into(), |slots| {
                let kept = slots.iter().map(|slot| {
                    let reader = if slot.is_abandoned() { " (inactive)" } else { "" };
                    format!("{}{reader} {}", slot.name, say::bytes(slot.retained))
                });
                let kept: Vec<String> = kept.collect();
                if kept.is_empty() { "no slots".into() } else { kept.join(", ") }
            });
            let reserve = if report.reserve > 0 { say::bytes(report.reserve) } else { "none".into() };
            let [free, size, wal] = [report.free, report.size, report.wal].map(say::bytes);
            vec![d.machine.clone(), free, size, wal, reserve, slots]
        };
        std::iter::once(head.map(String::from).to_vec()).chain(self.disks.iter().map(row)).collect()
    }

    /// Returns a table of the sources, with its head.
    pub fn sources_table(&self) -> Vec<Vec<String>> {
        let head = ["source", "through", "answers", "age at most"];
        let row = |s: &SourceStatus| {
            let answers = match (s.answers, &s.told) {
                (true, _) => "yes",
                (false, Some(_)) => "no",
                (false, None) => "not asked",
            };
            let age = s.age.filter(|_| s.answers).map_or("-".into(), |age| format!("{age} s"));
            vec![say::source(&s.source).to_string(), s.haproxy.clone(), answers.into(), age]
        };
        std::iter::once(head.map(String::from).to_vec()).chain(self.sources.iter().map(row)).collect()
    }
}

fn of_machine(machine: &ExpectedMachine, verdict: &Verdict) -> MachineStatus {
    let member = verdict.member(machine);
    let is_silent = verdict.silence(machine).is_some();
    // What Patroni remembers of a silent machine may be as old as its ttl; without etcd's majority, everything may.
    let outdated = member.is_some() && (is_silent || verdict.lost_majority);
    let state = match member {
        _ if is_silent => "no response".into(),
        Some(_) if verdict.lost_majority => "unknown".into(),
        Some(member) => member.state.clone(),
        None if !machine.is_database() => verdict.haproxy(machine).map_or("unknown", state_of).into(),
        None => match verdict.reach {
            Reach::Haproxy if !verdict.members.is_empty() => "missing",
            Reach::Haproxy | Reach::OtherCluster | Reach::Nothing | Reach::Address => "unknown",
        }
        .into(),
    };
    let fresh = member.filter(|_| !outdated);
    MachineStatus {
        name: machine.name.clone(),
        role: machine.role.name().into(),
        zone: machine.zone.clone(),
        address: machine.address.to_string(),
        postgres: member.map(|member| member.standing().to_string()),
        outdated,
        state,
        timeline: fresh.and_then(|member| member.timeline),
        lag: fresh.and_then(Member::lag),
    }
}

fn of_haproxy(haproxy: &HaproxyVerdict) -> HaproxyStatus {
    HaproxyStatus {
        machine: haproxy.machine.clone(),
        address: haproxy.address.to_string(),
        state: state_of(haproxy).into(),
        serves: haproxy.serves,
    }
}

fn state_of(haproxy: &HaproxyVerdict) -> &'static str {
    match haproxy.reach {
        Reach::Haproxy => "running",
        Reach::OtherCluster => "unknown",
        Reach::Nothing | Reach::Address => "unreachable",
    }
}

fn of_member(machine: &ExpectedMachine, verdict: &Verdict) -> MemberStatus {
    let answer = verdict.etcd.iter().find(|answer| answer.machine == machine.name);
    let state = match answer.map(|EtcdAnswer { report, .. }| report) {
        None | Some(Err(NoReport::NoPath)) => "unknown",
        Some(Err(_)) => "no response",
        Some(Ok(report)) => match report.status.leader() {
            None => "no leader",
            Some(leader) if leader == report.status.id() => "leader",
            Some(_) => "follower",
        },
    };
    let report = answer.and_then(|answer| answer.report.as_ref().ok()).map(|report| MemberReport {
        term: report.status.term,
        index: report.status.applied,
        revision: report.hash.map_or(report.status.revision(), |hash| hash.revision),
        keys_hash: report.hash.map(|hash| hash.hash),
        bytes: report.status.size,
        alarms: report.status.alarms().into_iter().map(|alarm| alarm.what).collect(),
        version: report.status.version.clone(),
    });
    MemberStatus { machine: machine.name.clone(), state: state.into(), report }
}

fn of_disk(machine: &ExpectedMachine, verdict: &Verdict) -> DiskStatus {
    let answer = verdict.disks.iter().find(|answer| answer.machine == machine.name);
    let report = answer.and_then(|answer| answer.report.as_ref().ok()).cloned();
    DiskStatus { machine: machine.name.clone(), report }
}

fn sources(seen: &Observation) -> Vec<SourceStatus> {
    fn of<T>(haproxy: &str, name: &str, fact: Option<&Fact<T>>, answers: impl Fn(&T) -> bool) -> SourceStatus {
        SourceStatus {
            source: name.into(),
            haproxy: haproxy.into(),
            answers: fact.is_some_and(|fact| answers(&fact.value)),
            told: fact.map(|fact| clock::rfc3339(fact.told)),
            age: fact.map(|fact| fact.delay.as_secs_f64()),
        }
    }
    let haproxy = &seen.haproxy.machine;
    vec![
        of(haproxy, "patroni", Some(&seen.view), |view| matches!(view, View::Cluster(_))),
        of(haproxy, "haproxy-checks", seen.health.as_ref(), Result::is_ok),
        of(haproxy, "etcd", seen.etcd.as_ref(), |all| all.iter().any(|answer| answer.report.is_ok())),
        of(haproxy, "disk", seen.disks.as_ref(), |all| all.iter().any(|answer| answer.report.is_ok())),
        of(haproxy, "write-port", seen.write.as_ref(), Result::is_ok),
        of(haproxy, "read-port", seen.read.as_ref(), Result::is_ok),
    ]
}
