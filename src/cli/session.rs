//! What `run`, `destroy` and `status` have in common: a cluster at a target, and the tools at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::Where;
use super::blueprints::{self, Loaded};
use super::failure::{Failure, Kind};
use super::need::Need;
use super::report::{Feed, History, PageOf, Report, names};
use super::{listen, place, ready, trace};
use crate::pipeline::preflight::region;
use crate::pipeline::{Pipeline, Platform, Stage, Target, Toolbox, pipeline};
use crate::run::events::{self, Begun, Event, StageIs};
use crate::run::journal::Journal;
use crate::run::outcome::Trace;
use crate::run::prerequisites::{self, Tools};
use crate::run::{Answers, Ask, Options, Outcome, Past, Runner, Setup, Watcher, environment};
use crate::run::{foresight, pointers, strays};
use crate::system::{Context, Interrupt, clock, files};
use crate::tools::{Invocation, aws};
use crate::workspace::{PRIVATE, Workspace};

/// A cluster at a target.
pub struct Session<'a> {
    pub context: &'a Context,
    pub report: Arc<Report>,
    pub interrupt: Interrupt,
    pub loaded: Arc<Loaded>,
    /// The folder where the tools run.
    pub work: Workspace,
    pub target: Target,
    pub pipeline: Pipeline,
    pub env: BTreeMap<String, String>,
    pub tools: Option<Tools>,
    /// Names this run and its logs.
    pub run: String,
    pub journal: Journal,
    /// From generated files back to the blueprint.
    pub trace: Box<Trace>,
    /// What earlier runs left. `None` until this one holds the folder.
    pub past: Option<Past>,
    /// What AWS was asked already.
    answers: Answers,
}

impl<'a> Session<'a> {
    /// Reads the blueprint, looks at the prerequisites, prepares the target.
    pub fn open(context: &'a Context, report: &Arc<Report>, place: &Where, need: Need) -> Result<Self, Failure> {
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
            // The user's own account is none of the lab's business.
            env.retain(|name, _| !name.starts_with("AWS_"));
        }
        // The lab sets its own.
        if need.tools() && place.target == Platform::Aws {
            ready::require_pointers(report, &pointers::astray(&context.cwd, &env))?;
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
        let run = format!("{}-{}", clock::stamp(context.now), crate::system::process::myself().pid);
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

    /// Asks AWS whose the credentials are, and says so; the lab has its own.
    pub fn require_credentials(&self) -> Result<(), Failure> {
        if !self.is_aws() {
            return Ok(());
        }
        let ask = self.aws(aws::caller_identity(&self.loaded.cluster.region));
        let found = prerequisites::credentials(&ask, &self.env, &self.interrupt);
        if found.problem.is_some() && !self.interrupt.is_raised() {
            // A region that is not there, or not enabled, looks like a network without AWS, or like keys that are not accepted.
            self.require_region()?;
        }
        ready::require(&self.report, std::slice::from_ref(&found), &self.interrupt)?;
        self.report.note(&format!("AWS {}, region {}", found.version, self.loaded.cluster.region));
        Ok(())
    }

    /// Says what AWS has against the region, where it is one that may not be there, or not for this account.
    fn require_region(&self) -> Result<(), Failure> {
        let name = &self.loaded.cluster.region;
        let Some(question) = region::question(name) else { return Ok(()) };
        let answer = foresight::answer(&self.aws(question), &self.env, &self.interrupt);
        ready::require_no_lack(&self.report, region::judge(name, &answer).as_slice())
    }

    /// A command of the AWS CLI, where the other tools run.
    pub fn aws(&self, args: Vec<String>) -> Invocation {
        let mut invocation = self.pipeline.aws(args);
        if !files::exists(&invocation.dir) {
            invocation.dir = self.context.cwd.clone();
        }
        invocation
    }

    /// Whether the tools change things that cost money or that others use.
    pub fn is_aws(&self) -> bool {
        self.target.platform == Platform::Aws
    }

    /// Makes what runs the pipeline.
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

    /// Tells that it begins. From here on it is written down.
    pub fn announce(&self, feed: &Feed, verb: &str, stages: &[Stage]) -> Result<(), Failure> {
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
            stages: stages.iter().map(|s| StageIs { stage: s.id.clone(), needs: s.needs.clone() }).collect(),
            report: names::page(&logs, &self.run).display().to_string(),
            logs: logs.display().to_string(),
        }));
        Ok(())
    }

    /// Success, or the failure that the stages' ends come to.
    pub fn conclude(&self, outcomes: &[Outcome]) -> Result<(), Failure> {
        if outcomes.iter().all(Outcome::ok) {
            return Ok(());
        }
        if outcomes.contains(&Outcome::Interrupted) || self.interrupt.is_raised() {
            return Err(Failure::interrupted());
        }
        if outcomes.iter().all(|outcome| outcome.ok() || matches!(outcome, Outcome::Unseen(_))) {
            let text = "everything is made; whether the cluster is healthy cannot be seen from here";
            return Err(Failure::Text(Kind::Unseen, text.into()));
        }
        let failed = outcomes.iter().filter(|o| matches!(o, Outcome::Failed(_))).count();
        Err(Failure::Text(
            Kind::Failed,
            match failed {
                0 => "stopped, as you said".into(),
                1 => "a stage failed".into(),
                n => format!("{n} stages failed"),
            },
        ))
    }

    /// Asks a question that only a person can answer.
    pub fn ask(&self, question: &str) -> Result<String, Failure> {
        if !crate::system::terminal::can_ask() {
            return Err(Failure::usage("nobody is there to ask: add --yes to go on without a question"));
        }
        match self.report.ask(question, &self.interrupt) {
            None if self.interrupt.is_raised() => Err(Failure::interrupted()),
            answer => Ok(answer.unwrap_or_default()),
        }
    }
}
