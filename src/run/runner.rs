//! What the stages of a run share: its setup, its board, what the review found and what was discovered since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use super::consent::Consent;
use super::drift::SettingDifference;
use super::events::{Event, Watcher};
use super::journal::Entry;
use super::observe::HaproxyAddress;
use super::scheduler::Board;
use super::setup::{Options, Setup};
use crate::pipeline::{AddedStage, Stage};
use crate::system::files;
use crate::tools::plan::PlanSummary;

/// Decides whether a plan that destroys or stops something is applied. It is called with the stage and the plan.
pub type Ask<'a> = dyn Fn(&str, &PlanSummary) -> Consent + Sync + 'a;

/// Runs the stages of a pipeline: what they share. `work.rs` runs them.
pub struct Runner<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) watcher: &'a dyn Watcher,
    pub(super) consent: &'a Ask<'a>,
    pub(super) options: Options,
    /// The prefix of this runner's log names.
    pub(super) log_name: String,
    pub(super) board: Arc<Board>,
    /// Whether it works while a review is still in progress.
    pub(super) is_early: bool,
    /// The findings of a review; empty if there was none.
    pub(super) reviewed: Reviewed,
    pub(super) locks: StageLocks,
    pub(super) discovered: Discovered,
}

/// Each image's AMI by stage, or `None` if it will be built.
pub type Images = BTreeMap<String, Option<String>>;

/// The findings of a review that the work does not have to repeat.
#[derive(Debug, Clone, Default)]
pub struct Reviewed {
    /// The plans that were shown, by stage. `None` if nothing changes.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// The AMI of each image, by stage. `None` if it has to be built.
    pub images: Images,
    /// Stages that the review added.
    pub added: Vec<AddedStage>,
}

/// Locks for work that only one stage at a time may do.
#[derive(Default)]
pub(super) struct StageLocks {
    /// Held while an image stage installs Packer's plugin; true once it is installed.
    pub plugin: Mutex<bool>,
    /// Held while a module is initialised, because it may download the provider for all.
    pub provider: Mutex<()>,
    /// Held while running machines are changed, so that databases of several modules do not stop at once.
    pub careful: Mutex<()>,
}

/// Facts that a runner discovers as it works.
#[derive(Default)]
pub(super) struct Discovered {
    /// Where the HAProxies are reached.
    pub haproxies: OnceLock<Vec<HaproxyAddress>>,
    /// The live settings that differ from the generated ones, once the cluster is healthy.
    pub differences: OnceLock<Vec<SettingDifference>>,
}

impl<'a> Runner<'a> {
    /// Makes a runner with a board of its own.
    pub fn new(setup: Setup<'a>, watcher: &'a dyn Watcher, consent: &'a Ask<'a>, options: Options) -> Self {
        Runner {
            setup,
            watcher,
            consent,
            log_name: setup.run.into(),
            board: Arc::new(Board::new(options.jobs)),
            options,
            is_early: false,
            reviewed: Reviewed::default(),
            locks: StageLocks::default(),
            discovered: Discovered::default(),
        }
    }

    /// Returns the runner with a board that it shares with other runners.
    pub fn on(self, board: &Arc<Board>) -> Self {
        Runner { board: Arc::clone(board), ..self }
    }

    /// Returns the runner with a suffix in its logs' names, so that they do not replace another runner's.
    pub fn logging_as(self, suffix: &str) -> Self {
        Runner { log_name: format!("{}-{suffix}", self.setup.run), ..self }
    }

    /// Returns the runner with the findings of a review.
    pub fn after(self, reviewed: Reviewed) -> Self {
        Runner { reviewed, ..self }
    }

    /// Returns the runner that builds images while the review goes on.
    pub fn early(self, images: &Images) -> Self {
        Runner { is_early: true, reviewed: Reviewed { images: images.clone(), ..self.reviewed }, ..self }
    }
}

impl Runner<'_> {
    /// Returns the live settings that differed when the cluster became healthy.
    pub fn differences(&self) -> &[SettingDifference] {
        self.discovered.differences.get().map_or(&[], Vec::as_slice)
    }

    /// Sends an event of the whole run to the watcher.
    pub fn tell(&self, event: Event) {
        self.watcher.event(event);
    }

    /// Returns the builds and applies of earlier runs that did not end successfully.
    pub(super) fn unfinished(&self) -> &'_ [Entry] {
        self.setup.past.map_or(&[], |past| &past.unfinished)
    }

    /// Returns whether this folder has no record of an earlier run.
    pub(super) fn is_first(&self) -> bool {
        self.setup.past.is_some_and(|past| past.is_first)
    }

    /// Returns whether no module was ever applied from this folder, so that nothing can be changed or lost.
    pub fn is_bare(&self) -> bool {
        let has_no_state = |state: &String| !files::exists(&self.setup.root.join(state));
        self.setup.pipeline.modules().all(|(_, module)| module.state.as_ref().is_some_and(has_no_state))
    }

    /// Returns whether the review found nothing to do for the stage and no earlier run left it unfinished.
    pub(super) fn is_done(&self, stage: &Stage) -> bool {
        let image = || self.reviewed.images.get(&stage.id).is_some_and(Option::is_some) && !self.is_first();
        let plan = || self.reviewed.plans.get(&stage.id).is_some_and(Option::is_none);
        (image() || plan()) && !self.unfinished().iter().any(|entry| entry.stage == stage.id)
    }
}
