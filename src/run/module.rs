//! Initialises a Terraform module if needed, plans it, and applies exactly that plan.

use super::consent::Consent;
use super::events::{Event, Plan};
use super::outcome::Outcome;
use super::runner::Runner;
use super::say;
use super::under::{RunningStage, Stop};
use crate::fileset::sha256_hex;
use crate::pipeline::{ModuleWork, Stage};
use crate::system::files;
use crate::system::process::Exit;
use crate::tools::lock::{self, StateLock};
use crate::tools::plan::{self, PlanSummary, Scope};
use crate::tools::terraform_ui::TerraformError;
use crate::tools::{Invocation, terraform};

/// Written after an `init`. Without it, each run would let Terraform hash the provider again, which takes over a second per module.
const STAMP: &str = ".terraform/pgherd-init";

/// The result of applying a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The plan was applied.
    Done,
    /// The state has changed since the plan was made, or a resource exists that is not in the state.
    Stale,
}

impl RunningStage<'_> {
    pub fn module(&mut self, module: &ModuleWork) -> Result<Outcome, Stop> {
        let (planned, seen) = match self.runner.reviewed.plans.get(self.stage) {
            Some(planned) => (planned.clone(), true),
            None => (self.plan_change(module)?, false),
        };
        let Some(mut plan) = planned else { return Ok(Outcome::Unchanged("nothing to change".into())) };
        if !seen && let Some(stopped) = self.ask(&plan)? {
            return Ok(stopped);
        }
        let _alone = plan
            .disturbs()
            .then(|| self.runner.locks.careful.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let rest = self.roll(module, &plan)?;
        if self.apply(module)? == Applied::Stale {
            self.notice("the state has changed since it was planned. Planning again");
            let Some(again) = self.plan_change(module)? else {
                return Ok(Outcome::Unchanged("nothing left to change".into()));
            };
            if again != rest
                && let Some(stopped) = self.ask(&again)?
            {
                return Ok(stopped);
            }
            plan = again;
            if self.apply(module)? == Applied::Stale {
                return Err(
                    self.failure("the state keeps changing while this runs", "find out who else applies this module")
                );
            }
        }
        Ok(Outcome::Done(say::applied(&plan)))
    }

    /// Asks before something is destroyed or stopped. Returns the stage's outcome if the plan is not to be applied.
    fn ask(&mut self, plan: &PlanSummary) -> Result<Option<Outcome>, Stop> {
        if !plan.is_grave() {
            return Ok(None);
        }
        match (self.runner.consent)(self.stage, plan) {
            Consent::Yes => Ok(None),
            Consent::No => Ok(Some(Outcome::Declined)),
            Consent::Unconfirmed(price) => Err(self.failure(price.complaint(), price.confirm())),
        }
    }

    /// Plans a change, after repairing and adopting what a killed apply left.
    pub fn plan_change(&mut self, module: &ModuleWork) -> Result<Option<PlanSummary>, Stop> {
        self.mend_state(module)?;
        let planned = self.plan_shown(module)?;
        self.adopt_if_left(module, planned)
    }

    /// Plans a change and reports the plan.
    pub fn plan_shown(&mut self, module: &ModuleWork) -> Result<Option<PlanSummary>, Stop> {
        let planned = self.plan(module, &module.plan, Scope::Whole)?;
        self.tell_plan(planned.as_ref());
        Ok(planned)
    }

    pub fn tell_plan(&self, plan: Option<&PlanSummary>) {
        self.tell(Event::Planned { stage: self.stage.into(), plan: plan.map(Plan::from) });
    }

    /// Plans into the module's plan file. Returns `None` if there is nothing to change. The summary is read from the file itself, because
    /// the printed text is for people. A plan that is not understood is not applied.
    pub fn plan(&mut self, module: &ModuleWork, plan: &Invocation, scope: Scope) -> Result<Option<PlanSummary>, Stop> {
        let fresh = self.init(module)?;
        let (mut exit, mut wants_init) = self.plan_once(module, plan)?;
        if wants_init && !fresh {
            // The initialised folder is no longer complete, for example because somebody cleaned the plugin cache.
            self.forget_init(module)?;
            self.init(module)?;
            (exit, wants_init) = self.plan_once(module, plan)?;
        }
        let advice = if wants_init { "remove the module's .terraform folder and run again" } else { WHAT_TO_DO };
        match exit {
            Exit::Code(0) => Ok(None),
            Exit::Code(terraform::PLAN_HAS_CHANGES) => self.read_plan(module, scope).map(Some),
            _ => Err(self.failure(format!("{} plan of {} failed ({exit})", plan.program, module.dir), advice)),
        }
    }

    fn plan_once(&mut self, module: &ModuleWork, plan: &Invocation) -> Result<(Exit, bool), Stop> {
        let exit = self.terraform(module, plan, terraform::PLAN)?;
        Ok((exit, self.reports(TerraformError::wants_init)))
    }

    fn read_plan(&mut self, module: &ModuleWork, scope: Scope) -> Result<PlanSummary, Stop> {
        let show = module.show();
        let shown = self.capture_secretly(&show)?;
        if !shown.exit.ok() {
            return Err(self.failure(format!("cannot read the plan of {} ({})", module.dir, shown.exit), WHAT_TO_DO));
        }
        let summary = plan::read(&shown.stdout, scope).map_err(|why| {
            let what = format!("cannot interpret the plan of {}, so it was not applied: {why}", module.dir);
            self.failure(what, format!("inspect it by hand: {}", show.paste()))
        })?;
        self.keep_passwords(&shown.stdout)?;
        summary.differences.iter().for_each(|difference| drop(self.log.line(difference)));
        summary.warnings.iter().for_each(|warning| drop(self.log.line(&format!("check: {warning}"))));
        Ok(summary)
    }

    /// Applies the plan file and removes it, because it cannot be applied twice.
    pub fn apply(&mut self, module: &ModuleWork) -> Result<Applied, Stop> {
        self.keep_state(module)?;
        let exit = self.terraform(module, &module.apply, terraform::APPLY)?;
        let stale = self.reports(TerraformError::is_stale_plan);
        let collided = self.reports(TerraformError::is_collision);
        // Search for a colliding resource once. If it is not ours, report the next failure as it is.
        let collided = collided && !std::mem::replace(&mut self.collided, collided);
        if (stale || collided) && !exit.ok() {
            return Ok(Applied::Stale);
        }
        if !exit.ok() {
            return Err(
                self.failure(format!("{} apply of {} failed ({exit})", module.apply.program, module.dir), WHAT_TO_DO)
            );
        }
        let _ = files::remove(&self.runner.setup.root.join(&module.dir).join(&module.plan_file));
        self.settle_adoption(module);
        Ok(Applied::Done)
    }

    /// Runs a command that locks the state. Breaks a lock that a killed run of ours left, and reports any other.
    fn terraform(&mut self, module: &ModuleWork, invocation: &Invocation, name: &str) -> Result<Exit, Stop> {
        let mut broke = false;
        loop {
            let exit = self.run_noted(invocation, Some(name), None, |_| {})?;
            let done = exit.ok() || exit == Exit::Code(terraform::PLAN_HAS_CHANGES);
            if done || !self.reports(TerraformError::is_state_lock) {
                return Ok(exit);
            }
            let Some(lock) = self.read_lock(module)? else {
                let what = format!("the state of {} was locked, but the lock is gone now", module.dir);
                return Err(self.failure(what, "run again"));
            };
            let unlock = module.call(terraform::unlock(&module.dir, &lock.id));
            if broke || !self.is_our_dead(&lock) {
                let what = format!("the state of {} is locked by {}", module.dir, lock.holder());
                let advice = format!("wait until it has finished. If it is certainly dead: {}", unlock.paste());
                return Err(self.failure(what, advice));
            }
            self.notice(&format!(
                "the state is still locked by {}, a run from this folder that was killed. Removing its lock",
                lock.holder()
            ));
            self.run(&unlock, |_| {})?;
            broke = true;
        }
    }

    /// Returns whether the last command reported an error of this kind.
    fn reports(&self, kind: fn(&TerraformError) -> bool) -> bool {
        self.log.errors().iter().any(kind)
    }

    /// Reads the lock of the module's state. Returns `None` if it is gone by now.
    fn read_lock(&mut self, module: &ModuleWork) -> Result<Option<StateLock>, Stop> {
        let unclear = |under: &Self, why: String| {
            let what = format!("the state of {} is locked, but the lock's holder is unknown: {why}", module.dir);
            under.failure(what, "find out who else uses this state, and run again when they have finished")
        };
        let text = match module.backend.fetch_lock() {
            None => {
                let path = self.runner.setup.root.join(&module.dir).join(lock::LOCAL);
                files::read_text(&path).map_err(|e| unclear(self, format!("cannot read {}: {e}", path.display())))?
            }
            Some(_) if !self.look(&module.backend)?.1 => None,
            Some(fetch) => {
                let fetched = self.capture_secretly(&self.runner.setup.pipeline.aws(fetch))?;
                if !fetched.exit.ok() {
                    return Err(unclear(self, format!("cannot read the lock at {}", module.backend)));
                }
                Some(fetched.stdout)
            }
        };
        text.map(|json| StateLock::read(&json)).transpose().map_err(|why| unclear(self, why))
    }

    /// Makes the next command initialise the module.
    pub(super) fn forget_init(&self, module: &ModuleWork) -> Result<(), Stop> {
        let stamp = self.runner.setup.root.join(&module.dir).join(STAMP);
        files::remove(&stamp).map_err(|e| self.failure(format!("cannot remove {}: {e}", stamp.display()), ""))
    }

    /// Initialises the module, unless that was done for exactly these files. Returns whether it did.
    pub(super) fn init(&mut self, module: &ModuleWork) -> Result<bool, Stop> {
        if self.runner.is_initialised(module) {
            return Ok(false);
        }
        let exit = self.init_sharing(module)?;
        if !exit.ok() {
            let what = format!("{} init of {} failed ({exit})", module.init.program, module.dir);
            return Err(self.failure(
                what,
                "check that the provider's registry (or mirror) and the state's backend can be reached",
            ));
        }
        if let Some(stamp) = self.runner.init_stamp(module) {
            let dir = self.runner.setup.root.join(&module.dir);
            // Without the stamp, the next run initialises again, which does no harm.
            let _ = files::make_dirs(&dir.join(".terraform"))
                .and_then(|()| files::write(&dir.join(STAMP), stamp.as_bytes()));
        }
        Ok(true)
    }
}

