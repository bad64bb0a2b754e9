//! What a run is given before it begins.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::journal::{Entry, Journal};
use super::outcome::Trace;
use crate::pipeline::Pipeline;
use crate::system::Interrupt;
use crate::tools::aws::Ami;
use crate::tools::packer;
use crate::tools::tagged::Tagged;

/// Everything that is known before a run begins. All runners of a session share it.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The pipeline to run.
    pub pipeline: &'a Pipeline,
    /// The folder of the cluster's files, where the tools run.
    pub root: &'a Path,
    /// The tools' environment, before an invocation adds its own variables.
    pub env: &'a BTreeMap<String, String>,
    /// Tells whether the user wants to stop.
    pub interrupt: &'a Interrupt,
    /// Leads from generated files back to the blueprint.
    pub trace: &'a Trace,
    /// The path of pgherd's own program, which starts itself as the keeper of a tool.
    pub program: &'a Path,
    /// The journal of what began and ended.
    pub journal: &'a Journal,
    /// What earlier runs left. `None` in a session that does not hold the folder.
    pub past: Option<&'a Past>,
    /// Packer's edition. `None` in a session that did not look for the tools: it cannot build images.
    pub packer: Option<packer::Edition>,
    /// The run's id, which names its logs.
    pub run: &'a str,
    /// What AWS was asked already.
    pub answers: &'a Answers,
}

/// What earlier runs left in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Builds and applies that did not end well.
    pub unfinished: Vec<Entry>,
    /// Whether this folder knows of no earlier run. There may have been one in another folder.
    pub is_first: bool,
}

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The number of stages that may run at the same time.
    pub jobs: usize,
    /// How long the cluster may take to become healthy.
    pub patience: Duration,
    /// Roles whose images are rebuilt although they exist.
    pub rebuild: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { jobs: 4, patience: Duration::ZERO, rebuild: vec![] }
    }
}

/// What AWS is asked once, for a review and the work after it.
#[derive(Debug, Default)]
pub struct Answers {
    /// The cluster's images, and all images that they could be based on.
    pub(super) images: Mutex<Option<Vec<Ami>>>,
    /// What bears the cluster's tag. The inner `None` means that AWS does not tell.
    pub(super) tagged: Mutex<Option<Option<Tagged>>>,
}
