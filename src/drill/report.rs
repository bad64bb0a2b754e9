//! What a drill found: figures of each trial, and what they mean together. Pure.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timeline::Timeline;

/// The longest pause of writes or reads that does not count as an outage, in milliseconds. On a busy machine commits pause this long by
/// themselves, and no application notices.
pub const UNNOTICED_MS: u64 = 300;

/// A fault that was brought about once. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrialReport {
    /// The fault's name.
    pub fault: String,
    /// The number of the trial of this fault, from 1.
    pub trial: usize,
    /// The machines that were harmed.
    pub machines: Vec<String>,
    /// How long the harm lasted until it was undone; 0 where it was over at once.
    pub lasted_ms: u64,
    /// The longest time without an acknowledged write that ended after the fault began.
    pub writes_stopped_ms: u64,
    /// The longest time without a successful read that ended after the fault began.
    pub reads_stopped_ms: u64,
    /// The longest time without an acknowledged write that `check` predicts; null where no timer ends it.
    pub bound_ms: Option<u64>,
    /// The longest time without a successful read that `check` predicts; null where no timer ends it.
    #[serde(default)]
    pub reads_bound_ms: Option<u64>,
    /// What ends the outage where no timer does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The number of acknowledged rows.
    pub acknowledged: usize,
    /// The number of reads.
    pub reads: usize,
    /// The number of acknowledged rows that each database machine lacks at the end, where it lacks any.
    pub lost: BTreeMap<String, usize>,
    /// The database machines whose rows could not be read at the end.
    pub unchecked: Vec<String>,
    /// The number of rows that a reader saw and that the primary lacks at the end.
    pub phantoms: usize,
    /// The number of rows that a former primary acknowledged after its successor had acknowledged one.
    pub two_primaries: usize,
    /// How long before a read the oldest row had been acknowledged that it lacked, at most; 0 if no read lacked one.
    pub stalest_ms: u64,
    /// The greatest age of a read that `check` predicts; null where no timer bounds it.
    #[serde(default)]
    pub staleness_bound_ms: Option<u64>,
    /// The machine of that read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalest_machine: Option<String>,
    /// What failed: the number of each message of each client.
    pub errors: BTreeMap<String, BTreeMap<String, usize>>,
    /// The time from the end of the harm until the cluster was healthy and stayed so; null if it was not in time.
    pub healthy_after_ms: Option<u64>,
    /// The primary before the fault.
    pub primary_before: String,
    /// The primary at the end; empty if there is none.
    pub primary_after: String,
    /// How it went over time. The committed report has none: that would be many megabytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
}

impl TrialReport {
    /// Returns what is wrong, in words: everything that the cluster promises and did not keep. Empty means that it kept its word.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = vec![];
        let stops =
            [("writes", self.writes_stopped_ms, self.bound_ms), ("reads", self.reads_stopped_ms, self.reads_bound_ms)];
        for (what, stopped, bound) in stops {
            if let Some(bound) = bound.filter(|bound| stopped > *bound.max(&UNNOTICED_MS)) {
                let (stopped, bound) = (seconds(stopped), seconds(bound));
                broken.push(format!("{what} stopped for {stopped}, and `check` predicts at most {bound}"));
            }
        }
        if let Some(bound) = self.staleness_bound_ms.filter(|bound| self.stalest_ms > *bound) {
            broken.push(format!(
                "a read was {} old, and `check` predicts at most {}",
                seconds(self.stalest_ms),
                seconds(bound)
            ));
        }
        for (machine, rows) in &self.lost {
            broken.push(format!("{machine} lacks {rows} acknowledged rows"));
        }
        for machine in &self.unchecked {
            broken.push(format!("the rows of {machine} could not be read"));
        }
        if self.phantoms > 0 {
            broken.push(format!("readers saw {} rows that no longer exist", self.phantoms));
        }
        if self.two_primaries > 0 {
            broken.push(format!("a former primary acknowledged {} rows after its successor did", self.two_primaries));
        }
        if self.healthy_after_ms.is_none() {
            broken.push("the cluster did not become healthy again".to_string());
        }
        broken
    }
}

/// Formats milliseconds as seconds, such as `0.3 s`. Rounded up, as `check` does: neither an outage nor a bound must look shorter than it is.
pub fn seconds(ms: u64) -> String {
    let tenths = ms.div_ceil(100);
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// The least, the median and the greatest of some figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The least.
    pub min: u64,
    /// The median; of an even number, the lower of the two in the middle.
    pub median: u64,
    /// The greatest.
    pub max: u64,
}

impl Spread {
    /// Returns the spread of some figures; zeros if there are none.
    pub fn of(figures: impl IntoIterator<Item = u64>) -> Self {
        let mut all: Vec<u64> = figures.into_iter().collect();
        all.sort_unstable();
        let at = |i: usize| all.get(i).copied().unwrap_or_default();
        Spread { min: at(0), median: at(all.len().saturating_sub(1) / 2), max: at(all.len().saturating_sub(1)) }
    }
}

/// All trials of a fault. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    /// The fault's name.
    pub fault: String,
    /// What happens, in words.
    pub title: String,
    /// How long writes stopped.
    pub writes_stopped_ms: Spread,
    /// How long reads stopped.
    pub reads_stopped_ms: Spread,
    /// The longest outage that `check` predicts; null where no timer ends it.
    pub bound_ms: Option<u64>,
    /// The longest outage of reads that `check` predicts; null where no timer ends it.
    #[serde(default)]
    pub reads_bound_ms: Option<u64>,
    /// The number of acknowledged rows that any machine lacks, at most, over all trials.
    pub lost: usize,
    /// The number of rows that readers saw and that no longer exist.
    pub phantoms: usize,
    /// The age of the stalest read.
    pub stalest_ms: u64,
    /// The number of rows that a former primary acknowledged after its successor had acknowledged one.
    pub two_primaries: usize,
    /// How long after the end of the harm the cluster was healthy. Trials after which it was not are left out.
    pub healthy_after_ms: Spread,
    /// Whether the cluster kept its word in every trial.
    pub held: bool,
    /// Each trial.
    pub trials: Vec<TrialReport>,
}

