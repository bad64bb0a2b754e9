//! What a Terraform that was killed left: a state that was cut off, things that are in no state, machines that it takes for half made.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::journal::{self, Entry};
use super::module::Applied;
use super::under::{Stop, Under};
use crate::pipeline::ModuleWork;
use crate::system::clock::Stopwatch;
use crate::system::{clock, files, process};
use crate::tools::adopt;
use crate::tools::lock::StateLock;
use crate::tools::plan::{PlanSummary, Scope};
use crate::tools::terraform;
use crate::workspace;

/// What is found may be what more is found by: a route by its table.
const ROUNDS: usize = 4;
/// When nothing new has come for so long, nobody is at work: AWS takes this long for the slowest of what is made, an endpoint
/// (measured by others at one to three minutes).
const QUIET: Duration = Duration::from_secs(180);
/// No longer than this is waited for someone else's end.
const LONGEST_WAIT: Duration = Duration::from_secs(1800);

/// Addresses and ids, and when the youngest was made.
type Found = (Vec<(String, String)>, Option<SystemTime>);

impl Under<'_> {
    /// Applies of this module that did not end well.
    pub fn unclean(&self) -> Vec<&Entry> {
        let of_this = |entry: &&Entry| entry.stage == self.stage && entry.what == terraform::APPLY;
        self.runner.unfinished().iter().filter(of_this).collect()
    }

    /// Before Terraform writes to a state that is a file: it does so in place, and what it is killed over is no state any more.
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

    /// Puts back what a killed apply broke, and stores what one could not store.
    pub fn mend_state(&mut self, module: &ModuleWork) -> Result<(), Stop> {
        // Of a run that was killed before it applied them: they are found anew.
        files::remove(&self.imports(module)).map_err(|e| self.failure(e.to_string(), ""))?;
        let errored = self.runner.setup.root.join(&module.dir).join(terraform::ERRORED);
        if files::read_text(&errored).ok().flatten().is_some_and(|text| is_whole(&text)) {
            let exit = self.run(&module.call(terraform::push(&module.dir, terraform::ERRORED)), |_| {})?;
            if !exit.ok() {
                let what = format!("the state that an earlier run could not store is in {}", errored.display());
                return Err(self.failure(what, "see why it is not taken; when it is of no use any more, remove it"));
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
                "{state} was cut off in the middle: it is again as before; what was made since is looked for"
            ));
        }
        Ok(())
    }

    fn kept_state(&self) -> PathBuf {
        self.runner.setup.root.join(workspace::PRIVATE).join("states").join(format!("{}.tfstate", self.stage))
    }

    /// Takes up what is left of a killed apply. Where none of ours was killed, one may have been elsewhere: if a plan makes something and
    /// anything bears the cluster's tag, it is looked for as well. A plan that makes nothing asks nothing.
    pub fn take_up_if_left(
        &mut self,
        module: &ModuleWork,
        planned: Option<PlanSummary>,
    ) -> Result<Option<PlanSummary>, Stop> {
        let makes = planned.as_ref().is_some_and(|plan| plan.adds() > 0);
        let certain = !self.unclean().is_empty() || self.collided;
        if certain || makes && self.tagged()?.is_some_and(|tagged| tagged.has_things()) {
            return self.take_up(module, planned);
        }
        Ok(planned)
    }

    /// Finds by its tags what a killed apply made and did not write down, and has the plan import it. A database's machine that was cut
    /// off while Terraform waited for it is as good as any, and is not made anew. Answers the plan that comes to.
    pub fn take_up(&mut self, module: &ModuleWork, planned: Option<PlanSummary>) -> Result<Option<PlanSummary>, Stop> {
        let ours = !self.unclean().is_empty();
        let mut planned = planned;
        let mut known = vec![];
        for _ in 0..ROUNDS {
            let Some(plan) = planned.as_ref().filter(|plan| plan.adds() > 0) else { break };
            let needless: Vec<String> =
                // Someone may have tainted it on purpose.
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
                self.notice(&format!("{address} was being made when its run was killed: kept"));
            }
            for (_, id) in pairs.iter().filter(|(address, _)| address.starts_with("aws_security_group.")) {
                self.close(id)?;
            }
            if !pairs.is_empty() {
                self.notice(&format!("takes up what a killed run had made: {}", adopt::summary(&pairs)));
            }
            known.extend(pairs);
            let blocks = files::write(&self.imports(module), adopt::import_blocks(&known).as_bytes());
            blocks.map_err(|e| self.failure(format!("cannot write {}: {e}", terraform::IMPORTS), "make room"))?;
            planned = self.plan_shown(module)?;
        }
        if known.is_empty() {
            self.taken_up(module);
        }
        Ok(planned)
    }

    /// The same before all of the module is destroyed: what is found, and nothing else, is applied. Where it cannot be planned,
    /// because what it looks up is not there, nothing can have been made either.
    pub fn take_up_before_end(&mut self, module: &ModuleWork) -> Result<(), Stop> {
        let planned = match self.plan_shown(module) {
            Ok(planned) => planned,
            Err(Stop::Failed(_)) => {
                self.notice("cannot look for what a killed run made: the module cannot be planned; see the log");
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        self.take_up(module, planned)?;
        let blocks = files::read_text(&self.imports(module)).ok().flatten().unwrap_or_default();
        let found: Vec<String> =
            blocks.lines().filter_map(|line| line.trim().strip_prefix("to = ")).map(String::from).collect();
        if found.is_empty() {
            return Ok(());
        }
        let plan = module.call(terraform::plan_only(&module.dir, &module.plan_file, &found));
        if self.plan(module, &plan, Scope::Targeted)?.is_some() {
            let applied = self.apply(module)?;
            self.must(applied == Applied::Done, "the state changes while this runs")?;
        }
        Ok(())
    }

    /// What was to be imported is, and nobody needs to look again.
    pub fn taken_up(&mut self, module: &ModuleWork) {
        let _ = files::remove(&self.imports(module));
        for entry in self.unclean() {
            self.runner.setup.journal.settle(entry, journal::SETTLED);
        }
    }

    fn imports(&self, module: &ModuleWork) -> PathBuf {
        self.runner.setup.root.join(&module.dir).join(terraform::IMPORTS)
    }

    /// Address and id of what exists of what a plan would make. A state that is a file locks nobody out who works in another folder:
    /// what is young and not ours may be at work for someone, until nothing new has come for a while.
    fn find_settled(&mut self, module: &ModuleWork, wanted: &[adopt::Wanted]) -> Result<Vec<(String, String)>, Stop> {
        let watch = Stopwatch::start();
        loop {
            let (pairs, youngest) = self.find(wanted)?;
            let foreign = self.unclean().is_empty() && module.state.is_some();
            let age = youngest.filter(|_| foreign).and_then(|made| clock::now().duration_since(made).ok());
            let Some(left) = age.and_then(|age| QUIET.checked_sub(age)).filter(|left| !left.is_zero()) else {
                return Ok(pairs);
            };
            if watch.elapsed() > LONGEST_WAIT {
                let what = "something of this cluster is being made, and not from this folder";
                let advice =
                    "wait until that is done; with `state { s3 { … } }` each run sees and locks out the others";
                return Err(self.failure(what, advice));
            }
            self.wait_for(&format!(
                "{} has been made, not from this folder: until nothing new has come for {} s",
                adopt::summary(&pairs),
                QUIET.as_secs()
            ));
            if self.runner.setup.interrupt.wait(left) {
                return Err(Stop::Interrupted);
            }
        }
    }

    /// Address and id of what exists of what a plan would make, and when the youngest of it was made, as far as AWS tells.
    fn find(&mut self, wanted: &[adopt::Wanted]) -> Result<Found, Stop> {
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
                    self.notice(&format!("cannot look whether a {} exists already; see the log", question.kind));
                    continue;
                }
                let what = format!("cannot look for a {} that a killed run may have made", question.kind);
                return Err(self.failure(what, "see that the credentials may ask for it, and run again"));
            };
            let (these, doubtful) = adopt::pair(cluster, &question.kind, wanted, &found);
            let made = found.iter().filter(|one| these.iter().any(|(_, id)| *id == one.id));
            youngest = youngest.max(made.filter_map(|one| clock::unstamp(&one.made)).max());
            pairs.extend(these);
            for address in doubtful {
                self.notice(&format!("there is more than one {address} with this cluster's tags: none is taken up"));
            }
        }
        Ok((pairs, youngest))
    }

    /// A security group is born open to the outside; Terraform closes it, unless it is killed before.
    fn close(&mut self, group: &str) -> Result<(), Stop> {
        let (pipeline, region) = (self.runner.setup.pipeline, &self.runner.setup.pipeline.region);
        let captured = self.capture(&pipeline.aws(adopt::born_open(region, group)))?;
        let rules: Vec<String> = serde_json::from_str(&captured.stdout).unwrap_or_default();
        if !rules.is_empty() {
            let exit = self.run(&pipeline.aws(adopt::close(region, group, &rules)), |_| {})?;
            self.must(exit.ok(), &format!("cannot close {group}"))?;
        }
        self.must(captured.exit.ok(), &format!("cannot look at the rules of {group}"))
    }

    fn must(&self, ok: bool, what: &str) -> Result<(), Stop> {
        if ok { Ok(()) } else { Err(self.failure(what, "mend what the error names and run again")) }
    }

    /// Whether a lock was left by a tool of ours: taken by this user on this machine, for what one did that ran here at the time and
    /// was killed. None of ours lives any more, since the folder is ours alone; in another folder this user may be at work, too.
    pub fn is_our_dead(&self, lock: &StateLock) -> bool {
        let Some(taken) = clock::unstamp(&lock.created) else { return false };
        let within = |(begin, end): &(String, String)| {
            // Both are whole seconds.
            let (begin, end) = (clock::unstamp(begin), clock::unstamp(end));
            begin.is_some_and(|begin| begin <= taken) && end.is_some_and(|end| taken <= end)
        };
        let me = process::myself();
        let killed = self.runner.setup.journal.killed(self.stage, &lock.doing());
        lock.who == format!("{}@{}", me.user, me.host) && killed.iter().any(within)
    }
}

/// Whether a text is a whole state.
fn is_whole(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|state| state.get("serial").is_some())
}
