//! Finds out what a run would do before anything is changed: which images are missing, and a plan of each module that can be planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compare::Unseen;
use super::drift::SettingDifference;
use super::members::MembersRefusal;
use super::outcome::Outcome;
use super::runner::{Images, Runner};
use super::under::{RunningStage, Stop};
use crate::pipeline::{AddedStage, ModuleWork, Stage, Work};
use crate::system::parallel;
use crate::tools::plan::PlanSummary;

/// The findings of a review, by stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// The AMI of each image.
    pub images: Images,
    /// Each module that could be planned, with its plan, or `None` if nothing changes.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// Each module that could not be planned, with the stage that it waits for.
    pub later: BTreeMap<String, String>,
    /// Stages that are needed in addition to the pipeline's own. No review finds any yet.
    pub added: Vec<AddedStage>,
    /// The live settings that differ from the generated ones.
    pub differences: Vec<SettingDifference>,
    /// Why the live settings of databases that run could not be read.
    pub unseen: Option<Unseen>,
    /// Why none of this may be applied, if the machines of a living cluster would change.
    pub refused: Option<MembersRefusal>,
}

impl Review {
    /// Returns whether a stage has yet to create what others look up. Only the network and the images are looked up, never machines.
    fn is_pending(&self, stage: &str) -> bool {
        self.images.get(stage).is_some_and(Option::is_none)
            || self.plans.get(stage).is_some_and(Option::is_some)
            || self.later.contains_key(stage)
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.later.is_empty()
            && self.added.is_empty()
            && self.images.values().all(Option::is_some)
            && self.plans.values().all(Option::is_none)
    }
}

/// Starts building the images that have no AMI.
pub type Build<'a> = &'a (dyn Fn(&Images) + Sync);

impl Runner<'_> {
    /// Reviews the pipeline without changing anything in AWS. Returns the findings and the stages' outcomes. When all images have been
    /// looked up and one is missing, `build` is called with them, unless the run is refused.
    pub fn review(&self, build: Option<Build<'_>>) -> (Review, Vec<Outcome>) {
        let look = ReviewWork { runner: self, found: Mutex::default(), guessed: Mutex::default() };
        let first = build.map(|_| self.refuse_members());
        let build = build.filter(|_| matches!(first, Some(Ok(None))));
        let (refused, (compared, mut outcomes)) = parallel::both_waiting(
            || first.unwrap_or_else(|| self.refuse_members()),
            || parallel::both_waiting(|| self.compare_databases(), || look.all(build)),
        );
        let refused = refused.unwrap_or_else(|outcome| {
            outcomes.push(outcome);
            None
        });
        let found = look.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        (Review { differences: compared.differences, unseen: compared.unseen, refused, ..found }, outcomes)
    }
}

/// A review in progress.
struct ReviewWork<'a> {
    runner: &'a Runner<'a>,
    found: Mutex<Review>,
    /// Plans that are valid only if nothing changes in what their modules need.
    guessed: Mutex<BTreeMap<String, Option<PlanSummary>>>,
}

impl ReviewWork<'_> {
    /// Reviews the stages without needs and, in parallel, guesses at the others. Then it reviews what is left and can be reviewed. If
    /// images are built at the same time, it looks those up first.
    fn all(&self, build: Option<Build<'_>>) -> Vec<Outcome> {
        let (mut outcomes, mut looked) = (vec![], Images::new());
        if let Some(build) = build {
            outcomes = self.at(self.runner.setup.pipeline.images().map(|(stage, _)| stage), &BTreeSet::new());
            if !outcomes.iter().all(Outcome::ok) {
                return outcomes;
            }
            looked.clone_from(&lock(&self.found).images);
            if looked.values().any(Option::is_none) {
                build(&looked);
            }
        }
        let is_open = |stage: &&Stage| stage.work != Work::Verify && !looked.contains_key(&stage.id);
        let to_see = self.runner.setup.pipeline.stages.iter().filter(is_open);
        let (first, beside): (Vec<&Stage>, Vec<&Stage>) = to_see.partition(|stage| stage.needs.is_empty());
        let guesses: BTreeSet<&str> = beside.iter().map(|stage| stage.id.as_str()).collect();
        outcomes.extend(self.at(first.into_iter().chain(beside), &guesses));
        if outcomes.iter().all(Outcome::ok) {
            outcomes.extend(self.at(self.sorted().into_iter(), &BTreeSet::new()));
        }
        outcomes
    }

    /// Records for each module with needs what it waits for, or the guess that proved valid. Returns the modules still to be planned.
    fn sorted(&self) -> Vec<&Stage> {
        let mut found = lock(&self.found);
        let mut open = vec![];
        for (stage, _) in self.runner.setup.pipeline.modules().filter(|(stage, _)| !stage.needs.is_empty()) {
            let pending = stage.needs.iter().find(|need| found.is_pending(need)).cloned();
            match (pending, lock(&self.guessed).remove(&stage.id)) {
                (Some(need), _) => drop(found.later.insert(stage.id.clone(), need)),
                (None, Some(plan)) => drop(found.plans.insert(stage.id.clone(), plan)),
                (None, None) => open.push(stage),
            }
        }
        open
    }

    fn at<'s>(&self, stages: impl Iterator<Item = &'s Stage>, guesses: &BTreeSet<&str>) -> Vec<Outcome> {
        let without_needs = |stage: &Stage| Stage { needs: vec![], ..stage.clone() };
        let stages: Vec<Stage> = stages.map(without_needs).collect();
        self.runner.run_stages(&self.runner.board.beside(), &stages, |under, stage| match &stage.work {
            Work::Image(image) => {
                let id = under.find_image(image)?;
                lock(&self.found).images.insert(stage.id.clone(), id.clone());
                Ok(match id {
                    Some(id) => Outcome::Unchanged(format!("{} is {id}", image.name)),
                    None => Outcome::Done(format!("{} will be built", image.name)),
                })
            }
            Work::Module(module) if guesses.contains(stage.id.as_str()) => self.guess(under, stage, module),
            Work::Module(module) => {
                let plan = under.plan_change(module)?;
                lock(&self.found).plans.insert(stage.id.clone(), plan.clone());
                Ok(planned(plan))
            }
            Work::Verify => unreachable!("a review skips verification"),
        })
    }

    /// Plans a module that was applied here before, assuming that nothing changes in what it needs. The assumption mostly holds, and
    /// nearly all of a plan's time is the provider's start. A module that was never applied is only initialised. If this fails, it is
    /// repeated once the needs are known, and the failure is reported then.
    fn guess(&self, under: &mut RunningStage<'_>, stage: &Stage, module: &ModuleWork) -> Result<Outcome, Stop> {
        let guessed = if self.runner.is_settled(stage, module) {
            under.plan_change(module).map(Some)
        } else {
            under.init(module).map(|_| None)
        };
        match guessed {
            Ok(Some(plan)) => {
                lock(&self.guessed).insert(stage.id.clone(), plan.clone());
                Ok(planned(plan))
            }
            Ok(None) | Err(Stop::Failed(_)) => Ok(Outcome::Unchanged("not planned yet".into())),
            Err(stop) => Err(stop),
        }
    }
}

fn planned(plan: Option<PlanSummary>) -> Outcome {
    match plan {
        Some(plan) => Outcome::Done(format!("planned: {plan}")),
        None => Outcome::Unchanged("planned: nothing changes".into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
