//! What a run would do, found out before anything is changed: images that are missing, and a plan of each module that can be planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::drift::SettingDifference;
use super::outcome::Outcome;
use super::runner::Runner;
use super::under::{Stop, Under};
use crate::pipeline::{AddedStage, ModuleWork, Stage, Work};
use crate::tools::plan::PlanSummary;

/// What a review found, by stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// What there is of each image.
    pub images: Images,
    /// Each module that could be planned: the plan, or none where nothing changes.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// Each module that could not, and what it waits for.
    pub later: BTreeMap<String, String>,
    /// Stages that are needed beside the pipeline's own. No review finds any yet.
    pub added: Vec<AddedStage>,
    /// The live settings that differ from the generated ones.
    pub differences: Vec<SettingDifference>,
}

impl Review {
    /// Whether a stage is still to make what others look up. Machines are not looked up: only the network and the images are.
    fn is_pending(&self, stage: &str) -> bool {
        self.images.get(stage).is_some_and(Option::is_none)
            || self.plans.get(stage).is_some_and(Option::is_some)
            || self.later.contains_key(stage)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.later.is_empty()
            && self.added.is_empty()
            && self.images.values().all(Option::is_some)
            && self.plans.values().all(Option::is_none)
    }
}

/// By its stage, each image's AMI, or none where it will be built.
pub type Images = BTreeMap<String, Option<String>>;
/// Begins to build those.
pub type Build<'a> = &'a (dyn Fn(&Images) + Sync);

impl Runner<'_> {
    /// Reviews the pipeline. It changes nothing in AWS; what stages came to is answered as well. Once all images are looked for,
    /// `build` hears of them if one is missing.
    pub fn review(&self, build: Option<Build<'_>>) -> (Review, Vec<Outcome>) {
        let look = ReviewWork { runner: self, found: Mutex::default(), guessed: Mutex::default() };
        let (outcomes, differences) = thread::scope(|scope| {
            let databases = scope.spawn(|| self.compare_databases());
            (look.all(build), databases.join().expect("a comparison does not panic"))
        });
        let found = look.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        (Review { differences, ..found }, outcomes)
    }
}

/// A review under way.
struct ReviewWork<'a> {
    runner: &'a Runner<'a>,
    found: Mutex<Review>,
    /// Plans of modules that hold only if nothing changes in what they need.
    guessed: Mutex<BTreeMap<String, Option<PlanSummary>>>,
}

impl ReviewWork<'_> {
    /// Looks at what needs nothing, and beside it at what needs something. Then at what is left and can be looked at. Where somebody
    /// builds images beside this, it looks for those first.
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

    /// Sorts out the modules that need something: what they wait for, or which guess holds; answers those that are still to be planned.
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
            Work::Verify => unreachable!("it is not looked at"),
        })
    }

    /// Plans a module that was applied here before as if nothing changed in what it needs: that is mostly so, and a plan's time is
    /// nearly all the provider's start. Another is made ready to be planned. What fails in this is done again when it is known for
    /// certain that it can be done, and fails then.
    fn guess(&self, under: &mut Under<'_>, stage: &Stage, module: &ModuleWork) -> Result<Outcome, Stop> {
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
