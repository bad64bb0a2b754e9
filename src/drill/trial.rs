//! One trial: a fault is brought about once, while clients write and read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::events::DrillEvent;
use super::ground::{Ground, SCHEMA};
use super::measure;
use super::probe::{self, Probe};
use super::report::TrialReport;
use super::samples::{Row, Samples};
use super::victim::Seats;
use crate::cluster::Cluster;
use crate::cluster::check::quorum::{Survival, without};
use crate::cluster::fault::{Fault, Prediction, Victim, predict, staleness};
use crate::cluster::timing::Timers;
use crate::pipeline::{ClusterAccess, Expected, ExpectedMachine};
use crate::run::judge::{Verdict, judge};
use crate::run::observe::Observer;
use crate::run::say;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;
use crate::system::postgres::SqlLogin;

/// How long the clients work before the fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long the cluster must have been healthy without interruption to count as healthy again. Patroni and HAProxy notice what has
/// happened within seconds, and look healthy until then.
const STEADY: Duration = Duration::from_secs(5);
/// How long a cluster may take to become healthy again.
const PATIENCE: Duration = Duration::from_secs(300);
/// The pause between two observations.
const PAUSE: Duration = Duration::from_millis(500);
/// How long standbys may take to replay the last rows.
const REPLAY: Duration = Duration::from_secs(60);
/// How long a fault lasts at least, and how much longer than its bound. Reads become more stale as long as it lasts.
const LEAST_HOLD: Duration = Duration::from_secs(10);
const AFTER_BOUND: Duration = Duration::from_secs(5);

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until the outage that `check` predicts must be over.
    UntilBound,
    /// This long.
    For(Duration),
}

impl Hold {
    /// A lock that is not renewed is free after `ttl` seconds. A fault that is over by then would not show who takes it.
    fn of(self, prediction: &Prediction, ttl: u32) -> Duration {
        let bound = prediction.bound().map(|ms| Duration::from_millis(ms.into()).max(Duration::from_secs(ttl.into())));
        match (self, bound) {
            (Hold::For(time), _) => time,
            (Hold::UntilBound, Some(bound)) => LEAST_HOLD.max(bound + AFTER_BOUND),
            (Hold::UntilBound, None) => LEAST_HOLD,
        }
    }
}

/// Why there is no result of a trial.
#[derive(Debug)]
pub enum Stopped {
    /// The user interrupted it. What was broken is repaired.
    Interrupted,
    /// The cluster is not healthy, so nothing was broken.
    Unhealthy(Verdict),
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
    /// HAProxy's address.
    pub haproxy: IpAddr,
    /// Whom the clients log in as.
    pub login: &'a SqlLogin,
    /// How long a fault lasts.
    pub hold: Hold,
    /// Raised when the user wants to stop.
    pub interrupt: &'a Interrupt,
    /// Receives the events.
    pub tell: &'a dyn Fn(DrillEvent),
}

/// What a fault does, in the present state of the cluster.
#[derive(Debug)]
pub struct Target {
    /// The machines that are harmed.
    pub victims: Vec<String>,
    /// The machines that a cut is from; empty if it is from all.
    from: Vec<String>,
    /// What `check` predicts.
    pub prediction: Prediction,
    /// How long it lasts; zero if it is over at once.
    pub hold: Duration,
    /// Where etcd's leader has to be moved before.
    leader: Option<String>,
}

