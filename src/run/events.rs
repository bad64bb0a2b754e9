//! What a run tells while it goes on. Everything that anybody sees of it is made from these: lines, live view, JSON, history, report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::tools::plan::{Change, Doing, PlanSummary};

/// Counts up when an event changes so that readers of the old ones would fail.
pub const FORMAT: u32 = 2;

/// An event and when it happened: a line of `--format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "an event of pgherd", extend("unevaluatedProperties" = false))]
pub struct Said {
    /// When, in UTC: `2026-11-24T13:30:00.000Z`.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The cluster's folder is held, the tools are there: it begins.
    RunBegun(Begun),
    /// The stages that follow belong to this.
    PhaseBegun {
        /// Which.
        phase: Phase,
    },
    /// A stage began.
    StageBegun {
        /// Its id.
        stage: String,
        /// Whether it does its work while others are still looked at.
        #[serde(default)]
        early: bool,
    },
    /// A stage's tool printed a line. Only with `--verbose`.
    Output {
        /// Its id.
        stage: String,
        /// The line.
        text: String,
    },
    /// A stage waits for the world.
    Waiting {
        /// Its id.
        stage: String,
        /// What for.
        text: String,
    },
    /// Something that has to be seen.
    Notice {
        /// The stage's id; empty for the run itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stage: String,
        /// What.
        text: String,
    },
    /// An image was looked for.
    Image(ImageSeen),
    /// A module was planned.
    Planned {
        /// Its stage's id.
        stage: String,
        /// What would be done; none where nothing changes.
        plan: Option<Plan>,
    },
    /// Everything that can be known before something is changed is known.
    Reviewed {
        /// Modules that are planned only when this stage is done, by stage.
        later: BTreeMap<String, String>,
        /// Whether there is something to do.
        changes: bool,
        /// Whether that is done without a question.
        #[serde(default)]
        unattended: bool,
    },
    /// Someone has to agree, or nothing more is done.
    ConfirmationNeeded {
        /// The stage's id; empty where all of them are meant.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stage: String,
        /// Machines whose data goes: each has to be named.
        data_of: Vec<String>,
        /// Machines that are stopped and started again, or may be: each has to be named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stops: Vec<String>,
    },
    /// A stage ended, or will never begin.
    StageEnded {
        /// Its id.
        stage: String,
        /// How.
        outcome: Outcome,
        /// After how many seconds.
        seconds: f64,
    },
    /// It is over; nothing follows.
    RunEnded {
        /// The process's exit code; 137 where it was killed, which the next run writes into its events.
        exit_code: u8,
        /// What ended it, where that is no stage's failure.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        error: String,
    },
}

/// Who runs what where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Begun {
    /// Of these events: [`FORMAT`].
    pub format: u32,
    /// Names the run and its logs.
    pub run: String,
    /// `run` or `destroy`.
    pub verb: String,
    /// The cluster's name.
    pub cluster: String,
    /// `aws` or `lab`.
    pub target: String,
    /// AWS region.
    pub region: String,
    /// The version of each tool, and pgherd's own.
    pub versions: BTreeMap<String, String>,
    /// The stages, each after those it needs.
    pub stages: Vec<StageIs>,
    /// The folder of the logs.
    pub logs: String,
    /// The page to look at when it is over.
    pub report: String,
}

/// A stage and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageIs {
    /// Its id.
    pub stage: String,
    /// Ids of the stages before it.
    pub needs: Vec<String>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Finding out what would be done; no module is changed.
    Review,
    /// Doing it.
    #[default]
    Work,
}

/// What there is of an image, and what is done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSeen {
    /// The stage's id.
    pub stage: String,
    /// The image's name.
    pub name: String,
    /// Its AMI, where one of this content exists.
    #[serde(default)]
    pub ami: Option<String>,
    /// Why it is built; none where it stays as it is.
    #[serde(default)]
    pub rebuilt: Option<String>,
    /// The files that differ from the newest image of its role.
    #[serde(default)]
    pub differs: Vec<String>,
    /// The base image that it was made from has a successor: this says both.
    #[serde(default)]
    pub base_moved: Option<String>,
    /// It is older than `image.max_age_days`: this says by how much.
    #[serde(default)]
    pub aged: Option<String>,
}

/// What a plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Resources to be made.
    pub created: usize,
    /// Resources to be changed in place.
    pub changed: usize,
    /// Resources to be destroyed and made anew.
    pub replaced: usize,
    /// Resources to be destroyed.
    pub destroyed: usize,
    /// In Terraform's own words.
    pub summary: String,
    /// Each of them.
    pub changes: Vec<Change>,
}

impl From<&PlanSummary> for Plan {
    fn from(plan: &PlanSummary) -> Self {
        let count = |doing| plan.changes.iter().filter(|change| change.doing == doing).count();
        Plan {
            created: count(Doing::Create),
            changed: count(Doing::Update),
            replaced: count(Doing::Replace),
            destroyed: count(Doing::Destroy),
            summary: plan.to_string(),
            changes: plan.changes.clone(),
        }
    }
}

/// Hears of everything that happens, from several threads at once.
pub trait Watcher: Sync {
    /// Takes an event.
    fn event(&self, event: Event);
    /// Something that this is written into takes no more: a full disk must not end a run that changes machines, but it is no success.
    fn lost(&self, _what: &str, _error: std::io::Error) {}
}

/// Hears of nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deaf;

impl Watcher for Deaf {
    fn event(&self, _: Event) {}
}

/// The JSON Schema of the stream's lines.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Said).into()
}
