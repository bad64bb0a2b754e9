//! One trial: a fault is brought about once, while clients write and read.
//!
//! [`target`] finds whom the fault harms, [`harm`] breaks these machines and waits until they have healed, and [`findings`] judges what the
//! clients noted meanwhile.

mod findings;
mod harm;
mod target;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::events::DrillEvent;
use super::ground::{Ground, SCHEMA};
use super::lookout::Lookout;
use super::probe::Probe;
use super::report::TrialReport;
use super::samples::Samples;
use super::victim::Seats;
use crate::cluster::Cluster;
use crate::cluster::fault::Fault;
use crate::pipeline::{ClusterAccess, Expected};
use crate::run::judge::{Verdict, judge};
use crate::run::observe::{HaproxyAddress, Observer};
use crate::run::say;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;
use crate::system::postgres::SqlLogin;

pub use target::{FaultTarget, Hold};

/// The pause between two observations.
const PAUSE: Duration = Duration::from_millis(500);
/// How long standbys may take to replay the last rows.
const REPLAY: Duration = Duration::from_secs(60);

/// Why there is no result of a trial.
#[derive(Debug)]
pub enum Stopped {
    /// The user interrupted it. What was broken is repaired.
    Interrupted,
    /// The cluster is not healthy, so nothing was broken.
    Unhealthy(Box<Verdict>),
    /// The cluster cannot have this fault at present, so nothing was broken.
    Impossible(&'static str),
    /// Something failed.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Stopped::Failed(error)
    }
}

/// A cluster in which trials are made.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The cluster as it is meant to be.
    pub expected: &'a Expected,
    /// How it is asked.
    pub access: &'a ClusterAccess,
    /// Where it runs.
    pub ground: &'a dyn Ground,
    /// The HAProxies, in the order in which clients try them.
    pub haproxies: &'a [HaproxyAddress],
    /// Whom the clients log in as.
    pub login: &'a SqlLogin,
    /// How long a fault lasts.
    pub hold: Hold,
    /// Raised when the user wants to stop.
    pub interrupt: &'a Interrupt,
    /// Receives the events.
    pub tell: &'a dyn Fn(DrillEvent),
}

impl Trial<'_> {
    /// Brings a fault about once. Whatever happens, it is undone, and the clients' table is dropped.
    pub fn run(&self, fault: Fault, trial: usize) -> Result<TrialReport, Stopped> {
        let verdict = self.require_healthy()?;
        // Before anything is made or broken.
        let seats = Seats::of(self.expected, &verdict.members);
        self.target(fault, &seats)?;
        let probe = Probe {
            ground: self.ground,
            login: self.login,
            write: self.haproxies.iter().map(|haproxy| self.access.write.on(haproxy.address)).collect(),
            read: self.haproxies.iter().map(|haproxy| self.access.read.on(haproxy.address)).collect(),
            watch: Stopwatch::start(),
            done: AtomicBool::new(false),
        };
        probe.create()?;
        let measured = self.measured(fault, trial, &probe);
        let undone = self.ground.undo();
        // A cluster that has not healed may not let anybody in. The next drill drops the table as well.
        let removed = probe.remove();
        let report = measured?;
        undone?;
        if report.healthy_after_ms.is_some() {
            removed?;
        }
        Ok(report)
    }

    fn measured(&self, fault: Fault, trial: usize, probe: &Probe<'_>) -> Result<TrialReport, Stopped> {
        self.await_table()?;
        let lookout = Lookout {
            access: self.access,
            expected: self.expected,
            haproxies: self.haproxies,
            watch: probe.watch,
            seen: Mutex::default(),
        };
        let (broken, samples) = thread::scope(|scope| {
            let clients = probe.start(scope);
            lookout.start(scope, &probe.done);
            let broken = self.broken(fault, trial, probe.watch);
            probe.done.store(true, Ordering::Relaxed);
            let mut samples = Samples::default();
            for client in clients {
                samples.add(client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<_, Stopped>((broken?, samples))
        })?;
        let seen = lookout.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.report(fault, trial, &broken, &samples, seen)
    }

    /// Waits until every database machine has the clients' table.
    fn await_table(&self) -> Result<(), Stopped> {
        let watch = Stopwatch::start();
        for machine in self.expected.databases() {
            let exists = format!("SELECT to_regclass('{SCHEMA}.rows') IS NOT NULL");
            while self.ground.sql(&machine.name, &self.login.database, &exists)?.trim() != "t" {
                if watch.elapsed() > REPLAY {
                    return Err(anyhow!("{} does not replay what the primary writes", machine.name).into());
                }
                self.wait(PAUSE)?;
            }
        }
        Ok(())
    }

    fn require_healthy(&self) -> Result<Verdict, Stopped> {
        require_healthy(self.expected, self.access, self.haproxies)
    }

    fn look(&self) -> Verdict {
        look(self.expected, self.access, self.haproxies)
    }

    fn wait(&self, time: Duration) -> Result<(), Stopped> {
        if self.interrupt.wait(time) { Err(Stopped::Interrupted) } else { Ok(()) }
    }
}

/// Returns what the cluster behind these HAProxies looks like.
///
/// # Errors
/// If it is not healthy.
pub fn require_healthy(
    expected: &Expected,
    access: &ClusterAccess,
    haproxies: &[HaproxyAddress],
) -> Result<Verdict, Stopped> {
    let verdict = look(expected, access, haproxies);
    if verdict.is_healthy() { Ok(verdict) } else { Err(Stopped::Unhealthy(Box::new(verdict))) }
}

fn look(expected: &Expected, access: &ClusterAccess, haproxies: &[HaproxyAddress]) -> Verdict {
    judge(expected, access, &Observer::new(access, expected, haproxies).look())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Stopped {
    /// Returns what stopped it, in words, with what a person can do.
    pub fn text(&self, access: &ClusterAccess) -> String {
        match self {
            Stopped::Interrupted => "interrupted; what was broken is repaired. The cluster may take a minute to become healthy: `pgherd status` shows when. \
                 The schema pgherd_drill may stay until the next drill"
                .into(),
            Stopped::Unhealthy(verdict) => format!(
                "the cluster is not healthy, so nothing was broken: {}\n  {}",
                say::problems(&verdict.problems),
                say::advice(&access.advice, verdict)
            ),
            Stopped::Impossible(why) => format!("this fault cannot happen now, so nothing was broken: {why}"),
            Stopped::Failed(error) => format!("{error:#}"),
        }
    }
}
