//! What the verbs that touch a cluster share: the cluster, its target, and the tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::Where;
use super::blueprints::{self, Loaded};
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Feed, History, PageOf, Report, names};
use super::{listen, place, ready, trace};
use crate::pipeline::preflight::region;
use crate::pipeline::{Pipeline, Platform, Stage, Target, Toolbox, pipeline};
use crate::run::events::{self, Begun, Event, StageNeeds};
use crate::run::journal::Journal;
use crate::run::outcome::Trace;
use crate::run::prerequisites::{self, Tools};
use crate::run::{Answers, Ask, EarlierRuns, Options, Outcome, Runner, Setup, Watcher, environment};
use crate::run::{foresight, pointers, strays};
use crate::system::{Context, Interrupt, files};
use crate::tools::{Invocation, aws};
use crate::workspace::{PRIVATE, Workspace};

/// A cluster at a target, with the tools to work on it.
pub struct Session<'a> {
    pub context: &'a Context,
    pub report: Arc<Report>,
    pub interrupt: Interrupt,
    pub loaded: Arc<Loaded>,
    /// The directory where the tools run.
    pub work: Workspace,
    pub target: Target,
    pub pipeline: Pipeline,
    pub env: BTreeMap<String, String>,
    pub tools: Option<Tools>,
    /// The name of this run and its logs: the time in UTC and the process id.
    pub run: String,
    pub journal: Journal,
    /// Leads from a line of a generated file back to the blueprint.
    pub trace: Box<Trace>,
    /// What earlier runs left; `None` until this run holds the lock of the directory.
    pub past: Option<EarlierRuns>,
    /// What AWS has answered so far.
    answers: Answers,
}

impl<'a> Session<'a> {
    /// Reads the blueprint, checks the prerequisites and prepares the target.
    pub fn open(context: &'a Context, report: &Arc<Report>, place: &Where, need: Need) -> Result<Self, CommandError> {
        let loaded = Arc::new(blueprints::load_one(context, report, &place.blueprint, &place.variables)?);
        let workspace = Workspace::new(&context.path(&place.out.dir), &loaded.cluster.name);
        if matches!(need, Need::Tools | Need::Commands) {
            ready::require_fresh(&loaded, &workspace)?;
        }
        let interrupt = Interrupt::default();
        listen::listen(report, &interrupt)?;
        let sorted = environment::of_tools(context);
        ready::require_environment(report, &sorted)?;
        let mut env = sorted.passed;
        if place.target == Platform::Lab {
            // The lab must never see the user's own account.
            env.retain(|name, _| !name.starts_with("AWS_"));
        }
        // The lab sets these variables itself.
        if need.tools() && place.target == Platform::Aws {
            ready::require_pointers(report, &pointers::broken(&context.cwd, &env))?;
        }
        let tools = need.tools().then(|| prerequisites::tools(context, &env, &interrupt));
        if let Some(tools) = &tools {
            let all = [tools.findings.as_slice(), &[prerequisites::aws_cli(context)]].concat();
            ready::require(report, &all, &interrupt)?;
        }
        let target = match place.target {
            Platform::Aws => place::aws(&workspace, &loaded),
            Platform::Lab => place::lab(context, report, &interrupt, need, &loaded, &workspace)?,
        };
        let terraform = match &tools {
            Some(tools) => tools.terraform.clone(),
            None => place::terraform_at_hand(context),
        };
        let pipeline = pipeline(&loaded.cluster, &loaded.files(), &target, &Toolbox { terraform });
        if need != Need::Location {
            ready::require_no_strays(report, &strays::find(&target.root, &pipeline, &loaded.files()), need)?;
        }
        let work = Workspace::at(&target.root);
        let run = names::run(context.now, crate::system::process::myself().pid);
        let session = Session {
            context,
            report: Arc::clone(report),
            interrupt,
            trace: {
                let loaded = Arc::clone(&loaded);
                Box::new(move |file, line, message| trace::trace(&loaded, file, line, message))
            },
            loaded,
            journal: Journal::new(&target.root.join(PRIVATE), &run),
            run,
            past: None,
            answers: Answers::default(),
            work,
            target,
            pipeline,
            env,
            tools,
        };
        Ok(session)
    }

    /// Verifies the credentials with AWS and prints whose they are. The lab has its own.
    pub fn require_credentials(&self) -> Result<(), CommandError> {
        if !self.is_aws() {
            return Ok(());
        }
        let ask = self.aws(aws::caller_identity(&self.loaded.cluster.region));
        let found = prerequisites::credentials(&ask, &self.env, &self.interrupt);
        if found.problem.is_some() && !self.interrupt.is_raised() {
            // A region that does not exist or is not enabled looks like a network failure or like rejected keys.
            self.require_region()?;
        }
        ready::require(&self.report, std::slice::from_ref(&found), &self.interrupt)?;
        self.report.note(&format!("AWS {}, region {}", found.version, self.loaded.cluster.region));
        Ok(())
    }

