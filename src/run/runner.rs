//! Runs the stages of a pipeline.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::consent::Consent;
use super::environment::Redactor;
use super::events::{Event, Watcher};
use super::journal::{self, Entry, Journal};
use super::log::Log;
use super::outcome::{Failure, Outcome, Trace};
use super::scheduler::{self, Board};
use super::under::{Stop, Under};
use crate::pipeline::{Pipeline, Stage, Work};
use crate::system::{Interrupt, files};
use crate::tools::aws::Ami;
use crate::tools::leftovers::Tagged;
use crate::tools::packer;
use crate::tools::plan::PlanSummary;
use crate::workspace;

/// Everything that stages have in common.
pub struct Runner<'a> {
    /// What is run.
    pub pipeline: &'a Pipeline,
    /// The folder of the cluster's files, where the tools run.
    pub root: PathBuf,
    /// The tools' environment, before what an invocation adds.
    pub env: BTreeMap<String, String>,
    /// The user's wish to stop.
    pub interrupt: &'a Interrupt,
    /// Who hears of it.
    pub watcher: &'a dyn Watcher,
    /// Asked before a plan that nobody saw destroys something: the stage and the plan.
    pub consent: &'a (dyn Fn(&str, &PlanSummary) -> Consent + Sync),
    /// From generated files back to the blueprint.
    pub trace: &'a Trace,
    /// pgherd's own program: it starts itself as the keeper of a tool.
    pub program: PathBuf,
    /// What was begun and ended.
    pub journal: Journal,
    /// Builds and applies of earlier runs that did not end well.
    pub unfinished: Vec<Entry>,
    /// Whether nothing is known here of earlier runs: they may have been somewhere else.
    pub is_first: bool,
    /// What AWS was asked already.
    pub answers: &'a Answers,
    /// When the run began, for the names of its logs.
    pub stamp: String,
    /// What Packer knows.
    pub packer: packer::Edition,
    /// Who is at what.
    pub board: Arc<Board>,
    /// Whether it works while others are still looked at.
    pub early: bool,
    /// How long the cluster may take to become whole.
    pub patience: Duration,
    /// Held while one of several image stages gets Packer's plugin.
    pub plugin: Mutex<bool>,
    /// Held while a module is initialised: it may get the provider for all.
    pub provider: Mutex<()>,
    /// Held while machines that run are changed: one module's at a time, lest all databases stop at once.
    pub careful: Mutex<()>,
    /// Where HAProxy is reached, once that was asked.
    pub address: OnceLock<IpAddr>,
    /// Roles whose images are built although they exist.
    pub rebuild: Vec<String>,
    /// Settings of the databases that run otherwise than they are generated, once the cluster is whole.
    pub drift: Mutex<Vec<String>>,
    /// What a review found: plans that were shown, by stage.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// What a review found: whether an image exists, by stage.
    pub images: BTreeMap<String, Option<String>>,
}

/// What AWS is asked once, for a review and the work after it.
#[derive(Debug, Default)]
pub struct Answers {
    /// The cluster's images, and all that they could be based on.
    pub images: Mutex<Option<Vec<Ami>>>,
    /// What bears the cluster's tag; none where AWS does not tell.
    pub tagged: Mutex<Option<Option<Tagged>>>,
}