/// What happened to the machines.
struct Happened {
    machines: Vec<String>,
    prediction: Prediction,
    primary_before: String,
    /// When the fault began.
    began: Duration,
    /// How long it lasted.
    lasted: Duration,
    healthy_after: Option<Duration>,
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
            write: self.access.write.on(self.haproxy),
            read: self.access.read.on(self.haproxy),
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
        let (broken, samples) = thread::scope(|scope| {
            let clients = probe.start(scope);
            let broken = self.broken(fault, trial, probe.watch);
            probe.done.store(true, Ordering::Relaxed);
            let mut samples = Samples::default();
            for client in clients {
                samples.add(client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<_, Stopped>((broken?, samples))
        })?;
        self.report(fault, trial, &broken, &samples)
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

    /// Breaks the machines, waits, repairs them, and waits until the cluster is healthy.
    fn broken(&self, fault: Fault, trial: usize, watch: Stopwatch) -> Result<Happened, Stopped> {
        let verdict = self.require_healthy()?;
        let seats = Seats::of(self.expected, &verdict.members);
        let primary = seats.primary().ok_or(Stopped::Impossible("there is no primary"))?;
        let primary_before = primary.name.clone();
        (self.tell)(DrillEvent::TrialBegun { fault: fault.name().into(), trial, primary: primary_before.clone() });
        self.wait(BEFORE)?;
        let Target { victims: machines, from, prediction, hold, leader } = self.target(fault, &seats)?;
        if let Some(leader) = leader {
            self.ground.move_etcd_leader(&leader)?;
        }
        let injection = fault.injection();
        let hold_ms = millis(hold);
        (self.tell)(DrillEvent::FaultInjected { fault: fault.name().into(), machines: machines.clone(), hold_ms });
        let began = watch.elapsed();
        self.ground.inject(&machines, injection.harm, &from)?;
        self.wait(hold)?;
        self.ground.undo()?;
        let ended = if injection.harm.lasts() { watch.elapsed() } else { began };
        if injection.harm.lasts() {
            let lasted_ms = millis(ended - began);
            (self.tell)(DrillEvent::FaultUndone { fault: fault.name().into(), lasted_ms });
        }
        let healthy_after = self.heals(watch, ended)?;
        Ok(Happened { machines, prediction, primary_before, began, lasted: ended - began, healthy_after })
    }

    /// Returns what a fault would do if it was brought about now. It changes nothing.
    ///
    /// # Errors
    /// If the cluster cannot have it at present.
    pub fn target_now(&self, fault: Fault) -> Result<Target, Stopped> {
        let verdict = self.require_healthy()?;
        self.target(fault, &Seats::of(self.expected, &verdict.members))
    }

    fn target(&self, fault: Fault, seats: &Seats<'_>) -> Result<Target, Stopped> {
        let injection = fault.injection();
        let primary = seats.primary().ok_or(Stopped::Impossible("there is no primary"))?;
        let leads = self.ground.etcd_leader()?;
        let heir = match injection.victim {
            Victim::PrimaryAsEtcdLeader if leads != primary.name => Some(primary),
            // A primary that leads etcd is a fault of its own, and a timer of the cluster ends that state.
            Victim::EtcdLeader | Victim::Primary if leads == primary.name => seats.standby(),
            _ => None,
        };
        if heir.is_some() && !self.ground.moves_etcd_leader() {
            return Err(Stopped::Impossible(match injection.victim {
                Victim::PrimaryAsEtcdLeader => {
                    "the primary does not lead etcd, and moving etcd's leadership needs a login"
                }
                _ => {
                    "the primary leads etcd, and moving etcd's leadership needs a login; a timer moves it within a minute"
                }
            }));
        }
        let leader = heir.map_or(leads, |heir| heir.name.clone());
        let names = |machines: &[&ExpectedMachine]| machines.iter().map(|machine| machine.name.clone()).collect();
        let victims = seats.victims(injection.victim, &leader).map_err(Stopped::Impossible)?;
        let from = match injection.from {
            None => vec![],
            Some(from) => names(&seats.victims(from, &leader).map_err(Stopped::Impossible)?),
        };
        let prediction = self.predicted(fault, &victims);
        let hold = match injection.harm.lasts() {
            true => self.hold.of(&prediction, Timers::of(self.cluster).ttl),
            false => Duration::ZERO,
        };
        Ok(Target { victims: names(&victims), from, prediction, hold, leader: heir.map(|heir| heir.name.clone()) })
    }

    /// Returns what `check` predicts. A zone that has HAProxy, or too much of etcd, stops writes for as long as it is gone.
    fn predicted(&self, fault: Fault, victims: &[&ExpectedMachine]) -> Prediction {
        let prediction = predict(&Timers::of(self.cluster), fault);
        let survival = without(self.cluster, &|machine| victims.iter().any(|victim| victim.name == machine.name));
        match survival {
            Survival::GoOn => prediction,
            _ if fault != Fault::Zone => prediction,
            stops => Prediction { outage: vec![], until: Some(stops.text()), ..prediction },
        }
    }

    /// Waits until the cluster has been healthy for a while. Returns how long after the end of the harm it became so.
    fn heals(&self, watch: Stopwatch, ended: Duration) -> Result<Option<Duration>, Stopped> {
        let mut since: Option<Duration> = None;
        while watch.elapsed() < ended + PATIENCE {
            let asked = watch.elapsed();
            since = if self.look().is_healthy() { since.or(Some(asked)) } else { None };
            match since {
                Some(since) if watch.elapsed() - since >= STEADY => return Ok(Some(since.saturating_sub(ended))),
                _ => self.wait(PAUSE)?,
            }
        }
        Ok(None)
    }

    fn report(&self, fault: Fault, trial: usize, broken: &Happened, samples: &Samples) -> Result<TrialReport, Stopped> {
        let verdict = self.look();
        let primary = Seats::of(self.expected, &verdict.members).primary();
        let (mut lost, mut unchecked, mut phantoms) = (BTreeMap::new(), vec![], 0);
        if let Some(primary) = primary {
            self.await_replay(primary)?;
        }
        for machine in self.expected.databases() {
            match self.rows(machine) {
                Ok(found) => {
                    let rows = measure::lost(samples, &found).len();
                    if rows > 0 {
                        lost.insert(machine.name.clone(), rows);
                    }
                    if primary == Some(machine) {
                        phantoms = measure::phantoms(samples, &found).len();
                    }
                }
                Err(_) => unchecked.push(machine.name.clone()),
            }
        }
        let mut errors: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for mishap in &samples.mishaps {
            *errors.entry(mishap.client.clone()).or_default().entry(mishap.what.clone()).or_default() += 1;
        }
        let stalest = measure::stalest(samples);
        let name = |address: &str| {
            let named = self.expected.machines.iter().find(|machine| machine.address.to_string() == address);
            named.map_or(address.to_string(), |machine| machine.name.clone())
        };
        Ok(TrialReport {
            fault: fault.name().into(),
            trial,
            machines: broken.machines.clone(),
            lasted_ms: millis(broken.lasted),
            writes_stopped_ms: millis(measure::writes(samples, broken.began).length),
            reads_stopped_ms: millis(measure::reads(samples, broken.began).length),
            bound_ms: match broken.prediction.bound_after() {
                // The drill itself ends the outage.
                Some(after) => Some(millis(broken.lasted) + u64::from(after)),
                None => broken.prediction.bound().map(u64::from),
            },
            until: broken.prediction.until.map(String::from),
            acknowledged: samples.acknowledged.len(),
            reads: samples.reads.len(),
            lost,
            unchecked,
            phantoms,
            two_primaries: measure::acknowledged_by_former_primary(samples),
            staleness_bound_ms: staleness(&Timers::of(self.cluster))
                .map(|terms| terms.iter().map(|term| u64::from(term.ms)).sum()),
            stalest_ms: stalest.as_ref().map_or(0, |stale| millis(stale.age)),
            stalest_machine: stalest.map(|stale| name(&stale.address)),
            errors,
            healthy_after_ms: broken.healthy_after.map(millis),
            primary_before: broken.primary_before.clone(),
            primary_after: primary.map(|machine| machine.name.clone()).unwrap_or_default(),
        })
    }

    /// Waits until the standbys have replayed everything that the primary has written. One that does not in time lacks rows.
    fn await_replay(&self, primary: &ExpectedMachine) -> Result<(), Stopped> {
        let sql = |machine: &ExpectedMachine, sql: &str| self.ground.sql(&machine.name, &self.login.database, sql);
        let position = sql(primary, "SELECT pg_current_wal_lsn()")?;
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", position.trim());
        let watch = Stopwatch::start();
        for standby in self.expected.databases().filter(|machine| *machine != primary) {
            while watch.elapsed() < REPLAY && sql(standby, &replayed).is_ok_and(|done| done.trim() != "t") {
                self.wait(PAUSE)?;
            }
        }
        Ok(())
    }

    fn rows(&self, machine: &ExpectedMachine) -> anyhow::Result<BTreeSet<Row>> {
        let all = format!("SELECT writer, number FROM {SCHEMA}.rows");
        Ok(probe::rows(&self.ground.sql(&machine.name, &self.login.database, &all)?).collect())
    }

    fn require_healthy(&self) -> Result<Verdict, Stopped> {
        require_healthy(self.expected, self.access, self.haproxy)
    }

    fn look(&self) -> Verdict {
        look(self.expected, self.access, self.haproxy)
    }

    fn wait(&self, time: Duration) -> Result<(), Stopped> {
        if self.interrupt.wait(time) { Err(Stopped::Interrupted) } else { Ok(()) }
    }
}

/// Returns what the cluster behind HAProxy's address looks like.
///
/// # Errors
/// If it is not healthy.
pub fn require_healthy(expected: &Expected, access: &ClusterAccess, haproxy: IpAddr) -> Result<Verdict, Stopped> {
    let verdict = look(expected, access, haproxy);
    if verdict.is_healthy() { Ok(verdict) } else { Err(Stopped::Unhealthy(verdict)) }
}

fn look(expected: &Expected, access: &ClusterAccess, haproxy: IpAddr) -> Verdict {
    judge(expected, access, &Observer::new(access, expected, haproxy).look())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Stopped {
    /// Returns what stopped it, in words, with what a person can do.
    pub fn text(&self, access: &ClusterAccess) -> String {
        match self {
            Stopped::Interrupted => "interrupted; what was broken is repaired".into(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fault::Term;

    #[test]
    fn a_fault_lasts_until_its_bound_must_be_over() {
        let timers = |ms| Term { name: "x", ms, what: "x", source: "x" };
        let of = |outage: Vec<Term>, until| Prediction {
            fault: Fault::Machine,
            title: "x",
            outage,
            until,
            loss: vec![],
            unbounded_loss: None,
            because: "x",
        };
        assert_eq!(
            Hold::UntilBound.of(&of(vec![timers(20_000), timers(500)], None), 20),
            Duration::from_millis(25_500)
        );
        assert_eq!(Hold::UntilBound.of(&of(vec![], None), 20), Duration::from_secs(25), "until the lock would be free");
        assert_eq!(Hold::UntilBound.of(&of(vec![], None), 1), LEAST_HOLD);
        assert_eq!(Hold::UntilBound.of(&of(vec![], Some("it is back")), 20), LEAST_HOLD);
        assert_eq!(Hold::For(BEFORE).of(&of(vec![timers(20_000)], None), 20), BEFORE);
    }
}
