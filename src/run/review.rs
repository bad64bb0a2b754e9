//! What a run would do, found out before anything is changed: images that are missing, and a plan of each module that can be planned.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::outcome::Outcome;
use super::runner::Runner;
use crate::pipeline::{Stage, Work};
use crate::tools::terraform::PlanSummary;

/// What a review found, by stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Each image: its AMI, or none where it will be built.
    pub images: BTreeMap<String, Option<String>>,
    /// Each module that could be planned: the plan, or none where nothing changes.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// Each module that could not, and what it waits for.
    pub later: BTreeMap<String, String>,
    /// Settings of the databases that run otherwise than they are generated.
    pub drift: Vec<String>,
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
        self.later.is_empty() && self.images.values().all(Option::is_some) && self.plans.values().all(Option::is_none)
    }
}

impl Runner<'_> {
    /// Reviews the pipeline. It changes nothing in AWS; what stages came to is answered as well.
    pub fn review(&self) -> (Review, Vec<Outcome>) {
        let found = Mutex::new(Review::default());
        let note = |add: &dyn Fn(&mut Review)| add(&mut found.lock().unwrap_or_else(PoisonError::into_inner));
        let without_needs = |stage: &Stage| Stage { needs: vec![], ..stage.clone() };
        let look = |stages: &[Stage]| {
            self.run_stages(stages, |under, stage| match &stage.work {
                Work::Image(image) => {
                    let id = under.find_image(image)?;
                    note(&|review| drop(review.images.insert(stage.id.clone(), id.clone())));
                    Ok(match id {
                        Some(id) => Outcome::Unchanged(format!("{} is {id}", image.name)),
                        None => Outcome::Done(format!("{} will be built", image.name)),
                    })
                }
                Work::Module(module) => {
                    let plan = under.plan_change(module)?;
                    note(&|review| drop(review.plans.insert(stage.id.clone(), plan.clone())));
                    Ok(match plan {
                        Some(plan) => Outcome::Done(format!("planned: {plan}")),
                        None => Outcome::Unchanged("planned: nothing changes".into()),
                    })
                }
                Work::Verify => Ok(Outcome::Unchanged(String::new())),
            })
        };
        // What needs nothing can be looked at now; what needs something only when that is there as it should be.
        let first = |stage: &&Stage| stage.needs.is_empty();
        let stages: Vec<Stage> = self.pipeline.stages.iter().filter(first).cloned().collect();
        let mut outcomes = look(&stages);
        if outcomes.iter().all(Outcome::ok) {
            let mut second = vec![];
            for (stage, _) in self.pipeline.modules().filter(|(stage, _)| !stage.needs.is_empty()) {
                let waits = {
                    let review = found.lock().unwrap_or_else(PoisonError::into_inner);
                    stage.needs.iter().find(|need| review.is_pending(need)).cloned()
                };
                match waits {
                    Some(need) => note(&|review| drop(review.later.insert(stage.id.clone(), need.clone()))),
                    None => second.push(without_needs(stage)),
                }
            }
            outcomes.extend(look(&second));
        }
        if outcomes.iter().all(Outcome::ok) {
            let drift = self.compare_databases();
            note(&|review| review.drift.clone_from(&drift));
        }
        (found.into_inner().unwrap_or_else(PoisonError::into_inner), outcomes)
    }
}
