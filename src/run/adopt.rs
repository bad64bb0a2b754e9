//! Repairs what a killed Terraform left: a truncated state, resources that are in no state, and machines that are tainted.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::journal::{self, Entry};
use super::module::Applied;
use super::under::{RunningStage, Stop};
use crate::pipeline::ModuleWork;
use crate::system::clock::Stopwatch;
use crate::system::{clock, files, process};
use crate::tools::adopt;
use crate::tools::lock::StateLock;
use crate::tools::plan::{PlanSummary, Scope};
use crate::tools::terraform;
use crate::workspace;

/// Rounds of searching: one resource may be needed to find the next, such as a route by its table.
const ROUNDS: usize = 4;
/// If nothing new has appeared for this long, nobody else is working. The slowest resource to create is an endpoint, which takes
/// one to three minutes (others' measurements).
const QUIET: Duration = Duration::from_secs(180);
/// The longest wait for somebody else to finish.
const LONGEST_WAIT: Duration = Duration::from_secs(1800);

/// Addresses and ids of resources, and when the youngest was created.
type FoundResources = (Vec<(String, String)>, Option<SystemTime>);

/// The result of a search for what a killed apply left.
struct Adopted {
    /// The plan, which imports what was found. `None` if nothing changes.
    planned: Option<PlanSummary>,
    /// The addresses of what it imports.
    addresses: Vec<String>,
}

