//! The inputs of a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::journal::{Entry, Journal};
use super::outcome::Trace;
use crate::pipeline::Pipeline;
use crate::system::Interrupt;
use crate::tools::aws::Ami;
use crate::tools::living::LivingMachine;
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
    /// Signals that the user wants to stop.
    pub interrupt: &'a Interrupt,
    /// Traces generated files back to the blueprint.
    pub trace: &'a Trace,
    /// The path of pgherd's own executable, which also runs as the keeper of a tool.
    pub program: &'a Path,
    /// The journal of what began and ended.
    pub journal: &'a Journal,
    /// What earlier runs left. `None` in a session that does not hold the folder.
    pub past: Option<&'a EarlierRuns>,
    /// Packer's edition. `None` in a session that did not look for the tools and so cannot build images.
    pub packer: Option<packer::Edition>,
    /// The run's id, which its logs' names begin with.
    pub run: &'a str,
    /// AWS's responses so far.
    pub answers: &'a Answers,
}

/// What earlier runs left in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRuns {
    /// Builds and applies that did not end successfully.
    pub unfinished: Vec<Entry>,
    /// Whether this folder has no record of an earlier run. There may have been one in another folder.
    pub is_first: bool,
}

/// The user's choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The number of stages that may run at the same time.
    pub jobs: usize,
    /// The time that the cluster has to become healthy.
    pub patience: Duration,
    /// Roles whose images are rebuilt although they exist.
    pub rebuild: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { jobs: 4, patience: Duration::ZERO, rebuild: vec![] }
    }
}

/// AWS's responses that a review and the work after it share.
#[derive(Debug, Default)]
pub struct Answers {
    /// The cluster's images and all possible base images.
    pub(super) images: Mutex<Option<Vec<Ami>>>,
    /// The resources with the cluster's tag. The inner `None` means that AWS did not return them.
    pub(super) tagged: Mutex<Option<Option<Tagged>>>,
    /// The machines of the cluster that exist.
    pub(super) living: Mutex<Option<Vec<LivingMachine>>>,
}
