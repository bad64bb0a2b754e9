//! A Terraform module: initialised when needed, planned, and exactly that plan applied.

use super::events::Outcome;
use super::runner::{Stop, Under};
use crate::fileset::sha256_hex;
use crate::pipeline::Module;
use crate::system::files;
use crate::system::process::Exit;
use crate::tools::Invocation;
use crate::tools::terraform::{self, PlanSummary};

/// Written into `.terraform` after an `init`; hashing the provider anew at each run costs more than a second a module.
const STAMP: &str = ".terraform/pgherd-init";

impl Under<'_> {
    pub fn module(&mut self, module: &Module) -> Result<Outcome, Stop> {
        let (planned, seen) = match self.runner.plans.get(self.stage) {
            Some(planned) => (planned.clone(), true),
            None => (self.plan(module, &module.plan)?, false),
        };
        let Some(plan) = planned else { return Ok(Outcome::Unchanged("nothing to change".into())) };
        if !seen && plan.destroys() && !(self.runner.consent)(self.stage, &plan) {
            return Ok(Outcome::Declined);
        }
        let _alone =
            plan.disturbs().then(|| self.runner.careful.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        self.apply(module)?;
        Ok(Outcome::Done(
            plan.to_string()
                .replace(" to add", " added")
                .replace(" to change", " changed")
                .replace(" to destroy", " destroyed"),
        ))
    }

    /// Plans into the module's plan file; `None` if there is nothing to change.
    pub fn plan(&mut self, module: &Module, plan: &Invocation) -> Result<Option<PlanSummary>, Stop> {
        let fresh = self.init(module)?;
        let (mut exit, mut summary, mut wants_init) = self.plan_once(plan)?;
        if wants_init && !fresh {
            // What was initialised is no longer whole, such as a plugin cache that was cleaned.
            files::remove(&self.runner.root.join(&module.dir).join(STAMP))
                .map_err(|e| self.failure(e.to_string(), ""))?;
            self.init(module)?;
            (exit, summary, wants_init) = self.plan_once(plan)?;
        }
        let advice = if wants_init { "remove the module's .terraform folder and run again" } else { WHAT_TO_DO };
        match exit {
            Exit::Code(0) => Ok(None),
            Exit::Code(terraform::PLAN_HAS_CHANGES) => Ok(Some(summary)),
            _ => Err(self.failure(format!("{} plan of {} failed ({exit})", plan.program, module.dir), advice)),
        }
    }

    fn plan_once(&mut self, plan: &Invocation) -> Result<(Exit, PlanSummary, bool), Stop> {
        let (mut summary, mut wants_init) = (PlanSummary::default(), false);
        let exit = self.run(plan, |line| {
            summary.read_line(line);
            wants_init |= terraform::wants_init(line);
        })?;
        Ok((exit, summary, wants_init))
    }

    /// Does what the plan file says, and removes it: it could not be applied twice.
    pub fn apply(&mut self, module: &Module) -> Result<(), Stop> {
        let exit = self.run_noted(&module.apply, Some(terraform::APPLY), |_| {})?;
        if !exit.ok() {
            return Err(
                self.failure(format!("{} apply of {} failed ({exit})", module.apply.program, module.dir), WHAT_TO_DO)
            );
        }
        let _ = files::remove(&self.runner.root.join(&module.plan_file));
        Ok(())
    }

    /// Initialises unless that was done for these very files; says whether it did.
    fn init(&mut self, module: &Module) -> Result<bool, Stop> {
        let dir = self.runner.root.join(&module.dir);
        let done = files::read_text(&dir.join(STAMP)).ok().flatten();
        if done.is_some() && done == self.init_stamp(module) {
            return Ok(false);
        }
        let exit = self.run(&module.init, |_| {})?;
        if !exit.ok() {
            let what = format!("{} init of {} failed ({exit})", module.init.program, module.dir);
            return Err(self
                .failure(what, "see that the provider's registry (or mirror) and the state's backend can be reached"));
        }
        if let Some(stamp) = self.init_stamp(module) {
            // Without it the next run initialises again: no harm.
            let _ = files::make_dirs(&dir.join(".terraform"))
                .and_then(|()| files::write(&dir.join(STAMP), stamp.as_bytes()));
        }
        Ok(true)
    }

    /// What an `init` depends on: the program, the module's files, its lock file.
    fn init_stamp(&self, module: &Module) -> Option<String> {
        let dir = self.runner.root.join(&module.dir);
        let mut all = format!("{}\n", module.init.program);
        for name in files::list(&dir).ok()? {
            if name.ends_with(".tf") || name == ".terraform.lock.hcl" {
                let text = files::read_text(&dir.join(&name)).ok()??;
                all.push_str(&format!("{name} {}\n", sha256_hex(text.as_bytes())));
            }
        }
        Some(sha256_hex(all.as_bytes()))
    }
}

const WHAT_TO_DO: &str =
    "what was made is in the module's state: mend what the error names and run again, it goes on from there";
