//! Observes a running cluster and records each fact with its source and age. `run::judge` judges them.

pub mod disk;
pub mod etcd;
pub mod haproxy;
mod observer;
pub mod passage;
pub mod patroni;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

pub use haproxy::{FailedCheck, Silent};
pub use observer::Observer;
pub use patroni::{ClusterView, Member, Standing};

use crate::system::clock;

/// The time limit for one response.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// A HAProxy, and where it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyAddress {
    /// The name of its machine.
    pub machine: String,
    /// The address.
    pub address: IpAddr,
}

/// The source of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Patroni's API, behind HAProxy's admin port.
    Patroni,
    /// HAProxy's own checks.
    HaproxyChecks,
    /// Each member of etcd, behind HAProxy's admin port.
    Etcd,
    /// The report on the disk of each database machine, behind HAProxy's admin port.
    Disk,
    /// A connection that pgherd made itself.
    Probe,
    /// AWS's API.
    Aws,
}

/// An observed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: Source,
    /// When it was received.
    pub told: SystemTime,
    /// How old it may have been at that time.
    pub delay: Duration,
}

impl<T> Fact<T> {
    /// Makes a fact that was received just now.
    pub fn now(value: T, source: Source, delay: Duration) -> Self {
        Fact { value, source, told: clock::now(), delay }
    }

    /// Returns how old the fact may be at a time.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.told).unwrap_or_default() + self.delay
    }
}

/// What HAProxy's admin port returned when it was asked for Patroni's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Patroni's view.
    Cluster(ClusterView),
    /// Something other than Patroni's view; holds the parse error.
    Unreadable(String),
    /// HAProxy's own error: no database machine is behind it.
    Status(u16),
    /// No response.
    NoAnswer {
        /// The reason.
        why: String,
        /// Whether the address accepts or refuses connections, so that the network path is open.
        is_open: bool,
    },
}

/// The HTTP status that HAProxy returned for its health check, which succeeds if it has a primary.
pub type Health = Result<u16, String>;

/// The facts observed of a cluster through one HAProxy at one time. Each source is asked by itself; what cannot be asked, because
/// HAProxy's admin port or this cluster does not answer there, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The HAProxy that was asked.
    pub haproxy: HaproxyAddress,
    /// Patroni's view.
    pub view: Fact<View>,
    /// HAProxy's health.
    pub health: Option<Fact<Health>>,
    /// Whether PostgreSQL answers at the write port.
    pub write: Option<Fact<Result<(), String>>>,
    /// Whether PostgreSQL answers at the read port.
    pub read: Option<Fact<Result<(), String>>>,
    /// What each member of etcd reports.
    pub etcd: Option<Fact<Vec<etcd::EtcdAnswer>>>,
    /// How full each database machine's disk is. `None` if that was not asked for.
    pub disks: Option<Fact<Vec<disk::DiskAnswer>>>,
    /// The silent machines. `None` if they were not asked for, or HAProxy's image is too old to report them.
    pub silent: Option<Fact<Vec<Silent>>>,
    /// The live settings, as Patroni stores them. `None` if they were not asked for, or HAProxy's image is too old to return them.
    pub settings: Option<Fact<Value>>,
}

/// Returns whether a connection was accepted or refused, so that something is at the address.
pub fn is_open(connected: &io::Result<()>) -> bool {
    connected.as_ref().map_or_else(|e| e.kind() == io::ErrorKind::ConnectionRefused, |()| true)
}

/// Returns the live settings, from the first HAProxy that returned them.
pub fn settings(seen: &[Observation]) -> Option<&Value> {
    seen.iter().find_map(|one| one.settings.as_ref()).map(|settings| &settings.value)
}

impl Observation {
    /// Returns whether HAProxy's admin port answered at all.
    pub fn answers(&self) -> bool {
        !matches!(self.view.value, View::NoAnswer { .. })
    }

    /// Returns Patroni's view, and the HAProxy that led to it.
    pub fn cluster(&self) -> Option<(&HaproxyAddress, &ClusterView)> {
        match &self.view.value {
            View::Cluster(view) => Some((&self.haproxy, view)),
            _ => None,
        }
    }

    /// Returns whether the cluster of this name answered.
    pub fn is_of(&self, cluster: &str) -> bool {
        matches!(&self.view.value, View::Cluster(view) if view.scope == cluster)
    }

    /// Returns whether another cluster answered.
    pub fn is_other(&self, cluster: &str) -> bool {
        matches!(&self.view.value, View::Cluster(view) if view.scope != cluster)
    }
}
