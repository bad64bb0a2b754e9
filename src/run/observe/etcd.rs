//! What each member of etcd reports about itself, through HAProxy's admin port.
//!
//! The calls are `Status`, `MemberList` and `HashKV` of etcd's gateway
//! (<https://github.com/etcd-io/etcd/blob/v3.5.16/api/etcdserverpb/rpc.proto>). A member answers them without asking the others, so they
//! also work without a majority. etcd 3.4 has no `HashKV` over HTTP: both of its hashes have one path, which leads to the other.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::passage::{NoReport, get, read};
use crate::pipeline::Port;
use crate::system::parallel;

/// How often the members are asked at most, until they are seen at the same revision. Patroni writes a few keys each second, so two
/// members that are asked within milliseconds rarely differ.
const ROUNDS: usize = 4;

/// A member, and what it reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdAnswer {
    /// Its machine.
    pub machine: String,
    /// What it reports.
    pub report: Result<EtcdReport, NoReport>,
}

/// What a member reports about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdReport {
    /// Its status.
    pub status: Status,
    /// The members that it knows of.
    pub members: Vec<Listed>,
    /// The hash of its keys. `None` if its version does not offer it.
    pub hash: Option<KeysHash>,
}

/// `StatusResponse`. What etcd leaves out is zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    header: Header,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The ID of the member that it takes for the leader; 0 if it has none.
    #[serde(default, deserialize_with = "number")]
    leader: u64,
    /// The raft term.
    #[serde(default, rename = "raftTerm", deserialize_with = "number")]
    pub term: u64,
    /// The last raft entry that it knows to be committed.
    #[serde(default, rename = "raftIndex", deserialize_with = "number")]
    pub committed: u64,
    /// The last raft entry that it has applied to its keys.
    #[serde(default, rename = "raftAppliedIndex", deserialize_with = "number")]
    pub applied: u64,
    /// The bytes of its database on the disk.
    #[serde(default, rename = "dbSize", deserialize_with = "number")]
    pub size: u64,
    /// Alarms, and whether it has no leader, in etcd's words.
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Header {
    #[serde(deserialize_with = "number")]
    cluster_id: u64,
    #[serde(deserialize_with = "number")]
    member_id: u64,
    #[serde(default, deserialize_with = "number")]
    revision: u64,
}

/// A member that etcd lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its ID.
    #[serde(rename = "ID", deserialize_with = "number")]
    pub id: u64,
    /// Its name; empty if it has never started.
    #[serde(default)]
    pub name: String,
    /// Where the other members reach it.
    #[serde(default, rename = "peerURLs")]
    pub peers: Vec<String>,
    /// Where clients reach it; empty if it has never started.
    #[serde(default, rename = "clientURLs")]
    pub clients: Vec<String>,
}

/// The hash of a member's keys at its own newest revision. Two hashes can be compared if both revisions are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysHash {
    /// The hash.
    pub hash: u64,
    /// The revision of the newest key.
    pub revision: u64,
    /// The revision up to which history was removed.
    pub compacted: i64,
}

/// An alarm of etcd's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// `NOSPACE`, `CORRUPT`, or whatever else a member reports as an error.
    pub what: String,
    /// The ID of the member that it concerns; 0 if it concerns all.
    pub member: u64,
}

impl Status {
    /// Returns its ID.
    pub fn id(&self) -> u64 {
        self.header.member_id
    }

    /// Returns the ID of the etcd cluster that it belongs to.
    pub fn cluster(&self) -> u64 {
        self.header.cluster_id
    }

    /// Returns the revision of its newest key.
    pub fn revision(&self) -> u64 {
        self.header.revision
    }

    /// Returns the ID of the member that it takes for the leader, if it has one.
    pub fn leader(&self) -> Option<u64> {
        (self.leader != 0).then_some(self.leader)
    }

    /// Returns its alarms. An error that is no alarm, apart from a missing leader, is returned as it stands.
    pub fn alarms(&self) -> Vec<Alarm> {
        let errors = self.errors.iter().filter(|error| *error != "etcdserver: no leader");
        let alarm = |error: &String| {
            let field = |name: &str| error.split_whitespace().find_map(|word| word.strip_prefix(name));
            let member = field("memberID:").and_then(|id| id.parse().ok()).unwrap_or(0);
            Alarm { what: field("alarm:").unwrap_or(error).to_string(), member }
        };
        errors.map(alarm).collect()
    }
}

impl EtcdReport {
    /// Returns whether two members hold the same keys. Returns `None` if that cannot be told, because they are at different points.
    pub fn same_keys(&self, other: &EtcdReport) -> Option<bool> {
        match (self.hash, other.hash) {
            (Some(one), Some(two)) if one.revision == two.revision && one.compacted == two.compacted => {
                Some(one.hash == two.hash)
            }
            // After the same entries, members have the same revision, too.
            _ if self.status.applied == other.status.applied && self.status.revision() != other.status.revision() => {
                Some(false)
            }
            _ => None,
        }
    }
}

/// Asks each of these machines' etcd, all at the same time. Asks again while they are seen at different points, because they are not
/// asked at the very same moment.
pub fn ask(admin: &Port, haproxy: IpAddr, machines: &[String], timeout: Duration) -> Vec<EtcdAnswer> {
    let round = || {
        parallel::at_once(machines, |machine| EtcdAnswer {
            machine: machine.clone(),
            report: report(|call| get(&admin.url(haproxy, &format!("/etcd/{machine}/{call}")), timeout)),
        })
    };
    let mut answers = round();
    for _ in 1..ROUNDS {
        if agree(&answers) {
            break;
        }
        answers = round();
    }
    answers
}

/// Asks each of these machines' etcd for its status alone, all at the same time.
pub fn statuses(
    admin: &Port,
    haproxy: IpAddr,
    machines: &[String],
    timeout: Duration,
) -> Vec<Result<Status, NoReport>> {
    parallel::at_once(machines, |machine| read(&get(&admin.url(haproxy, &format!("/etcd/{machine}/status")), timeout)?))
}

/// Returns whether all members that can be compared hold the same keys.
fn agree(answers: &[EtcdAnswer]) -> bool {
    let reports: Vec<&EtcdReport> = answers.iter().filter_map(|answer| answer.report.as_ref().ok()).collect();
    let has_hashes = reports.iter().all(|report| report.hash.is_some());
    reports.windows(2).all(|pair| pair[0].same_keys(pair[1]).unwrap_or(!has_hashes))
}

/// Makes a member's report of three calls.
fn report(get: impl Fn(&str) -> Result<String, NoReport>) -> Result<EtcdReport, NoReport> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        members: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Hashed {
        header: Header,
        #[serde(default)]
        hash: u64,
        #[serde(default, deserialize_with = "signed")]
        compact_revision: i64,
    }
    let status: Status = read(&get("status")?)?;
    let list: List = read(&get("members")?)?;
    let hash = match get("hash") {
        Err(NoReport::NoPath) => None,
        answer => {
            let hashed: Hashed = read(&answer?)?;
            let Hashed { header, hash, compact_revision } = hashed;
            Some(KeysHash { hash, revision: header.revision, compacted: compact_revision })
        }
    };
    Ok(EtcdReport { status, members: list.members, hash })
}

/// Reads a 64-bit number, which protobuf's JSON writes as text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn signed<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
