//! Observes a running cluster and records each fact with its source and age. `run::judge` judges them.

pub mod etcd;
pub mod haproxy;
pub mod patroni;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

pub use haproxy::{FailedCheck, Silent};
pub use patroni::{ClusterView, Member, Standing};

use crate::pipeline::{ClusterAccess, Expected, Port};
use crate::system::{clock, network, parallel};

/// The time limit for one response.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The source of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Patroni's API, behind HAProxy's admin port.
    Patroni,
    /// HAProxy's own checks.
    HaproxyChecks,
    /// Each member of etcd, behind HAProxy's admin port.
    Etcd,
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

/// The facts observed of a cluster at one time. Each source is asked by itself; what cannot be asked, because HAProxy's admin port or
/// this cluster does not answer there, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The address at which HAProxy was asked.
    pub haproxy: IpAddr,
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
    /// The silent machines. `None` if they were not asked for, or HAProxy's image is too old to report them.
    pub silent: Option<Fact<Vec<Silent>>>,
    /// The live settings, as Patroni stores them. `None` if they were not asked for, or HAProxy's image is too old to return them.
    pub settings: Option<Fact<Value>>,
}

/// Observes one cluster.
#[derive(Debug, Clone, Copy)]
pub struct Observer<'a> {
    access: &'a ClusterAccess,
    /// What the blueprint expects. Another cluster at this address is not asked any further.
    expected: &'a Expected,
    haproxy: IpAddr,
}

impl<'a> Observer<'a> {
    /// Makes an observer of the cluster behind HAProxy's address.
    pub fn new(access: &'a ClusterAccess, expected: &'a Expected, haproxy: IpAddr) -> Self {
        Observer { access, expected, haproxy }
    }

    /// Asks for Patroni's view alone.
    pub fn view(&self) -> Observation {
        let view = match network::http_get(&self.access.admin.url(self.haproxy, "/cluster"), TIMEOUT) {
            Err(why) => View::NoAnswer { why, is_open: self.is_open() },
            Ok(answer) if answer.status == 200 => match patroni::read(&answer.body) {
                Ok(view) => View::Cluster(view),
                Err(why) => View::Unreadable(why),
            },
            Ok(answer) => View::Status(answer.status),
        };
        Observation {
            haproxy: self.haproxy,
            view: Fact::now(view, Source::Patroni, self.access.delays.members),
            health: None,
            write: None,
            read: None,
            etcd: None,
            silent: None,
            settings: None,
        }
    }

    /// Asks for what is needed to judge whether the cluster is healthy. Asks the sources at the same time, so that one that is silent does
    /// not hold up the others.
    pub fn glance(&self) -> Observation {
        let seen = self.view();
        if seen.is_other(&self.expected.cluster) {
            return seen;
        }
        let answers = seen.answers();
        let ((health, etcd), (write, read)) = parallel::both_waiting(
            || parallel::both_waiting(|| answers.then(|| self.health()), || answers.then(|| self.etcd())),
            || parallel::both_waiting(|| self.probe(&self.access.write), || self.probe(&self.access.read)),
        );
        Observation { health, etcd, write: Some(write), read: Some(read), ..seen }
    }

    /// Does the same as [`Observer::glance`], and also asks for silent machines, because Patroni's view of those is out of date.
    pub fn look(&self) -> Observation {
        let seen = self.glance();
        let silent = (seen.answers() && !seen.is_other(&self.expected.cluster)).then(|| {
            let answer = network::http_get(&self.access.admin.url(self.haproxy, "/metrics?scope=server"), TIMEOUT);
            let answer = answer.ok().filter(|answer| answer.status == 200)?;
            Some(Fact::now(haproxy::read(&answer.body), Source::HaproxyChecks, self.access.delays.machines))
        });
        Observation { silent: silent.flatten(), ..seen }
    }

    fn health(&self) -> Fact<Health> {
        let health = network::http_get(&self.access.admin.url(self.haproxy, "/health"), TIMEOUT);
        Fact::now(health.map(|answer| answer.status), Source::HaproxyChecks, self.access.delays.primary)
    }

    fn etcd(&self) -> Fact<Vec<etcd::EtcdAnswer>> {
        let members: Vec<String> = self.expected.etcd_members().map(|machine| machine.name.clone()).collect();
        let answers = etcd::ask(&self.access.admin, self.haproxy, &members, TIMEOUT);
        Fact::now(answers, Source::Etcd, self.access.delays.etcd)
    }

    /// Returns the observation with the live settings. Does not ask another cluster for its settings.
    pub fn with_settings(&self, seen: Observation) -> Observation {
        let settings = seen.is_of(&self.expected.cluster).then(|| {
            let answer = network::http_get(&self.access.admin.url(self.haproxy, "/config"), TIMEOUT);
            let answer = answer.ok().filter(|answer| answer.status == 200)?;
            let settings = serde_json::from_str(&answer.body).ok()?;
            Some(Fact::now(settings, Source::Patroni, self.access.delays.settings))
        });
        Observation { settings: settings.flatten(), ..seen }
    }

    /// Returns whether HAProxy's address accepts or refuses connections to its admin port.
    pub fn is_open(&self) -> bool {
        is_open(&self.connects())
    }

    /// Connects to HAProxy's admin port.
    pub fn connects(&self) -> io::Result<()> {
        network::connects(self.access.admin.on(self.haproxy), TIMEOUT)
    }

    fn probe(&self, port: &Port) -> Fact<Result<(), String>> {
        let answers = network::postgres_answers(port.on(self.haproxy), TIMEOUT);
        Fact::now(answers.map_err(|e| e.to_string()), Source::Probe, Duration::ZERO)
    }
}

/// Returns whether a connection was accepted or refused, so that something is at the address.
pub fn is_open(connected: &io::Result<()>) -> bool {
    connected.as_ref().map_or_else(|e| e.kind() == io::ErrorKind::ConnectionRefused, |()| true)
}

impl Observation {
    /// Returns whether HAProxy's admin port answered at all.
    pub fn answers(&self) -> bool {
        !matches!(self.view.value, View::NoAnswer { .. })
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