    /// Fails if the region does not exist or is not enabled for this account, where that is in doubt.
    fn require_region(&self) -> Result<(), CommandError> {
        let name = &self.loaded.cluster.region;
        let Some(question) = region::question(name) else { return Ok(()) };
        let answer = foresight::answer(&self.aws(question), &self.env, &self.interrupt);
        ready::require_no_lack(&self.report, region::judge(name, &answer).as_slice())
    }

    /// Returns an AWS CLI command that runs where the other tools run.
    pub fn aws(&self, args: Vec<String>) -> Invocation {
        let mut invocation = self.pipeline.aws(args);
        if !files::exists(&invocation.dir) {
            invocation.dir = self.context.cwd.clone();
        }
        invocation
    }

    /// Returns whether the tools change things that cost money or that others use.
    pub fn is_aws(&self) -> bool {
        self.target.platform == Platform::Aws
    }

    /// Returns a runner of the pipeline.
    pub fn runner<'s>(&'s self, watcher: &'s dyn Watcher, consent: &'s Ask<'s>, options: Options) -> Runner<'s> {
        let setup = Setup {
            pipeline: &self.pipeline,
            root: &self.target.root,
            env: &self.env,
            interrupt: &self.interrupt,
            trace: &*self.trace,
            program: &self.context.program,
            journal: &self.journal,
            past: self.past.as_ref(),
            packer: self.tools.as_ref().map(|tools| tools.packer),
            run: &self.run,
            answers: &self.answers,
        };
        Runner::new(setup, watcher, consent, options)
    }

    /// Announces the run. From here on its events are recorded.
    pub fn announce(&self, feed: &Feed, verb: &str, stages: &[Stage]) -> Result<(), CommandError> {
        let logs = self.target.root.join(PRIVATE).join("logs");
        feed.add(Box::new(History::begin(&logs, &self.run, self.report.unwritten())?));
        feed.add(Box::new(PageOf::new(&logs, self.report.unwritten())));
        let mut versions = BTreeMap::from([("pgherd".to_string(), env!("CARGO_PKG_VERSION").to_string())]);
        let tools = self.tools.iter().flat_map(|tools| &tools.findings);
        versions.extend(tools.map(|tool| (tool.name.clone(), tool.version.clone())));
        feed.event(Event::RunBegun(Begun {
            format: events::FORMAT,
            run: self.run.clone(),
            verb: verb.into(),
            cluster: self.loaded.cluster.name.clone(),
            target: self.target.platform.name().into(),
            region: self.loaded.cluster.region.clone(),
            versions,
            stages: stages.iter().map(|s| StageNeeds { stage: s.id.clone(), needs: s.needs.clone() }).collect(),
            report: names::page(&logs, &self.run).display().to_string(),
            logs: logs.display().to_string(),
        }));
        Ok(())
    }

    /// Turns the outcomes of stages into success or into the error that the command ends with.
    pub fn conclude(&self, outcomes: &[Outcome]) -> Result<(), CommandError> {
        if outcomes.iter().all(Outcome::ok) {
            return Ok(());
        }
        if outcomes.contains(&Outcome::Interrupted) || self.interrupt.is_raised() {
            return Err(CommandError::interrupted());
        }
        if outcomes.iter().all(|outcome| outcome.ok() || matches!(outcome, Outcome::Unseen(_))) {
            let text =
                "created, but not verified: HAProxy cannot be reached from here, so the cluster's health is unknown";
            return Err(CommandError::Text(ErrorKind::Unseen, text.into()));
        }
        let failed = outcomes.iter().filter(|o| matches!(o, Outcome::Failed(_))).count();
        Err(CommandError::Text(
            ErrorKind::Failed,
            match failed {
                0 => "aborted at your request".into(),
                1 => "a stage failed".into(),
                n => format!("{n} stages failed"),
            },
        ))
    }

    /// Asks the user a question and returns the answer.
    pub fn ask(&self, question: &str) -> Result<String, CommandError> {
        if !crate::system::terminal::can_ask() {
            return Err(CommandError::usage(
                "there is no terminal to ask for confirmation; add --yes to continue without it",
            ));
        }
        match self.report.ask(question, &self.interrupt) {
            None if self.interrupt.is_raised() => Err(CommandError::interrupted()),
            answer => Ok(answer.unwrap_or_default()),
        }
    }
}
