//! The events of a drill: each line of `drill --format json`. Text is made from them as well.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::{DrillReport, TrialReport};

/// The version of the event format. It increases when an event changes in a way that breaks existing readers.
pub const FORMAT: u32 = 1;

/// An event and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "an event of pgherd drill", extend("unevaluatedProperties" = false))]
pub struct DrillSaid {
    /// The time in UTC, such as `2026-11-24T13:30:00.000Z`.
    pub at: String,
    /// The event.
    #[serde(flatten)]
    pub event: DrillEvent,
}

/// Something that happened during a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum DrillEvent {
    /// The drill began: the cluster is healthy.
    DrillBegun {
        /// The version of the event format ([`FORMAT`]).
        format: u32,
        /// The cluster's name.
        cluster: String,
        /// `lab` or `aws`.
        target: String,
        /// The faults, in their order.
        faults: Vec<String>,
        /// The number of trials of each.
        trials: usize,
    },
    /// A trial began: the clients write and read.
    TrialBegun {
        /// The fault's name.
        fault: String,
        /// The number of the trial of this fault, from 1.
        trial: usize,
        /// The primary.
        primary: String,
    },
    /// A fault was brought about.
    FaultInjected {
        /// The fault's name.
        fault: String,
        /// The machines that are harmed.
        machines: Vec<String>,
        /// How long it will last at most, in milliseconds; 0 where it is over at once.
        hold_ms: u64,
    },
    /// A fault was undone.
    FaultUndone {
        /// The fault's name.
        fault: String,
        /// How long it lasted, in milliseconds.
        lasted_ms: u64,
    },
    /// A trial ended.
    TrialEnded(TrialReport),
    /// The drill ended. No event follows.
    DrillEnded {
        /// The exit code of the process.
        exit_code: u8,
        /// What ended it early; empty if nothing did.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        error: String,
        /// What was found; null if the drill was refused.
        report: Option<DrillReport>,
    },
}

/// Returns the JSON Schema of the lines of `drill --format json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(DrillSaid).into()
}