impl Runner<'_> {
    /// Runs what of the pipeline a review has not found done and nobody is at. The board has what each stage came to.
    pub fn run(&self) {
        let open = |stage: &&Stage| !self.is_done(stage) && !self.board.has(&stage.id);
        self.work(&self.pipeline.stages.iter().filter(open).cloned().collect::<Vec<_>>());
    }

    /// Runs these stages.
    pub fn work(&self, stages: &[Stage]) {
        self.run_stages(&self.board, stages, |under, stage| match &stage.work {
            Work::Image(image) => under.image(image),
            Work::Module(module) => under.module(module),
            Work::Verify => under.verify(&self.pipeline.seats),
        });
    }

    /// Whether no module was ever applied, as far as that is known here: there is nothing that could be changed or lost.
    pub fn is_bare(&self) -> bool {
        let has_no_state = |state: &String| !files::exists(&self.root.join(state));
        self.pipeline.modules().all(|(_, module)| module.state.as_ref().is_some_and(has_no_state))
    }

    /// Whether a review found nothing to do, and no earlier run left anything, as far as that is known here.
    fn is_done(&self, stage: &Stage) -> bool {
        let image = || self.images.get(&stage.id).is_some_and(Option::is_some) && !self.is_first;
        let plan = || self.plans.get(&stage.id).is_some_and(Option::is_none);
        (image() || plan()) && !self.unfinished.iter().any(|entry| entry.stage == stage.id)
    }

    pub(super) fn run_stages(
        &self,
        board: &Board,
        stages: &[Stage],
        work: impl Fn(&mut Under<'_>, &Stage) -> Result<Outcome, Stop> + Sync,
    ) -> Vec<Outcome> {
        scheduler::run(board, stages, self.interrupt, self.watcher, |stage| {
            self.watcher.event(Event::StageBegun { stage: stage.id.clone(), early: self.early });
            let mut under = match self.begin(&stage.id) {
                Ok(under) => under,
                Err(stop) => return stop.into(),
            };
            if let Err(e) = self.journal.begun(&stage.id, journal::STAGE) {
                return under.failure(format!("cannot write the journal: {e}"), MAKE_ROOM).into();
            }
            let outcome = work(&mut under, stage).unwrap_or_else(Outcome::from);
            if let Some(error) = under.log.take_lost() {
                self.watcher.lost(&under.log.path().display().to_string(), error);
            }
            self.journal.ended(&stage.id, journal::STAGE, if outcome.ok() { "done" } else { "not done" });
            outcome
        })
    }

    pub(super) fn begin<'a>(&'a self, stage: &'a str) -> Result<Under<'a>, Stop> {
        let private = self.root.join(workspace::PRIVATE);
        let opened = require_room(&self.root)
            .and_then(|()| files::make_dirs(&private.join("plans")))
            .and_then(|()| temporary(&self.root).map_or(Ok(()), |dir| files::make_dirs(&dir)))
            .and_then(|()| Log::open(&private.join("logs"), &self.stamp, stage, Redactor::of(&self.env)));
        match opened {
            Ok(log) => Ok(Under { runner: self, stage, log, collided: false }),
            Err(e) => Err(Stop::Failed(Box::new(Failure {
                what: format!("cannot write the log in {}: {e}", private.display()),
                advice: MAKE_ROOM.into(),
                ..Failure::default()
            }))),
        }
    }
}

/// Sockets are made there, whose paths may have 107 bytes (`man 7 unix`); the tools' names for them have fewer than 30.
const LONGEST: usize = 107 - 30;

/// Where the tools of a folder have their temporary files: those of a tool that was killed go with the next run. None where the
/// path would be too long.
pub fn temporary(root: &Path) -> Option<PathBuf> {
    let dir = root.join(workspace::PRIVATE).join("tmp");
    (dir.as_os_str().len() <= LONGEST).then_some(dir)
}

/// Nothing is begun with less: a state, its copies, a plan, logs and journal fit into it, of the largest cluster too.
const ROOM: u64 = 16 << 20;

/// Whether what is begun can also be written down.
pub fn require_room(dir: &Path) -> io::Result<()> {
    let room = files::room(dir)?;
    if room >= ROOM {
        return Ok(());
    }
    let kib = |bytes: u64| bytes / 1024;
    Err(io::Error::other(format!(
        "only {} KiB are free in {}, and {} KiB are to be: nothing is begun that could not be written down",
        kib(room),
        dir.display(),
        kib(ROOM)
    )))
}

pub(super) const MAKE_ROOM: &str = "make room, or make the folder writable";