impl RunningStage<'_> {
    /// Returns the applies of this module that did not end successfully.
    pub fn unclean(&self) -> Vec<&Entry> {
        let of_this = |entry: &&Entry| entry.stage == self.stage && entry.what == terraform::APPLY;
        self.runner.unfinished().iter().filter(of_this).collect()
    }

    /// Copies a local state before Terraform writes to it. Terraform writes in place, so a kill can leave a truncated file.
    pub fn keep_state(&mut self, module: &ModuleWork) -> Result<(), Stop> {
        let Some(state) = module.state.as_ref().map(|path| self.runner.setup.root.join(path)) else { return Ok(()) };
        let kept = self.kept_state();
        let copied = files::read_text(&state).and_then(|text| match text.filter(|text| is_whole(text)) {
            Some(text) => {
                files::make_dirs(kept.parent().unwrap_or(&kept))?;
                files::replace(&kept, &kept.with_extension("new"), text.as_bytes(), 0o600)
            }
            None => files::remove(&kept),
        });
        copied.map_err(|e| self.failure(format!("cannot keep a copy of {}: {e}", state.display()), "make room"))
    }

    /// Restores a state that a killed apply truncated, and stores one that an apply could not store.
    pub fn mend_state(&mut self, module: &ModuleWork) -> Result<(), Stop> {
        // Left by a run that was killed before it applied them. The search finds them again.
        files::remove(&self.imports(module)).map_err(|e| self.failure(e.to_string(), ""))?;
        let errored = self.runner.setup.root.join(&module.dir).join(terraform::ERRORED);
        if files::read_text(&errored).ok().flatten().is_some_and(|text| is_whole(&text)) {
            let exit = self.run(&module.call(terraform::push(&module.dir, terraform::ERRORED)), |_| {})?;
            if !exit.ok() {
                let what = format!("cannot store the state that an earlier run left in {}", errored.display());
                return Err(self.failure(
                    what,
                    "the log shows why the backend refused it. If the file is no longer needed, remove it",
                ));
            }
            files::remove(&errored).map_err(|e| self.failure(e.to_string(), ""))?;
            self.notice("stored the state that an earlier run could not store");
        }
        let Some(state) = module.state.as_ref().map(|path| self.runner.setup.root.join(path)) else { return Ok(()) };
        let text = files::read(&state).ok().flatten();
        let broken = text.as_ref().is_none_or(|text| !is_whole(&String::from_utf8_lossy(text)));
        if self.unclean().is_empty() || !broken {
            return Ok(());
        }
        let kept = files::read_text(&self.kept_state()).ok().flatten();
        let mended = match &kept {
            Some(kept) => files::replace(&state, &state.with_extension("tfstate.new"), kept.as_bytes(), 0o600),
            None => files::remove(&state),
        };
        mended.map_err(|e| self.failure(format!("cannot write {}: {e}", state.display()), "make room"))?;
        if kept.is_some() || text.is_some() {
            let state = state.display();
            self.notice(&format!(
                "{state} was truncated, and was restored from its copy. Searching for resources that were created after the copy"
            ));
        }
        Ok(())
    }

    fn kept_state(&self) -> PathBuf {
        self.runner.setup.root.join(workspace::PRIVATE).join("states").join(format!("{}.tfstate", self.stage))
    }

    /// Adopts what a killed apply left. If none was killed here, one may have been killed elsewhere, so the search also runs if the plan
    /// creates something and any resource has the cluster's tag. A plan that creates nothing asks AWS nothing.
    pub fn adopt_if_left(
        &mut self,
        module: &ModuleWork,
        planned: Option<PlanSummary>,
    ) -> Result<Option<PlanSummary>, Stop> {
        let makes = planned.as_ref().is_some_and(|plan| plan.adds() > 0);
        let certain = !self.unclean().is_empty() || self.collided;
        if certain || makes && self.tagged()?.is_some_and(|tagged| tagged.has_things()) {
            return Ok(self.adopt(module, planned)?.planned);
        }
        Ok(planned)
    }

    /// Finds by tags what a killed apply created but did not record, and makes the plan import it. A database machine that was
    /// tainted only because Terraform was killed while waiting for it is kept, not replaced.
    fn adopt(&mut self, module: &ModuleWork, planned: Option<PlanSummary>) -> Result<Adopted, Stop> {
        let ours = !self.unclean().is_empty();
        let mut planned = planned;
        let mut known = vec![];
        for _ in 0..ROUNDS {
            let Some(plan) = planned.as_ref().filter(|plan| plan.adds() > 0) else { break };
            let needless: Vec<String> =
                // If no apply of ours was killed, somebody may have tainted it on purpose.
                plan.changes.iter().filter(|c| ours && c.is_needless()).map(|c| c.address.clone()).collect();
            let shown = self.capture_secretly(&module.show())?;
            let wanted = adopt::wanted(&shown.stdout).map_err(|why| self.failure(why, "run again"))?;
            let pairs = self.find_settled(module, &wanted)?;
            if pairs.is_empty() && needless.is_empty() {
                break;
            }
            self.keep_state(module)?;
            for address in &needless {
                let exit = self.run(&module.call(terraform::untaint(&module.dir, address)), |_| {})?;
                self.must(exit.ok(), &format!("cannot keep {address}"))?;
                self.notice(&format!("a killed run was creating {address}. It exists, and is kept"));
            }
            for (_, id) in pairs.iter().filter(|(address, _)| address.starts_with("aws_security_group.")) {
                self.close(id)?;
            }
            if !pairs.is_empty() {
                self.notice(&format!("adopting what a killed run created: {}", adopt::summary(&pairs)));
            }
            known.extend(pairs);
            let blocks = files::write(&self.imports(module), adopt::import_blocks(&known).as_bytes());
            blocks.map_err(|e| self.failure(format!("cannot write {}: {e}", terraform::IMPORTS), "make room"))?;
            planned = self.plan_shown(module)?;
        }
        if known.is_empty() {
            self.settle_adoption(module);
        }
        Ok(Adopted { planned, addresses: known.into_iter().map(|(address, _)| address).collect() })
    }

    /// Does the same before the whole module is destroyed: applies only what is found. If the module cannot be planned because
    /// something it looks up is missing, nothing can have been created either.
    pub fn adopt_before_destroy(&mut self, module: &ModuleWork) -> Result<(), Stop> {
        let planned = match self.plan_shown(module) {
            Ok(planned) => planned,
            Err(Stop::Failed(_)) => {
                self.notice(
                    "cannot search for what a killed run created, because the module cannot be planned. See the log",
                );
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let found = self.adopt(module, planned)?.addresses;
        if found.is_empty() {
            return Ok(());
        }
        let plan = module.call(terraform::plan_only(&module.dir, &module.plan_file, &found));
        if self.plan(module, &plan, Scope::Targeted)?.is_some() {
            let applied = self.apply(module)?;
            self.must(applied == Applied::Done, "the state changed while this was running")?;
        }
        Ok(())
    }

    /// Records that the search is complete, so that the next run does not repeat it.
    pub fn settle_adoption(&mut self, module: &ModuleWork) {
        let _ = files::remove(&self.imports(module));
        for entry in self.unclean() {
            self.runner.setup.journal.settle(entry, journal::SETTLED);
        }
    }

    fn imports(&self, module: &ModuleWork) -> PathBuf {
        self.runner.setup.root.join(&module.dir).join(terraform::IMPORTS)
    }

    /// Finds the address and id of each existing resource that the plan would create. A local state does not lock out somebody who
    /// works in another folder. A young resource that is not ours may be theirs, so this waits until nothing new has appeared.
    fn find_settled(
        &mut self,
        module: &ModuleWork,
        wanted: &[adopt::PlannedResource],
    ) -> Result<Vec<(String, String)>, Stop> {
        let watch = Stopwatch::start();
        loop {
            let (pairs, youngest) = self.find(wanted)?;
            let foreign = self.unclean().is_empty() && module.state.is_some();
            let age = youngest.filter(|_| foreign).and_then(|made| clock::now().duration_since(made).ok());
            let Some(left) = age.and_then(|age| QUIET.checked_sub(age)).filter(|left| !left.is_zero()) else {
                return Ok(pairs);
            };
            if watch.elapsed() > LONGEST_WAIT {
                let what = "another run, from another folder, is creating resources of this cluster";
                let advice = "wait until it has finished. With `state { s3 { … } }` runs from different folders lock each other out";
                return Err(self.failure(what, advice));
            }
            self.wait_for(&format!(
                "{} was created from another folder; waiting until no new resource has appeared for {} s",
                adopt::summary(&pairs),
                QUIET.as_secs()
            ));
            if self.runner.setup.interrupt.wait(left) {
                return Err(Stop::Interrupted);
            }
        }
    }

    /// Finds the address and id of each existing resource that the plan would create, and when the youngest was created if AWS
    /// reports it.
    fn find(&mut self, wanted: &[adopt::PlannedResource]) -> Result<FoundResources, Stop> {
        let certain = !self.unclean().is_empty() || self.collided;
        let (region, cluster) = (&self.runner.setup.pipeline.region, &self.runner.setup.pipeline.tag);
        let (mut pairs, mut youngest) = (vec![], None);
        for question in adopt::questions(region, cluster, wanted) {
            let captured = self.capture(&self.runner.setup.pipeline.aws(question.args.clone()))?;
            if !captured.exit.ok() && question.may_fail && captured.stderr.contains("NoSuchEntity") {
                continue;
            }
            let found = adopt::read(&captured.stdout);
            let (true, Ok(found)) = (captured.exit.ok(), found) else {
                if !certain {
                    self.notice(&format!("cannot check whether a {} exists already. See the log", question.kind));
                    continue;
                }
                let what = format!("cannot search for a {} that a killed run may have created", question.kind);
                return Err(self.failure(what, "check that the credentials may list it, and run again"));
            };
            let (these, doubtful) = adopt::pair(cluster, &question.kind, wanted, &found);
            let made = found.iter().filter(|one| these.iter().any(|(_, id)| *id == one.id));
            youngest = youngest.max(made.filter_map(|one| clock::unstamp(&one.made)).max());
            pairs.extend(these);
            for address in doubtful {
                self.notice(&format!("more than one {address} has this cluster's tags, so none of them was adopted"));
            }
        }
        Ok((pairs, youngest))
    }

    /// Removes a security group's default egress rules. AWS creates it with them, and Terraform may be killed before it removes them.
    fn close(&mut self, group: &str) -> Result<(), Stop> {
        let (pipeline, region) = (self.runner.setup.pipeline, &self.runner.setup.pipeline.region);
        let captured = self.capture(&pipeline.aws(adopt::born_open(region, group)))?;
        let rules: Vec<String> = serde_json::from_str(&captured.stdout).unwrap_or_default();
        if !rules.is_empty() {
            let exit = self.run(&pipeline.aws(adopt::close(region, group, &rules)), |_| {})?;
            self.must(exit.ok(), &format!("cannot close {group}"))?;
        }
        self.must(captured.exit.ok(), &format!("cannot read the rules of {group}"))
    }

    fn must(&self, ok: bool, what: &str) -> Result<(), Stop> {
        if ok { Ok(()) } else { Err(self.failure(what, "fix the error and run again")) }
    }

    /// Returns whether a killed tool of ours left the lock: this user took it on this machine, for an operation that ran here at the
    /// time and was killed. This run holds the folder, so none of ours is still alive. The operation and its time are compared
    /// because this user may also be working in another folder.
    pub fn is_our_dead(&self, lock: &StateLock) -> bool {
        let Some(taken) = clock::unstamp(&lock.created) else { return false };
        let within = |(begin, end): &(String, String)| {
            // The journal has whole seconds.
            let (begin, end) = (clock::unstamp(begin), clock::unstamp(end));
            begin.is_some_and(|begin| begin <= taken) && end.is_some_and(|end| taken <= end)
        };
        let me = process::myself();
        let killed = self.runner.setup.journal.killed(self.stage, &lock.doing());
        lock.who == format!("{}@{}", me.user, me.host) && killed.iter().any(within)
    }
}

/// Returns whether a text is a complete state.
fn is_whole(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|state| state.get("serial").is_some())
}
