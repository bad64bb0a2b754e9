//! How a fault is brought about, held and undone, and how the cluster heals.

use std::time::Duration;

use super::{PAUSE, Stopped, Trial, millis};
use crate::cluster::check::quorum::{Survival, without};
use crate::cluster::fault::{Fault, Prediction, Victim, predict};
use crate::cluster::timing::Timers;
use crate::drill::events::DrillEvent;
use crate::drill::victim::Seats;
use crate::pipeline::ExpectedMachine;
use crate::system::clock::Stopwatch;

/// How long the clients work before the fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long the cluster must have been healthy without interruption to count as healthy again. Patroni and HAProxy notice what has
/// happened within seconds, and look healthy until then.
const STEADY: Duration = Duration::from_secs(5);
/// How long a cluster may take to become healthy again.
const PATIENCE: Duration = Duration::from_secs(300);
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

/// What happened to the machines.
pub(super) struct Happened {
    /// The machines that were harmed.
    pub(super) machines: Vec<String>,
    /// What `check` predicts.
    pub(super) prediction: Prediction,
    /// The primary before the fault.
    pub(super) primary_before: String,
    /// When the fault began.
    pub(super) began: Duration,
    /// How long it lasted.
    pub(super) lasted: Duration,
    /// How long after the end of the harm the cluster was healthy, if it was in time.
    pub(super) healthy_after: Option<Duration>,
}

impl Trial<'_> {
    /// Breaks the machines, waits, repairs them, and waits until the cluster is healthy.
    pub(super) fn broken(&self, fault: Fault, trial: usize, watch: Stopwatch) -> Result<Happened, Stopped> {
        let verdict = self.require_healthy()?;
        let seats = Seats::of(self.expected, &verdict.members);
        let primary = seats.primary().ok_or(Stopped::Impossible("there is no primary"))?;
        let primary_before = primary.name.clone();
        (self.tell)(DrillEvent::TrialBegun { fault: fault.name().into(), trial, primary: primary_before.clone() });
        self.wait(BEFORE)?;
        let injection = fault.injection();
        let leader = self.led(injection.victim, &seats, primary)?;
        let victims = seats.victims(injection.victim, &leader).map_err(Stopped::Impossible)?;
        let from = match injection.from {
            None => vec![],
            Some(from) => {
                let from = seats.victims(from, &leader).map_err(Stopped::Impossible)?;
                from.iter().map(|machine| machine.name.clone()).collect()
            }
        };
        let prediction = self.predicted(fault, &victims);
        let machines: Vec<String> = victims.iter().map(|machine| machine.name.clone()).collect();
        let hold = if injection.harm.lasts() {
            self.hold.of(&prediction, Timers::of(self.cluster).ttl)
        } else {
            Duration::ZERO
        };
        let hold_ms = millis(hold);
        (self.tell)(DrillEvent::FaultInjected { fault: fault.name().into(), machines: machines.clone(), hold_ms });
        let began = watch.elapsed();
        machines.iter().try_for_each(|machine| self.ground.inject(machine, injection.harm, &from))?;
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

    /// Puts etcd's leader where the fault needs it. Returns the machine of the leader.
    fn led(&self, victim: Victim, seats: &Seats<'_>, primary: &ExpectedMachine) -> Result<String, Stopped> {
        let leader = self.ground.etcd_leader()?;
        let to = match victim {
            Victim::PrimaryAsEtcdLeader if leader != primary.name => Some(primary),
            // A primary that leads etcd is a fault of its own, and a timer of the cluster ends that state.
            Victim::EtcdLeader | Victim::Primary if leader == primary.name => seats.standby(),
            _ => None,
        };
        let Some(to) = to else { return Ok(leader) };
        self.ground.move_etcd_leader(&to.name)?;
        Ok(to.name.clone())
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
