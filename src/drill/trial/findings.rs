//! What a trial found: the clients' samples and the machines' rows, judged.

use std::collections::{BTreeMap, BTreeSet};

use super::harm::Happened;
use super::{PAUSE, REPLAY, Stopped, Trial, millis};
use crate::cluster::fault::{Fault, staleness};
use crate::cluster::timing::Timers;
use crate::drill::ground::SCHEMA;
use crate::drill::measure;
use crate::drill::probe;
use crate::drill::report::TrialReport;
use crate::drill::samples::{Row, Samples};
use crate::drill::victim::Seats;
use crate::pipeline::ExpectedMachine;
use crate::system::clock::Stopwatch;

impl Trial<'_> {
    /// Looks for every row on every machine, and makes the report of the trial.
    pub(super) fn report(
        &self,
        fault: Fault,
        trial: usize,
        broken: &Happened,
        samples: &Samples,
    ) -> Result<TrialReport, Stopped> {
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
}
