//! The outcome of a stage.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub enum Outcome {
    /// It did this work.
    Done(String),
    /// There was nothing to do, for this reason.
    Unchanged(String),
    /// It failed.
    Failed(Box<Failure>),
    /// It could not check the cluster: everything was created, but the cluster is unreachable from here.
    Unseen(Box<Failure>),
    /// It was not started, because this stage, which it needs, did not succeed.
    Blocked(String),
    /// The user declined the plan.
    Declined,
    /// The user interrupted it.
    Interrupted,
}

impl Outcome {
    /// Returns whether stages that need this one may start.
    pub fn ok(&self) -> bool {
        matches!(self, Outcome::Done(_) | Outcome::Unchanged(_))
    }
}

/// Why a stage failed, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// The tool's error message. If none was recognised, the end of its output.
    pub message: Vec<String>,
    /// The place in the generated files that the error refers to.
    pub origin: Option<Box<Origin>>,
    /// The log with all of its output.
    pub log: Option<PathBuf>,
    /// What to do.
    pub advice: String,
}

/// Returns the blueprint's attributes behind a line of a generated file, given the tool's message about it: [`Origin::blueprint`].
pub type Trace = dyn Fn(&str, Option<usize>, &str) -> Vec<String> + Send + Sync;

/// A place in a generated file, and the blueprint's attributes behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The file, relative to the cluster's folder.
    pub file: String,
    /// The line, counted from 1; null if the whole file is meant.
    pub line: Option<usize>,
    /// Each attribute behind it, as `FILE:LINE: attribute = value`.
    pub blueprint: Vec<String>,
}
