//! How a trial went over time: what the clients noted in each tenth of a second, and what moved where. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure;
use super::samples::Samples;

/// The length of an interval in milliseconds. Outages are told in tenths of a second.
pub const STEP_MS: u64 = 100;

/// A trial over time. Times are in milliseconds from the beginning of the fault; what was before is negative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// When the first interval begins.
    pub from_ms: i64,
    /// The number of rows that were acknowledged in each interval of 100 ms.
    pub acknowledged: Vec<u32>,
    /// The reads that each machine served: the beginning of each interval of 100 ms in which there was one, and the age of the
    /// oldest, which is 0 where no acknowledged row was lacking.
    pub reads: BTreeMap<String, Vec<(i64, u64)>>,
    /// What changed, in order. The first moment of each source says how it was at the beginning.
    pub moments: Vec<Moment>,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// When it was seen.
    pub at_ms: i64,
    /// What changed.
    #[serde(flatten)]
    pub movement: Movement,
}

/// What changed, as a source told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Movement {
    /// The fault began.
    FaultBegan,
    /// The fault was undone.
    FaultUndone,
    /// The cluster was healthy, and stayed so.
    Healthy,
    /// Patroni names another primary.
    Primary {
        /// The primary; null if there is none.
        machine: Option<String>,
    },
    /// Patroni tells something else of a database machine.
    Database {
        /// The machine.
        machine: String,
        /// What it does, and its state in Patroni's words; empty if Patroni does not list it.
        state: String,
    },
    /// HAProxy leads clients elsewhere.
    Serves {
        /// The machine of this HAProxy.
        haproxy: String,
        /// The port.
        port: ClientPort,
        /// The machines that it leads to; empty if there is none.
        machines: Vec<String>,
        /// On what condition a machine serves reads that is no standby which follows the primary; empty otherwise.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        fallback: String,
    },
    /// Another member leads etcd.
    EtcdLeader {
        /// Its machine; null if there is no leader.
        machine: Option<String>,
        /// The raft term.
        term: u64,
    },
    /// A source did not answer in time. What it told before may no longer be so.
    Silent {
        /// The source.
        source: Witness,
    },
}

/// A port of HAProxy for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPort {
    /// It leads to the primary.
    Write,
    /// It leads to the standbys.
    Read,
}

/// Who tells what moved. All are asked through HAProxy's admin port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Patroni.
    Patroni,
    /// The HAProxy on this machine.
    Haproxy(String),
    /// etcd.
    Etcd,
}

/// A change, and when it was seen since the beginning of the trial.
pub type Sight = (Duration, Movement);

impl Timeline {
    /// Makes the timeline of a trial. `seen` is what changed, in any order; `name` returns the machine of an address.
    pub fn of(samples: &Samples, seen: &[Sight], began: Duration, name: impl Fn(&str) -> String) -> Self {
        let since = |at: Duration| signed(at) - signed(began);
        let step = |at: Duration| since(at).div_euclid(STEP_MS as i64);
        let first = step(Duration::ZERO);
        let mut acknowledged = vec![0; usize::try_from(step(samples.until) - first + 1).unwrap_or_default()];
        for row in &samples.acknowledged {
            if let Some(count) = usize::try_from(step(row.at) - first).ok().and_then(|at| acknowledged.get_mut(at)) {
                *count += 1;
            }
        }
        let mut oldest: BTreeMap<String, BTreeMap<i64, u64>> = BTreeMap::new();
        for read in measure::ages(samples) {
            let age = oldest.entry(read.address).or_default().entry(step(read.at) * STEP_MS as i64).or_default();
            *age = (*age).max(u64::try_from(signed(read.age)).unwrap_or_default());
        }
        let reads = oldest.into_iter().map(|(address, ages)| (name(&address), ages.into_iter().collect()));
        let moment = |(at, movement): &Sight| Moment { at_ms: since(*at), movement: movement.clone() };
        let mut moments: Vec<Moment> = seen.iter().map(moment).collect();
        moments.sort_by_key(|moment| moment.at_ms);
        Timeline { from_ms: first * STEP_MS as i64, acknowledged, reads: reads.collect(), moments }
    }

    /// Returns when the last interval ends.
    pub fn until_ms(&self) -> i64 {
        self.from_ms + self.acknowledged.len() as i64 * STEP_MS as i64
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::samples::{Acknowledged, Read, Row};

    #[test]
    fn rows_and_reads_are_counted_from_the_beginning_of_the_fault() {
        let ms = Duration::from_millis;
        let acknowledged = |number, at| Acknowledged {
            row: Row { writer: 0, number },
            sent: ms(at - 1),
            at: ms(at),
            address: "10.0.0.1".into(),
            timeline: 1,
        };
        let read =
            |sent, newest| Read { reader: 0, sent: ms(sent), at: ms(sent), address: "a".into(), newest: vec![newest] };
        let samples = Samples {
            acknowledged: vec![acknowledged(1, 20), acknowledged(2, 249), acknowledged(3, 250), acknowledged(4, 460)],
            reads: vec![read(30, 1), read(330, 1), read(340, 2), read(470, 4)],
            until: ms(480),
            ..Samples::default()
        };
        let seen = [(ms(300), Movement::Primary { machine: None }), (ms(250), Movement::FaultBegan)];
        let timeline = Timeline::of(&samples, &seen, ms(250), |address| format!("machine {address}"));
        assert_eq!((timeline.from_ms, timeline.until_ms()), (-300, 300));
        assert_eq!(
            timeline.acknowledged,
            [1, 0, 1, 1, 0, 1],
            "a row at the very moment of the fault counts as after it"
        );
        assert_eq!(timeline.reads["machine a"], [(-300, 0), (0, 90), (200, 0)], "the oldest of each interval");
        let told: Vec<_> = timeline.moments.iter().map(|moment| (moment.at_ms, &moment.movement)).collect();
        assert_eq!(told, [(0, &Movement::FaultBegan), (50, &Movement::Primary { machine: None })]);
    }

    #[test]
    fn a_trial_without_a_row_has_a_timeline() {
        let timeline = Timeline::of(&Samples::default(), &[], Duration::ZERO, str::to_string);
        assert_eq!((timeline.from_ms, timeline.acknowledged), (0, vec![0]));
    }
}