impl FaultReport {
    /// Summarises the trials of a fault.
    pub fn of(fault: &str, title: &str, trials: Vec<TrialReport>) -> Self {
        let spread = |figure: fn(&TrialReport) -> u64| Spread::of(trials.iter().map(figure));
        FaultReport {
            fault: fault.into(),
            title: title.into(),
            writes_stopped_ms: spread(|trial| trial.writes_stopped_ms),
            reads_stopped_ms: spread(|trial| trial.reads_stopped_ms),
            // The trials of a zone may differ: writes stop with HAProxy's.
            bound_ms: trials.iter().map(|trial| trial.bound_ms).min().flatten(),
            reads_bound_ms: trials.iter().map(|trial| trial.reads_bound_ms).min().flatten(),
            lost: trials.iter().map(|trial| trial.lost.values().max().copied().unwrap_or_default()).sum(),
            phantoms: trials.iter().map(|trial| trial.phantoms).sum(),
            stalest_ms: trials.iter().map(|trial| trial.stalest_ms).max().unwrap_or_default(),
            two_primaries: trials.iter().map(|trial| trial.two_primaries).sum(),
            healthy_after_ms: Spread::of(trials.iter().filter_map(|trial| trial.healthy_after_ms)),
            held: trials.iter().all(|trial| trial.broken().is_empty()),
            trials,
        }
    }
}

/// The machine that a drill ran on, with the clients. A lab's cluster runs on it, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostReport {
    /// The number of processors.
    pub processors: usize,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The version of the kernel.
    pub kernel: String,
    /// The load average of the minute before the drill, in hundredths.
    pub load_hundredths: u64,
}

/// A drill: every fault, in the order in which it was brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrillReport {
    /// The cluster's name.
    pub cluster: String,
    /// `lab`.
    pub target: String,
    /// The blueprint's file.
    pub blueprint: String,
    /// When it began, in UTC.
    pub began: String,
    /// The machine that the drill ran on.
    pub host: HostReport,
    /// The versions of the software, as far as it reports them.
    pub versions: BTreeMap<String, String>,
    /// The seed that the order of the faults followed from, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// Each fault.
    pub faults: Vec<FaultReport>,
    /// The faults that the cluster cannot have at present, each with the reason.
    pub skipped: BTreeMap<String, String>,
    /// What the drill left behind: what exists after it that did not exist before, each in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Whether the cluster kept its word in every trial, and nothing was left behind.
    pub held: bool,
}

impl DrillReport {
    /// Adds a fault, or replaces what was known of it.
    pub fn add(&mut self, fault: FaultReport) {
        match self.faults.iter_mut().find(|known| known.fault == fault.fault) {
            Some(known) => *known = fault,
            None => self.faults.push(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(stopped: u64, bound: Option<u64>) -> TrialReport {
        TrialReport { writes_stopped_ms: stopped, bound_ms: bound, healthy_after_ms: Some(0), ..TrialReport::default() }
    }

    #[test]
    fn a_bound_holds_or_does_not() {
        assert!(trial(5000, Some(5000)).broken().is_empty());
        assert_eq!(trial(5100, Some(5000)).broken(), ["writes stopped for 5.1 s, and `check` predicts at most 5.0 s"]);
        assert!(trial(UNNOTICED_MS, Some(0)).broken().is_empty(), "commits pause this long by themselves");
        assert_eq!(trial(UNNOTICED_MS + 1, Some(0)).broken().len(), 1);
        assert!(trial(90_000, None).broken().is_empty(), "no timer ends it");
    }

    #[test]
    fn everything_else_that_is_promised_is_checked() {
        let sound = || trial(0, Some(0));
        for unsound in [
            TrialReport { lost: [("slave1".to_string(), 1)].into(), ..sound() },
            TrialReport { unchecked: vec!["slave1".into()], ..sound() },
            TrialReport { phantoms: 1, ..sound() },
            TrialReport { reads_stopped_ms: 301, reads_bound_ms: Some(0), ..sound() },
            TrialReport { stalest_ms: 4901, staleness_bound_ms: Some(4900), ..sound() },
            TrialReport { two_primaries: 1, ..sound() },
            TrialReport { healthy_after_ms: None, ..sound() },
        ] {
            assert_eq!(unsound.broken().len(), 1, "{unsound:?}");
            assert!(!FaultReport::of("x", "x", vec![sound(), unsound]).held);
        }
    }

    #[test]
    fn trials_are_summarised() {
        assert_eq!(Spread::of([3, 1, 2]), Spread { min: 1, median: 2, max: 3 });
        assert_eq!(Spread::of([4, 1, 2, 3]), Spread { min: 1, median: 2, max: 4 });
        assert_eq!(Spread::of([]), Spread::default());
        let lost = |rows: &[(&str, usize)]| TrialReport {
            lost: rows.iter().map(|(machine, rows)| (machine.to_string(), *rows)).collect(),
            ..trial(10, Some(20))
        };
        let report = FaultReport::of("x", "x", vec![lost(&[("a", 2), ("b", 3)]), lost(&[]), lost(&[("a", 1)])]);
        assert_eq!((report.lost, report.held, report.bound_ms), (4, false, Some(20)));
        let zone = FaultReport::of("zone", "x", vec![trial(0, Some(20)), trial(0, None)]);
        assert_eq!(zone.bound_ms, None, "one of them has no bound");
    }
}
