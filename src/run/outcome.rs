//! What a stage comes to.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub enum Outcome {
    /// It did this.
    Done(String),
    /// There was nothing to do, for this reason.
    Unchanged(String),
    /// It failed.
    Failed(Box<Failure>),
    /// It could not be found out: everything is made, and the cluster cannot be seen from here.
    Unseen(Box<Failure>),
    /// It was not begun: this stage, which it needs, did not succeed.
    Blocked(String),
    /// The user said no to what it was about to do.
    Declined,
    /// The user stopped it.
    Interrupted,
}

impl Outcome {
    /// Whether what needs the stage may begin.
    pub fn ok(&self) -> bool {
        matches!(self, Outcome::Done(_) | Outcome::Unchanged(_))
    }
}

/// Why a stage failed, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// The tool's own message; where it has none that is known as such, the end of its output.
    pub message: Vec<String>,
    /// Where it comes from.
    pub origin: Option<Box<Origin>>,
    /// All of its output.
    pub log: Option<PathBuf>,
    /// What to do.
    pub advice: String,
}

/// Says what of the blueprint is behind a line of a generated file, about which a tool says this: [`Origin::blueprint`].
pub type Trace = dyn Fn(&str, Option<usize>, &str) -> Vec<String> + Send + Sync;

/// A place in a generated file, and what of the blueprint made it so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The file, relative to the cluster's folder.
    pub file: String,
    /// The line, counted from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// `FILE:LINE: attribute = value` of each attribute behind it.
    pub blueprint: Vec<String>,
}
