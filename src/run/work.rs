//! Runs stages: begins each, records it in the journal, and does its work.

use super::environment::Redactor;
use super::events::Event;
use super::journal;
use super::log::Log;
use super::outcome::{Failure, Outcome};
use super::room::{MAKE_ROOM, require_room, temporary};
use super::runner::Runner;
use super::scheduler::{self, Board};
use super::under::{RunningStage, Stop};
use crate::pipeline::{Stage, Work};
use crate::system::files;
use crate::workspace;

impl Runner<'_> {
    /// Runs the pipeline's stages that the review did not find done and that nobody else has announced. The board holds their outcomes.
    ///
    /// # Errors
    /// If a stage that the review added does not fit into the pipeline. Then nothing is run.
    pub fn run(&self) -> Result<(), String> {
        let stages = self.setup.pipeline.stages_with(&self.reviewed.added)?;
        let open = |stage: &&Stage| !self.is_done(stage) && !self.board.has(&stage.id);
        self.work(&stages.iter().filter(open).cloned().collect::<Vec<_>>());
        Ok(())
    }

    /// Runs these stages.
    pub fn work(&self, stages: &[Stage]) {
        self.run_stages(&self.board, stages, |under, stage| match &stage.work {
            Work::Image(image) => under.image(image),
            Work::Module(module) => under.module(module),
            Work::Verify => under.verify(),
        });
    }

    pub(super) fn run_stages(
        &self,
        board: &Board,
        stages: &[Stage],
        work: impl Fn(&mut RunningStage<'_>, &Stage) -> Result<Outcome, Stop> + Sync,
    ) -> Vec<Outcome> {
        scheduler::run(board, stages, self.setup.interrupt, self.watcher, |stage| {
            self.watcher.event(Event::StageBegun { stage: stage.id.clone(), early: self.is_early });
            let mut under = match self.begin(&stage.id) {
                Ok(under) => under,
                Err(stop) => return stop.into(),
            };
            if let Err(e) = self.setup.journal.begun(&stage.id, journal::STAGE) {
                return under.failure(format!("cannot write the journal: {e}"), MAKE_ROOM).into();
            }
            let outcome = work(&mut under, stage).unwrap_or_else(Outcome::from);
            if let Some(error) = under.log.take_lost() {
                self.watcher.lost(&under.log.path().display().to_string(), error);
            }
            self.setup.journal.ended(&stage.id, journal::STAGE, if outcome.ok() { "done" } else { "not done" });
            outcome
        })
    }

    pub(super) fn begin<'a>(&'a self, stage: &'a str) -> Result<RunningStage<'a>, Stop> {
        let private = self.setup.root.join(workspace::PRIVATE);
        let opened = require_room(self.setup.root)
            .and_then(|()| files::make_dirs(&private.join("plans")))
            .and_then(|()| temporary(self.setup.root).map_or(Ok(()), |dir| files::make_dirs(&dir)))
            .and_then(|()| Log::open(&private.join("logs"), &self.log_name, stage, Redactor::of(self.setup.env)));
        match opened {
            Ok(log) => Ok(RunningStage { runner: self, stage, log, collided: false }),
            Err(e) => Err(Stop::Failed(Box::new(Failure {
                what: format!("cannot write the log in {}: {e}", private.display()),
                advice: MAKE_ROOM.into(),
                ..Failure::default()
            }))),
        }
    }
}