impl Runner<'_> {
    /// Returns whether a module's files are unchanged since it was applied here, and no apply of it was interrupted since.
    pub(super) fn is_settled(&self, stage: &Stage, module: &ModuleWork) -> bool {
        let cut_off = self.unfinished().iter().any(|entry| entry.stage == stage.id);
        let has_state = module.state.as_ref().is_none_or(|state| files::exists(&self.setup.root.join(state)));
        !cut_off && has_state && self.is_initialised(module)
    }

    pub(super) fn is_initialised(&self, module: &ModuleWork) -> bool {
        let done = files::read_text(&self.setup.root.join(&module.dir).join(STAMP)).ok().flatten();
        done.is_some() && done == self.init_stamp(module)
    }

    /// Returns a hash of what an `init` depends on: the program, the module's files and its lock file.
    fn init_stamp(&self, module: &ModuleWork) -> Option<String> {
        let dir = self.setup.root.join(&module.dir);
        let mut all = format!("{}\n", module.init.program);
        for name in files::list(&dir).ok()? {
            if name.ends_with(".tf") && name != terraform::IMPORTS || name == terraform::LOCK_FILE {
                let text = files::read_text(&dir.join(&name)).ok()??;
                all.push_str(&format!("{name} {}\n", sha256_hex(text.as_bytes())));
            }
        }
        Some(sha256_hex(all.as_bytes()))
    }
}

const WHAT_TO_DO: &str =
    "what was created is in the module's state. Fix the error and run again: the run continues from there";
