//! What a fault would do now: whom it harms, for how long, and what `check` predicts.

use std::time::Duration;

use super::{Stopped, Trial};
use crate::cluster::check::quorum::{Survival, without};
use crate::cluster::fault::{Fault, Prediction, Victim, predict};
use crate::cluster::timing::Timers;
use crate::drill::victim::Seats;
use crate::pipeline::ExpectedMachine;

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

/// What a fault does, in the present state of the cluster.
#[derive(Debug)]
pub struct FaultTarget {
    /// The machines that are harmed.
    pub victims: Vec<String>,
    /// The machines that a cut is from; empty if it is from all.
    pub(super) from: Vec<String>,
    /// What `check` predicts.
    pub prediction: Prediction,
    /// How long it lasts; zero if it is over at once.
    pub hold: Duration,
    /// Where etcd's leader has to be moved before.
    pub(super) leader: Option<String>,
}

impl Trial<'_> {
    /// Returns what a fault would do if it was brought about now. It changes nothing.
    ///
    /// # Errors
    /// If the cluster cannot have it at present.
    pub fn target_now(&self, fault: Fault) -> Result<FaultTarget, Stopped> {
        let verdict = self.require_healthy()?;
        self.target(fault, &Seats::of(self.expected, &verdict.members))
    }

    pub(super) fn target(&self, fault: Fault, seats: &Seats<'_>) -> Result<FaultTarget, Stopped> {
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
                Victim::PrimaryAsEtcdLeader => LED_ELSEWHERE,
                _ => LED_BY_PRIMARY,
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
        Ok(FaultTarget { victims: names(&victims), from, prediction, hold, leader: heir.map(|heir| heir.name.clone()) })
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
}

const LED_ELSEWHERE: &str =
    "the primary does not lead etcd, and moving etcd's leadership needs a login on the machines";
const LED_BY_PRIMARY: &str = "the primary leads etcd, and moving etcd's leadership needs a login on the machines; a timer moves it within a minute";

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
        assert_eq!(Hold::For(AFTER_BOUND).of(&of(vec![timers(20_000)], None), 20), AFTER_BOUND);
    }
}
