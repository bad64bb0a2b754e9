//! How a fault is brought about, held and undone, and how the cluster heals.

use std::time::Duration;

use super::target::FaultTarget;
use super::{PAUSE, Stopped, Trial, millis};
use crate::cluster::fault::{Fault, Prediction};
use crate::drill::events::DrillEvent;
use crate::drill::victim::Seats;
use crate::system::clock::Stopwatch;

/// How long the clients work before the fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long the cluster must have been healthy without interruption to count as healthy again. Patroni and HAProxy notice what has
/// happened within seconds, and look healthy until then.
const STEADY: Duration = Duration::from_secs(5);
/// How long a cluster may take to become healthy again.
const PATIENCE: Duration = Duration::from_secs(300);
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
        let FaultTarget { victims: machines, from, prediction, hold, leader } = self.target(fault, &seats)?;
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
