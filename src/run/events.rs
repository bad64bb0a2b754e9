//! The events of a run. Everything a user sees is made from them: lines, the live view, JSON, the history and the report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::status::ClusterStatus;
use crate::tools::plan::{Change, PlanAction, PlanSummary};

/// The version of the event format. It increases when an event changes in a way that breaks existing readers.
pub const FORMAT: u32 = 2;

/// An event and its time: one line of `--format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "an event of pgherd", extend("unevaluatedProperties" = false))]
pub struct TimedEvent {
    /// The time in UTC, such as `2026-11-24T13:30:00.000Z`.
    pub at: String,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened during a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began: it holds the cluster's folder and has found the tools.
    RunBegun(Begun),
    /// A phase began. The stages that follow belong to it.
    PhaseBegun {
        /// The phase.
        phase: Phase,
    },
    /// A stage began.
    StageBegun {
        /// Its id.
        stage: String,
        /// Whether it works while other stages are still being reviewed.
        #[serde(default)]
        early: bool,
    },
    /// A stage's tool printed a line. Sent only with `--verbose`.
    Output {
        /// Its id.
        stage: String,
        /// The line.
        text: String,
    },
    /// A stage is waiting for something outside pgherd.
    Waiting {
        /// Its id.
        stage: String,
        /// What it is waiting for.
        text: String,
    },
    /// A notice that the user should see.
    Notice {
        /// The stage's id; empty for the run itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stage: String,
        /// The notice.
        text: String,
    },
    /// An image was looked up.
    Image(ImageSeen),
    /// A module was planned.
    Planned {
        /// The id of its stage.
        stage: String,
        /// The plan; null if nothing changes.
        plan: Option<Plan>,
    },
    /// The review is complete: everything that can be known before a change is known.
    Reviewed {
        /// The modules that can be planned only later, each with the stage that it waits for.
        later: BTreeMap<String, String>,
        /// Whether there is something to do.
        changes: bool,
        /// Whether it is done without asking.
        #[serde(default)]
        unattended: bool,
    },
    /// The cluster was observed: when it became healthy, or when the time for that was over.
    Observed(Box<ClusterStatus>),
    /// The run needs a confirmation before it continues.
    ConfirmationNeeded {
        /// The stage's id; empty if all stages are meant.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stage: String,
        /// Machines whose data is destroyed. Each has to be confirmed by name.
        data_of: Vec<String>,
        /// Machines that are, or may be, stopped and started again. Each has to be confirmed by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stops: Vec<String>,
    },
    /// A stage ended, or will never start.
    StageEnded {
        /// Its id.
        stage: String,
        /// Its outcome.
        outcome: Outcome,
        /// The seconds that it took.
        seconds: f64,
    },
    /// The run ended. No event follows.
    RunEnded {
        /// The exit code of the process. If the process was killed, it is 137, which the next run adds to its events.
        exit_code: u8,
        /// What ended it, if not the failure of a stage.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        error: String,
    },
}

/// The beginning of a run: the command, the cluster, the tools and the stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Begun {
    /// The version of the event format ([`FORMAT`]).
    pub format: u32,
    /// The run's id, which its logs' names begin with.
    pub run: String,
    /// `run` or `destroy`.
    pub verb: String,
    /// The cluster's name.
    pub cluster: String,
    /// `aws` or `lab`.
    pub target: String,
    /// The AWS region.
    pub region: String,
    /// The version of each tool and of pgherd.
    pub versions: BTreeMap<String, String>,
    /// The stages, each after the stages it needs.
    pub stages: Vec<StageNeeds>,
    /// The folder with the logs.
    pub logs: String,
    /// The path of the report, which is complete when the run ends.
    pub report: String,
}

/// A stage and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageNeeds {
    /// Its id.
    pub stage: String,
    /// The ids of the stages that it needs.
    pub needs: Vec<String>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Finds out what would be done. No module is changed.
    Review,
    /// Does the work.
    #[default]
    Work,
}

/// An image: the AMI that exists, and what is done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSeen {
    /// The stage's id.
    pub stage: String,
    /// The image's name.
    pub name: String,
    /// Its AMI, if one with this content exists.
    #[serde(default)]
    pub ami: Option<String>,
    /// Why it is built; null if it is kept.
    #[serde(default)]
    pub rebuilt: Option<String>,
    /// The files that differ from the newest image of its role.
    #[serde(default)]
    pub differs: Vec<String>,
    /// A sentence that names the base image it was built from and a newer one, if there is a newer one.
    #[serde(default)]
    pub base_moved: Option<String>,
    /// A sentence that gives its age, if it is older than `image.max_age_days`.
    #[serde(default)]
    pub aged: Option<String>,
}

/// What a plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The number of resources to create.
    pub created: usize,
    /// The number of resources to change in place.
    pub changed: usize,
    /// The number of resources to replace: destroy and create again.
    pub replaced: usize,
    /// The number of resources to destroy.
    pub destroyed: usize,
    /// The summary in Terraform's own words.
    pub summary: String,
    /// The changes.
    pub changes: Vec<Change>,
}

impl From<&PlanSummary> for Plan {
    fn from(plan: &PlanSummary) -> Self {
        let count = |doing| plan.changes.iter().filter(|change| change.doing == doing).count();
        Plan {
            created: count(PlanAction::Create),
            changed: count(PlanAction::Update),
            replaced: count(PlanAction::Replace),
            destroyed: count(PlanAction::Destroy),
            summary: plan.to_string(),
            changes: plan.changes.clone(),
        }
    }
}

/// Receives the events of a run, from several threads at once.
pub trait Watcher: Sync {
    /// Receives an event.
    fn event(&self, event: Event);
    /// Receives a write error of a log or an output. A full disk must not end a run that changes machines, but such a run is no success.
    fn lost(&self, _what: &str, _error: std::io::Error) {}
}

/// A watcher that ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct IgnoreEvents;

impl Watcher for IgnoreEvents {
    fn event(&self, _: Event) {}
}

/// Returns the JSON Schema of the lines of `--format json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(TimedEvent).into()
}
