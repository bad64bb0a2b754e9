//! Asks every HAProxy of a cluster at the same time, so that one that is silent does not hold up the others.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::{Fact, HaproxyAddress, Health, Observation, Source, TIMEOUT, View, disk, etcd, haproxy, is_open, patroni};
use crate::pipeline::{ClusterAccess, Expected, Port};
use crate::system::{network, parallel};

/// Observes one cluster through each of its HAProxies. Every method returns an observation for each HAProxy, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Observer<'a> {
    access: &'a ClusterAccess,
    /// What the blueprint expects. Another cluster at an address is not asked any further.
    expected: &'a Expected,
    haproxies: &'a [HaproxyAddress],
}

impl<'a> Observer<'a> {
    /// Makes an observer of the cluster behind these HAProxies.
    pub fn new(access: &'a ClusterAccess, expected: &'a Expected, haproxies: &'a [HaproxyAddress]) -> Self {
        Observer { access, expected, haproxies }
    }

    /// Asks for Patroni's view alone.
    pub fn view(&self) -> Vec<Observation> {
        parallel::at_once(self.haproxies, |haproxy| self.through(haproxy).view())
    }

    /// Asks for what is needed to judge whether the cluster is healthy.
    pub fn glance(&self) -> Vec<Observation> {
        parallel::at_once(self.haproxies, |haproxy| self.through(haproxy).glance())
    }

    /// Does the same as [`Observer::glance`], and also asks for silent machines, because Patroni's view of those is out of date.
    pub fn look(&self) -> Vec<Observation> {
        parallel::at_once(self.haproxies, |haproxy| self.through(haproxy).look())
    }

    /// Returns the observations with the live settings. Does not ask another cluster for its settings.
    pub fn with_settings(&self, seen: Vec<Observation>) -> Vec<Observation> {
        parallel::at_once(&seen, |one| self.through(&one.haproxy).with_settings(one.clone()))
    }

    /// Returns the observations with how full the disks are. Each report starts a process on its machine, so what looks
    /// again and again does without.
    pub fn with_disks(&self, seen: Vec<Observation>) -> Vec<Observation> {
        parallel::at_once(&seen, |one| self.through(&one.haproxy).with_disks(one.clone()))
    }

    /// Connects to each admin port.
    pub fn connects(&self) -> Vec<io::Result<()>> {
        parallel::at_once(self.haproxies, |haproxy| self.through(haproxy).connects())
    }

    fn through<'b>(&'b self, haproxy: &'b HaproxyAddress) -> Viewpoint<'b> {
        Viewpoint { access: self.access, expected: self.expected, haproxy }
    }
}

/// Observes the cluster through one HAProxy.
struct Viewpoint<'a> {
    access: &'a ClusterAccess,
    expected: &'a Expected,
    haproxy: &'a HaproxyAddress,
}

impl Viewpoint<'_> {
    fn view(&self) -> Observation {
        let view = match network::http_get(&self.access.admin.url(self.address(), "/cluster"), TIMEOUT) {
            Err(why) => View::NoAnswer { why, is_open: is_open(&self.connects()) },
            Ok(answer) if answer.status == 200 => match patroni::read(&answer.body) {
                Ok(view) => View::Cluster(view),
                Err(why) => View::Unreadable(why),
            },
            Ok(answer) => View::Status(answer.status),
        };
        Observation {
            haproxy: self.haproxy.clone(),
            view: Fact::now(view, Source::Patroni, self.access.delays.members),
            health: None,
            write: None,
            read: None,
            etcd: None,
            disks: None,
            silent: None,
            settings: None,
        }
    }

    /// Asks the sources at the same time, so that one that is silent does not hold up the others.
    fn glance(&self) -> Observation {
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

    fn look(&self) -> Observation {
        let seen = self.glance();
        let silent = (seen.answers() && !seen.is_other(&self.expected.cluster)).then(|| {
            let answer = network::http_get(&self.access.admin.url(self.address(), "/metrics?scope=server"), TIMEOUT);
            let answer = answer.ok().filter(|answer| answer.status == 200)?;
            Some(Fact::now(haproxy::read(&answer.body), Source::HaproxyChecks, self.access.delays.machines))
        });
        Observation { silent: silent.flatten(), ..seen }
    }

    fn with_disks(&self, seen: Observation) -> Observation {
        let disks = (seen.answers() && !seen.is_other(&self.expected.cluster)).then(|| {
            let machines: Vec<String> = self.expected.databases().map(|machine| machine.name.clone()).collect();
            let answers = disk::ask(&self.access.admin, self.address(), &machines, TIMEOUT);
            Fact::now(answers, Source::Disk, Duration::ZERO)
        });
        Observation { disks, ..seen }
    }

    fn with_settings(&self, seen: Observation) -> Observation {
        let settings = seen.is_of(&self.expected.cluster).then(|| {
            let answer = network::http_get(&self.access.admin.url(self.address(), "/config"), TIMEOUT);
            let answer = answer.ok().filter(|answer| answer.status == 200)?;
            let settings = serde_json::from_str(&answer.body).ok()?;
            Some(Fact::now(settings, Source::Patroni, self.access.delays.settings))
        });
        Observation { settings: settings.flatten(), ..seen }
    }

    fn health(&self) -> Fact<Health> {
        let health = network::http_get(&self.access.admin.url(self.address(), "/health"), TIMEOUT);
        Fact::now(health.map(|answer| answer.status), Source::HaproxyChecks, self.access.delays.primary)
    }

    fn etcd(&self) -> Fact<Vec<etcd::EtcdAnswer>> {
        let members: Vec<String> = self.expected.etcd_members().map(|machine| machine.name.clone()).collect();
        let answers = etcd::ask(&self.access.admin, self.address(), &members, TIMEOUT);
        Fact::now(answers, Source::Etcd, self.access.delays.etcd)
    }

    fn connects(&self) -> io::Result<()> {
        network::connects(self.access.admin.on(self.address()), TIMEOUT)
    }

    fn probe(&self, port: &Port) -> Fact<Result<(), String>> {
        let answers = network::postgres_answers(port.on(self.address()), TIMEOUT);
        Fact::now(answers.map_err(|e| e.to_string()), Source::Probe, Duration::ZERO)
    }

    fn address(&self) -> IpAddr {
        self.haproxy.address
    }
}
