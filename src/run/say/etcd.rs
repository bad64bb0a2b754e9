//! Describes problems of etcd.

use std::fmt;

use super::MIB;
use crate::run::judge::etcd::EtcdProblem;

impl fmt::Display for EtcdProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EtcdProblem::NotAsked => f.write_str(
                "HAProxy's configuration gives no access to etcd, because its image is older than this blueprint's",
            ),
            EtcdProblem::NoReport { machine, why } => write!(f, "etcd on {machine} {why}"),
            EtcdProblem::NoMajority { reporting: 0, .. } => {
                f.write_str("no member of etcd reports, so whether it has a majority is unknown")
            }
            EtcdProblem::NoMajority { reporting, members } => {
                let of = if *reporting == 1 { "the member that reports has" } else { "the members that report have" };
                write!(
                    f,
                    "etcd has no majority: {reporting} of {members} members report, and {of} no leader. Nobody can become primary"
                )
            }
            EtcdProblem::NoLeader { machine } => {
                write!(f, "etcd on {machine} has no leader, although other members have one: they do not reach it")
            }
            EtcdProblem::OtherTerm { machine, term, newest } => {
                write!(f, "etcd on {machine} is in term {term}, another member in term {newest}")
            }
            EtcdProblem::Behind { machine, entries } => write!(f, "etcd on {machine} is {entries} entries behind"),
            EtcdProblem::Alarm { machine, alarm } => {
                let of = machine.as_ref().map(|machine| format!(" on {machine}")).unwrap_or_default();
                let means = match alarm.as_str() {
                    "NOSPACE" => ": its database is full, and etcd refuses writes",
                    "CORRUPT" => ": its members hold different keys, and etcd refuses every call",
                    _ => "",
                };
                write!(f, "etcd{of} reports {alarm}{means}")
            }
            EtcdProblem::KeysDiffer { groups } => {
                let groups = groups.iter().map(|machines| machines.join(" and ")).collect::<Vec<_>>();
                write!(
                    f,
                    "etcd's members hold different keys: {} differ from {}",
                    groups[0],
                    groups[1..].join(" and from ")
                )
            }
            EtcdProblem::OtherCluster { machine } => {
                write!(f, "etcd on {machine} belongs to another etcd cluster than the other members")
            }
            EtcdProblem::NotListed { machine } => write!(f, "{machine} is not a member of etcd"),
            EtcdProblem::Stale { name, id } => write!(
                f,
                "etcd still lists {name} ({id}) as a member. It is no longer a machine of this cluster, but it counts towards the majority"
            ),
            EtcdProblem::NotStarted { machine } => {
                write!(f, "{machine} was added to etcd and has not started there yet")
            }
            EtcdProblem::NearlyFull { machine, bytes: size, quota } => {
                write!(
                    f,
                    "etcd's database on {machine} has {} MiB; at {} MiB etcd refuses writes",
                    size / MIB,
                    quota / MIB
                )
            }
        }
    }
}

/// Returns what to do about a problem of etcd's, beyond looking at its log.
pub fn mend(problem: &EtcdProblem) -> Option<String> {
    let section = |name: &str| Some(super::section(name));
    match problem {
        EtcdProblem::NotAsked => Some("`pgherd run` gives HAProxy its new configuration".into()),
        EtcdProblem::NoMajority { reporting: 0, .. } => Some(
            "if machines lost their disks, each says in `journalctl -u etcd` and on its console what it waits for; \
             RUNBOOK.md, section \"All data is lost\", says what to do"
                .into(),
        ),
        EtcdProblem::NoMajority { .. } => section("etcd has no majority"),
        EtcdProblem::KeysDiffer { .. } | EtcdProblem::OtherCluster { .. } => section("etcd's members differ"),
        EtcdProblem::Alarm { alarm, .. } if alarm == "CORRUPT" => section("etcd's members differ"),
        EtcdProblem::Alarm { .. } | EtcdProblem::NearlyFull { .. } => section("etcd's database is full"),
        EtcdProblem::Stale { id, .. } => {
            Some(format!("on a database machine, `etcdctl member remove {id}` removes it from etcd"))
        }
        _ => None,
    }
}
