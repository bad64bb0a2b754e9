//! What `run`, `destroy` and `status` have in common: a cluster at a target, and the tools at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::args::{TargetName, Where};
use super::blueprints::{self, Loaded};
use super::failure::{Failure, Kind};
use super::report::{Feed, History, PageOf, Report, Style, page};
use super::trace;
use crate::lab;
use crate::pipeline::{Advice, Pipeline, Stage, Target, Toolbox, pipeline};
use crate::run::events::{self, Begun, Event, StageIs};
use crate::run::journal::{Entry, Journal};
use crate::run::outcome::Trace;
use crate::run::prerequisites::{self, Finding, Tools};
use crate::run::{Answers, Consent, Outcome, Runner, Watcher, environment};
use crate::system::{Context, Interrupt, clock, files};
use crate::tools::terraform::{self, PlanSummary};
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
    /// Builds and applies of earlier runs that did not end well.
    pub unfinished: Vec<Entry>,
    /// Whether nothing is known here of earlier runs: they may have been somewhere else.
    pub is_first: bool,
    /// What AWS was asked already.
    answers: Answers,
}

/// How much has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Fresh files, tools that fit: they will be run.
    Tools,
    /// As `Tools`, whatever the files are: what they made before is to go.
    Teardown,
    /// What they would be run with.
    Commands,
    /// Where the machines are.
    Seats,
}

impl Need {
    fn tools(self) -> bool {
        matches!(self, Need::Tools | Need::Teardown)
    }
}

impl<'a> Session<'a> {
    /// Reads the blueprint, looks at the prerequisites, prepares the target.
    pub fn open(context: &'a Context, report: &Arc<Report>, place: &Where, need: Need) -> Result<Self, Failure> {
        let loaded = Arc::new(blueprints::load_one(context, report, &place.blueprint, &place.variables)?);
        let workspace = Workspace::new(&context.path(&place.out.dir), &loaded.cluster.name);
        if matches!(need, Need::Tools | Need::Commands) {
            require_fresh(&loaded, &workspace)?;
        }
        let interrupt = Interrupt::default();
        listen(report, &interrupt)?;
        let mut env = environment::of_tools(context);
        if place.target == TargetName::Lab {
            // The user's own account is none of the lab's business.
            env.retain(|name, _| !name.starts_with("AWS_"));
        }
        let tools = need.tools().then(|| prerequisites::tools(context, &env, &interrupt));
        if let Some(tools) = &tools {
            require(report, &tools.findings, &interrupt)?;
        }
        let target = match place.target {
            TargetName::Aws => aws_target(&workspace, &loaded),
            TargetName::Lab => lab_target(context, report, &interrupt, need, &loaded, &workspace)?,
        };
        let terraform = match &tools {
            Some(tools) => tools.terraform.clone(),
            None => at_hand(context),
        };
        let pipeline = pipeline(&loaded.cluster, &loaded.files(), &target, &Toolbox { terraform });
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
            unfinished: vec![],
            is_first: false,
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
        require(&self.report, std::slice::from_ref(&found), &self.interrupt)?;
        self.report.note(&format!("AWS {}, region {}", found.version, self.loaded.cluster.region));
        Ok(())
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
        self.target.name == "aws"
    }

