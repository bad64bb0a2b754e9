//! Destroys a cluster: plans what will be destroyed, then applies exactly that.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::events::Event;
use super::image::ASK_IMAGES;
use super::module::Applied;
use super::outcome::Outcome;
use super::runner::Runner;
use super::scheduler;
use super::under::{RunningStage, Stop};
use crate::pipeline::{Stage, Work};
use crate::system::clock::Stopwatch;
use crate::tools::plan::{PlanSummary, Scope};
use crate::tools::{Invocation, aws};

/// What would be destroyed, by stage.
pub type DestroyPlans = BTreeMap<String, PlanSummary>;

impl Runner<'_> {
    /// Plans the destruction of every module and changes none of their resources.
    pub fn plan_destroy(&self) -> (DestroyPlans, Vec<Outcome>) {
        let doomed = Mutex::new(DestroyPlans::new());
        let stages: Vec<Stage> =
            self.setup.pipeline.teardown().into_iter().map(|stage| Stage { needs: vec![], ..stage }).collect();
        let outcomes = self.run_stages(&self.board.beside(), &stages, |under, stage| {
            let Work::Module(module) = &stage.work else { return Ok(Outcome::Unchanged(String::new())) };
            under.mend_state(module)?;
            let first = self.is_first() && under.tagged()?.is_some_and(|tagged| tagged.has_things());
            if first || !under.unclean().is_empty() {
                under.adopt_before_destroy(module)?;
            }
            let plan = under.plan(module, &module.plan_destroy, Scope::Whole)?;
            under.tell_plan(plan.as_ref());
            match plan {
                None => Ok(Outcome::Unchanged("nothing exists".into())),
                Some(plan) => {
                    let count = plan.removes();
                    doomed.lock().unwrap_or_else(PoisonError::into_inner).insert(stage.id.clone(), plan);
                    Ok(Outcome::Done(format!("{count} to destroy")))
                }
            }
        });
        (doomed.into_inner().unwrap_or_else(PoisonError::into_inner), outcomes)
    }

    /// Applies the plans, in the reverse order of the pipeline.
    pub fn destroy(&self, doomed: &DestroyPlans) -> Vec<Outcome> {
        let stages: Vec<Stage> =
            self.setup.pipeline.teardown().into_iter().filter(|s| doomed.contains_key(&s.id)).collect();
        self.run_stages(&self.board, &stages, |under, stage| {
            let Work::Module(module) = &stage.work else { return Ok(Outcome::Unchanged(String::new())) };
            if under.apply(module)? == Applied::Stale {
                return Err(under.failure("the state has changed since this was planned", "run `pgherd destroy` again"));
            }
            Ok(Outcome::Done(format!("{} destroyed", doomed.get(&stage.id).map_or(0, PlanSummary::removes))))
        })
    }

    /// Removes what our killed builds left. After this no image build will do it.
    pub fn sweep_builders(&self) -> Vec<Outcome> {
        let left = |stage: &str| self.unfinished().iter().any(|entry| entry.stage == stage);
        let images = self.setup.pipeline.images().filter(|(stage, _)| left(&stage.id));
        let swept = images.map(|(stage, image)| {
            self.one(&stage.id, |()| "searched for what a killed build left".into(), |under| under.sweep(image))
        });
        swept.filter_map(Result::err).collect()
    }

    /// Finds the cluster's images.
    pub fn find_images(&self, find: &Invocation) -> Result<Vec<aws::Ami>, Outcome> {
        self.one(
            "images",
            |images: &Vec<_>| format!("{} found", images.len()),
            |under| {
                let captured = under.capture(find)?;
                match aws::read_images(&captured.stdout) {
                    Ok(images) if captured.exit.ok() => Ok(images),
                    _ => {
                        Err(under
                            .failure(format!("AWS did not return the list of images ({})", captured.exit), ASK_IMAGES))
                    }
                }
            },
        )
    }

    /// Finds the machines that run from images.
    pub fn find_users(&self, find: &Invocation) -> Result<Vec<(String, String)>, Outcome> {
        self.one(
            "images",
            |users: &Vec<_>| format!("{} machines run from them", users.len()),
            |under| {
                let captured = under.capture(find)?;
                match aws::read_users(&captured.stdout) {
                    Ok(users) if captured.exit.ok() => Ok(users),
                    _ => Err(under.failure(
                        format!("AWS did not return the list of machines ({})", captured.exit),
                        "check that the credentials may call ec2:DescribeInstances; `pgherd doctor` shows whose they are",
                    )),
                }
            },
        )
    }

    /// Removes images and their snapshots. `make` turns arguments into a command.
    pub fn remove_images(
        &self,
        images: &[aws::Ami],
        make: &dyn Fn(Vec<String>) -> Invocation,
        region: &str,
    ) -> Outcome {
        let told = |_: &()| format!("{} images removed", images.len());
        let removed = self.one("images", told, |under| {
            for image in images {
                under.step(&make(aws::deregister(region, &image.id)), &format!("cannot deregister {}", image.id))?;
                for snapshot in &image.snapshots {
                    under.step(&make(aws::delete_snapshot(region, snapshot)), &format!("cannot delete {snapshot}"))?;
                }
            }
            Ok(())
        });
        match removed {
            Ok(()) => Outcome::Done(told(&())),
            Err(outcome) => outcome,
        }
    }

    /// Runs a single stage that is in no pipeline. `told` describes its result.
    fn one<T>(
        &self,
        stage: &str,
        told: impl FnOnce(&T) -> String,
        work: impl FnOnce(&mut RunningStage<'_>) -> Result<T, Stop>,
    ) -> Result<T, Outcome> {
        let mut under = self.begin(stage).map_err(Outcome::from)?;
        under.tell(Event::StageBegun { stage: stage.into(), early: false });
        let watch = Stopwatch::start();
        let done = work(&mut under).map_err(Outcome::from);
        let outcome = match &done {
            Ok(done) => Outcome::Done(told(done)),
            Err(outcome) => outcome.clone(),
        };
        self.watcher.event(scheduler::ended(stage, &outcome, watch.elapsed()));
        done
    }
}

impl RunningStage<'_> {
    fn step(&mut self, invocation: &Invocation, what: &str) -> Result<(), Stop> {
        let exit = self.run(invocation, |_| {})?;
        if exit.ok() {
            return Ok(());
        }
        Err(self.failure(format!("{what} ({exit})"), "fix the error and run this again"))
    }
}