    /// What runs the pipeline.
    pub fn runner<'s>(
        &'s self,
        watcher: &'s dyn Watcher,
        consent: &'s (dyn Fn(&str, &PlanSummary) -> Consent + Sync),
    ) -> Runner<'s> {
        Runner {
            pipeline: &self.pipeline,
            root: self.target.root.clone(),
            env: self.env.clone(),
            interrupt: &self.interrupt,
            watcher,
            consent,
            trace: &*self.trace,
            program: self.context.program.clone(),
            journal: self.journal.clone(),
            unfinished: self.unfinished.clone(),
            is_first: self.is_first,
            answers: &self.answers,
            stamp: self.run.clone(),
            packer: self.tools.as_ref().map_or(crate::tools::packer::OLDEST, |tools| tools.packer),
            jobs: 4,
            patience: Duration::ZERO,
            plugin: Mutex::new(false),
            provider: Mutex::new(()),
            careful: Mutex::new(()),
            address: OnceLock::new(),
            rebuild: vec![],
            drift: Mutex::default(),
            plans: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// Tells that it begins. From here on it is written down.
    pub fn announce(&self, feed: &Feed, verb: &str, stages: &[Stage]) -> Result<(), Failure> {
        let logs = self.target.root.join(PRIVATE).join("logs");
        feed.add(Box::new(History::begin(&logs, &self.run)?));
        feed.add(Box::new(PageOf::new(&logs)));
        let mut versions = BTreeMap::from([("pgherd".to_string(), env!("CARGO_PKG_VERSION").to_string())]);
        let tools = self.tools.iter().flat_map(|tools| &tools.findings);
        versions.extend(tools.map(|tool| (tool.name.clone(), tool.version.clone())));
        feed.event(Event::RunBegun(Begun {
            format: events::FORMAT,
            run: self.run.clone(),
            verb: verb.into(),
            cluster: self.loaded.cluster.name.clone(),
            target: self.target.name.clone(),
            region: self.loaded.cluster.region.clone(),
            versions,
            stages: stages.iter().map(|s| StageIs { stage: s.id.clone(), needs: s.needs.clone() }).collect(),
            report: page::path(&logs, &self.run).display().to_string(),
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
            return Err(interrupted());
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
            None if self.interrupt.is_raised() => Err(interrupted()),
            answer => Ok(answer.unwrap_or_default()),
        }
    }
}

/// The user stopped it.
pub fn interrupted() -> Failure {
    Failure::Text(Kind::Interrupted, "interrupted".into())
}

/// Takes Ctrl-C over, and says what it does.
pub fn listen(report: &Arc<Report>, interrupt: &Interrupt) -> Result<(), Failure> {
    let report = Arc::clone(report);
    interrupt.listen(move |count| {
        report.say(match count {
            1 => "interrupted: the tools were told, and are given the time to end in order",
            2 => "still waiting for the tools; once more kills them, and may leave half-made things behind",
            _ => "killed",
        });
    })?;
    Ok(())
}

/// Fails with all that is missing at once.
pub fn require(report: &Report, findings: &[Finding], interrupt: &Interrupt) -> Result<(), Failure> {
    if interrupt.is_raised() {
        return Err(interrupted());
    }
    let mut missing = vec![];
    for finding in findings {
        if let Some(problem) = &finding.problem {
            report.say(&format!("{} {}", report.on_err(Style::Bad, &finding.name), finding.complaint(problem)));
            missing.push(finding.name.clone());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Text(Kind::Missing, format!("missing: {}", missing.join(", "))))
}

/// Refuses generated files that are not what the blueprint generates.
fn require_fresh(loaded: &Loaded, workspace: &Workspace) -> Result<(), Failure> {
    let set = loaded.files();
    let review = workspace.review(&loaded.cluster.name, &set)?;
    if !review.drift() {
        return Ok(());
    }
    if workspace.missing()? {
        let (dir, blueprint) = (workspace.dir().display(), loaded.words());
        let text = format!(
            "nothing is generated yet in {dir}\n  run `pgherd gen {blueprint}`, look at it, commit it, and run again"
        );
        return Err(Failure::Text(Kind::Drift, text));
    }
    let steps = &review.reconciled.steps;
    let files: Vec<&str> = steps.keys().take(5).map(|path| path.as_str()).collect();
    let more = if steps.len() > files.len() { ", …" } else { "" };
    let (dir, blueprint) = (workspace.dir().display(), loaded.words());
    Err(Failure::Text(
        Kind::Drift,
        format!(
            "{dir} is not what {blueprint} generates ({}{more})\n  \
             run `pgherd gen {blueprint}`, look at the difference, commit it, and run again",
            files.join(", ")
        ),
    ))
}

/// AWS adds nothing to what the files say.
fn aws_target(workspace: &Workspace, loaded: &Loaded) -> Target {
    let (dir, cluster) = (workspace.dir().display(), &loaded.cluster);
    Target {
        name: "aws".into(),
        root: workspace.dir().to_path_buf(),
        command_prefix: vec![],
        environment: BTreeMap::new(),
        packer_vars: BTreeMap::new(),
        private_addresses: false,
        advice: Advice {
            unreachable: "reach the network by VPN or peering, or give HAProxy an elastic_ip and put your own address into network.admins \
                          (admin port) and network.clients (write and read ports)"
                .into(),
            stranger: "clusters whose blueprints leave network.cidr out plan the same private addresses, and this machine is in the other's \
                       network: run this from the network of this one, give its HAProxy an elastic_ip, or give each cluster a \
                       network.cidr of its own"
                .into(),
            look: "on a database machine `journalctl -u patroni -u etcd` says why".into(),
            revive: format!(
                "`aws ec2 describe-instances --region {region} --filters Name=tag:pgherd:cluster,Values={name} \
                 Name=tag:pgherd:machine,Values={{machine}} --query 'Reservations[].Instances[].[InstanceId,State.Name]' --output text` \
                 shows whether it runs; `aws ec2 start-instances` or `reboot-instances` with that id brings it back as it was; if it is \
                 lost, {dir}/README.md says how to replace it",
                region = cluster.region,
                name = cluster.name,
            ),
        },
    }
}

/// The lab, brought up where something is to be run in it.
fn lab_target(
    context: &Context,
    report: &Report,
    interrupt: &Interrupt,
    need: Need,
    loaded: &Loaded,
    workspace: &Workspace,
) -> Result<Target, Failure> {
    let tools = lab::Tools { context, interrupt };
    match need {
        Need::Commands => return Ok(lab::describe(&loaded.cluster)?),
        Need::Tools => drop(super::lab::up(tools, report)?),
        // Without it there is no way to the machines' addresses but out of this host.
        Need::Seats | Need::Teardown if !lab::is_up() => {
            let text = "the lab is not up: `pgherd lab up`, or `pgherd run --target lab`";
            return Err(Failure::Text(Kind::Failed, text.into()));
        }
        Need::Seats => return Ok(lab::describe(&loaded.cluster)?),
        Need::Teardown => {}
    }
    let say = &mut |line: &str| report.note(&format!("lab: {line}"));
    match lab::prepare(tools, &loaded.cluster, workspace.dir(), say) {
        Err(_) if interrupt.is_raised() => Err(interrupted()),
        prepared => Ok(prepared?),
    }
}

/// The Terraform that is there; its version is not looked at.
fn at_hand(context: &Context) -> String {
    let found = terraform::PROGRAMS.iter().find(|program| context.find_program(program).is_some());
    (*found.unwrap_or(&terraform::PROGRAMS[0])).to_string()
}
