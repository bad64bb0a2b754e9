//! Runs the stages of a pipeline.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use super::consent::Consent;
use super::environment::Redactor;
use super::events::{Event, Watcher};
use super::journal::{self, Entry, Journal};
use super::keeper::{self, Kept};
use super::log::Log;
use super::outcome::{Failure, Origin, Outcome, Trace};
use super::scheduler;
use crate::pipeline::{Pipeline, Stage, Work};
use crate::system::process::{self, Captured, Exit, Program};
use crate::system::{Interrupt, files};
use crate::tools::aws::Ami;
use crate::tools::leftovers::Tagged;
use crate::tools::terraform::PlanSummary;
use crate::tools::{Invocation, Version};
use crate::workspace;

/// Everything that stages have in common.
pub struct Runner<'a> {
    /// What is run.
    pub pipeline: &'a Pipeline,
    /// The folder of the cluster's files, where the tools run.
    pub root: PathBuf,
    /// The tools' environment, before what an invocation adds.
    pub env: BTreeMap<String, String>,
    /// The user's wish to stop.
    pub interrupt: &'a Interrupt,
    /// Who hears of it.
    pub watcher: &'a dyn Watcher,
    /// Asked before a plan that nobody saw destroys something: the stage and the plan.
    pub consent: &'a (dyn Fn(&str, &PlanSummary) -> Consent + Sync),
    /// From generated files back to the blueprint.
    pub trace: &'a Trace,
    /// pgherd's own program: it starts itself as the keeper of a tool.
    pub program: PathBuf,
    /// What was begun and ended.
    pub journal: Journal,
    /// Builds and applies of earlier runs that did not end well.
    pub unfinished: Vec<Entry>,
    /// Whether nothing is known here of earlier runs: they may have been somewhere else.
    pub is_first: bool,
    /// What AWS was asked already.
    pub answers: &'a Answers,
    /// When the run began, for the names of its logs.
    pub stamp: String,
    /// Packer's version.
    pub packer: Version,
    /// How many stages at once.
    pub jobs: usize,
    /// How long the cluster may take to become whole.
    pub patience: Duration,
    /// Held while one of several image stages gets Packer's plugin.
    pub plugin: Mutex<bool>,
    /// Held while a module is initialised: it may get the provider for all.
    pub provider: Mutex<()>,
    /// Held while machines that run are changed: one module's at a time, lest all databases stop at once.
    pub careful: Mutex<()>,
    /// Where HAProxy is reached, once that was asked.
    pub address: OnceLock<IpAddr>,
    /// Roles whose images are built although they exist.
    pub rebuild: Vec<String>,
    /// Settings of the databases that run otherwise than they are generated, once the cluster is whole.
    pub drift: Mutex<Vec<String>>,
    /// What a review found: plans that were shown, by stage.
    pub plans: BTreeMap<String, Option<PlanSummary>>,
    /// What a review found: whether an image exists, by stage.
    pub images: BTreeMap<String, Option<String>>,
}

/// What AWS is asked once, for a review and the work after it.
#[derive(Debug, Default)]
pub struct Answers {
    /// The cluster's images, and all that they could be based on.
    pub images: Mutex<Option<Vec<Ami>>>,
    /// What bears the cluster's tag; none where AWS does not tell.
    pub tagged: Mutex<Option<Option<Tagged>>>,
}

/// A stage that is under way.
pub(super) struct Under<'a> {
    pub runner: &'a Runner<'a>,
    pub stage: &'a str,
    pub log: Log,
    /// Terraform found that something exists which it was to make.
    pub collided: bool,
}

/// What ends a stage before its end.
pub(super) enum Stop {
    Failed(Box<Failure>),
    Interrupted,
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(failure) => Outcome::Failed(failure),
            Stop::Interrupted => Outcome::Interrupted,
        }
    }
}

impl Runner<'_> {
    /// Runs what of the pipeline a review has not found done; answers what each stage came to.
    pub fn run(&self) -> Vec<Outcome> {
        let stages: Vec<Stage> = self.pipeline.stages.iter().filter(|stage| !self.is_done(stage)).cloned().collect();
        self.run_stages(&stages, |under, stage| match &stage.work {
            Work::Image(image) => under.image(image),
            Work::Module(module) => under.module(module),
            Work::Verify => under.verify(&self.pipeline.seats),
        })
    }

    /// Whether a review found nothing to do, and no earlier run left anything, as far as that is known here.
    fn is_done(&self, stage: &Stage) -> bool {
        let image = || self.images.get(&stage.id).is_some_and(Option::is_some) && !self.is_first;
        let plan = || self.plans.get(&stage.id).is_some_and(Option::is_none);
        (image() || plan()) && !self.unfinished.iter().any(|entry| entry.stage == stage.id)
    }

    pub(super) fn run_stages(
        &self,
        stages: &[Stage],
        work: impl Fn(&mut Under<'_>, &Stage) -> Result<Outcome, Stop> + Sync,
    ) -> Vec<Outcome> {
        scheduler::run(stages, self.jobs, self.interrupt, self.watcher, |stage| {
            let mut under = match self.begin(&stage.id) {
                Ok(under) => under,
                Err(stop) => return stop.into(),
            };
            if let Err(e) = self.journal.begun(&stage.id, journal::STAGE) {
                return under.failure(format!("cannot write the journal: {e}"), MAKE_ROOM).into();
            }
            let outcome = work(&mut under, stage).unwrap_or_else(Outcome::from);
            self.journal.ended(&stage.id, journal::STAGE, if outcome.ok() { "done" } else { "not done" });
            outcome
        })
    }

    pub(super) fn begin<'a>(&'a self, stage: &'a str) -> Result<Under<'a>, Stop> {
        let private = self.root.join(workspace::PRIVATE);
        let opened = require_room(&self.root)
            .and_then(|()| files::make_dirs(&private.join("plans")))
            .and_then(|()| temporary(&self.root).map_or(Ok(()), |dir| files::make_dirs(&dir)))
            .and_then(|()| Log::open(&private.join("logs"), &self.stamp, stage, Redactor::of(&self.env)));
        match opened {
            Ok(log) => Ok(Under { runner: self, stage, log, collided: false }),
            Err(e) => Err(Stop::Failed(Box::new(Failure {
                what: format!("cannot write the log in {}: {e}", private.display()),
                advice: MAKE_ROOM.into(),
                ..Failure::default()
            }))),
        }
    }
}

/// Sockets are made there, whose paths may have 107 bytes (`man 7 unix`); the tools' names for them have fewer than 30.
const LONGEST: usize = 107 - 30;

/// Where the tools of a folder have their temporary files: those of a tool that was killed go with the next run. None where the
/// path would be too long.
pub fn temporary(root: &Path) -> Option<PathBuf> {
    let dir = root.join(workspace::PRIVATE).join("tmp");
    (dir.as_os_str().len() <= LONGEST).then_some(dir)
}

/// Nothing is begun with less: a state, its copies, a plan, logs and journal fit into it, of the largest cluster too.
const ROOM: u64 = 16 << 20;

/// Whether what is begun can also be written down.
pub fn require_room(dir: &Path) -> io::Result<()> {
    let room = files::room(dir)?;
    if room >= ROOM {
        return Ok(());
    }
    let kib = |bytes: u64| bytes / 1024;
    Err(io::Error::other(format!(
        "only {} KiB are free in {}, and {} KiB are to be: nothing is begun that could not be written down",
        kib(room),
        dir.display(),
        kib(ROOM)
    )))
}

pub(super) const MAKE_ROOM: &str = "make room, or make the folder writable";

impl Under<'_> {
    /// Runs a tool; its output goes to the log and line by line to the watcher.
    pub fn run(&mut self, invocation: &Invocation, on_line: impl FnMut(&str)) -> Result<Exit, Stop> {
        self.run_noted(invocation, None, on_line)
    }

    /// Runs a tool; the journal has its begin and its end by this name.
    pub fn run_noted(
        &mut self,
        invocation: &Invocation,
        name: Option<&str>,
        mut on_line: impl FnMut(&str),
    ) -> Result<Exit, Stop> {
        let (runner, stage) = (self.runner, self.stage);
        self.log.command(&invocation.paste());
        if let Some(Err(e)) = name.map(|name| runner.journal.begun(stage, name)) {
            return Err(self.failure(format!("cannot write the journal: {e}"), MAKE_ROOM));
        }
        let kept = Kept {
            log: self.log.path().to_path_buf(),
            journal: name.map(|name| (runner.journal.path().to_path_buf(), runner.journal.line_of(stage, name))),
            argv: invocation.argv(),
        };
        let (argv, env) = (keeper::argv(&runner.program, &kept), self.env(invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        let held = match files::lock_shared(&runner.root.join(workspace::PRIVATE).join(keeper::LOCK)) {
            Ok(Some(held)) => held,
            Ok(None) => return Err(self.failure("another pgherd has taken this folder over", "wait until it is done")),
            Err(e) => return Err(self.cannot_start(invocation, &e)),
        };
        let log = &mut self.log;
        let exit = process::stream(program, held, runner.interrupt, &mut |line| {
            log.seen(line);
            on_line(line);
            runner.watcher.event(Event::Output { stage: stage.into(), text: line.into() });
        });
        if matches!(exit, Ok(Exit::NotStarted) | Err(_)) {
            name.into_iter().for_each(|name| runner.journal.ended(stage, name, "not started"));
        }
        match exit.map(keeper::exit_of_tool) {
            Ok(Exit::NotStarted) => Err(Stop::Interrupted),
            // A tool that ends in order after Ctrl-C fails by that, not by itself.
            Ok(exit) if !exit.ok() && runner.interrupt.is_raised() => Err(Stop::Interrupted),
            Ok(exit) => Ok(exit),
            Err(e) => Err(self.cannot_start(invocation, &e)),
        }
    }

    /// Runs a tool and keeps what it prints on standard output; the rest goes to the log.
    pub fn capture(&mut self, invocation: &Invocation) -> Result<Captured, Stop> {
        self.log.command(&invocation.paste());
        let (argv, env) = (invocation.argv(), self.env(invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        match process::capture(program, self.runner.interrupt) {
            Ok(captured) if captured.exit == Exit::NotStarted => Err(Stop::Interrupted),
            Ok(captured) if !captured.exit.ok() && self.runner.interrupt.is_raised() => Err(Stop::Interrupted),
            Ok(captured) => {
                for line in captured.stdout.lines().chain(captured.stderr.lines()) {
                    self.log.line(line);
                }
                Ok(captured)
            }
            Err(e) => Err(self.cannot_start(invocation, &e)),
        }
    }

    /// Runs a tool and keeps what it prints on standard output, which may hold what no log may: it is in none.
    pub fn capture_secretly(&mut self, invocation: &Invocation) -> Result<Captured, Stop> {
        self.log.command(&invocation.paste());
        let (argv, env) = (invocation.argv(), self.env(invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        match process::capture(program, self.runner.interrupt) {
            Ok(captured) if captured.exit == Exit::NotStarted || self.runner.interrupt.is_raised() => {
                Err(Stop::Interrupted)
            }
            Ok(captured) => {
                captured.stderr.lines().for_each(|line| drop(self.log.line(line)));
                Ok(captured)
            }
            Err(e) => Err(self.cannot_start(invocation, &e)),
        }
    }

    /// Says what the stage waits for.
    pub fn wait_for(&mut self, what: &str) {
        self.log.line(&format!("waiting: {what}"));
        self.tell(Event::Waiting { stage: self.stage.into(), text: what.into() });
    }

    pub fn tell(&self, event: Event) {
        self.runner.watcher.event(event);
    }

    /// Says something that has to be seen.
    pub fn notice(&mut self, text: &str) {
        let text = self.log.line(text);
        self.tell(Event::Notice { stage: self.stage.into(), text });
    }

    /// A failure in the tool's own words, and where they lead.
    pub fn failure(&self, what: impl Into<String>, advice: impl Into<String>) -> Stop {
        let complaint = self.log.complaint();
        let message = complaint.message.join("\n");
        let place = complaint.place.and_then(|(file, line)| Some((self.generated(&file)?, line)));
        let origin = place.map(|(file, line)| {
            let blueprint = (self.runner.trace)(&file, line, &message);
            Box::new(Origin { file, line, blueprint })
        });
        Stop::Failed(Box::new(Failure {
            what: what.into(),
            message: complaint.message,
            origin,
            log: Some(self.log.path().to_path_buf()),
            advice: advice.into(),
        }))
    }

    /// The generated file that a tool means by a name: relative to the module's folder, or uploaded to the builder.
    fn generated(&self, name: &str) -> Option<String> {
        match &self.runner.pipeline.stages.iter().find(|stage| stage.id == self.stage)?.work {
            Work::Module(module) => Some(format!("{}/{name}", module.dir)),
            Work::Image(image) => image.contents.keys().find(|path| path.rsplit('/').next() == Some(name)).cloned(),
            Work::Verify => None,
        }
    }

    fn cannot_start(&self, invocation: &Invocation, error: &std::io::Error) -> Stop {
        self.failure(
            format!("cannot start {}: {error}", invocation.program),
            "`pgherd doctor` says how to get what is missing",
        )
    }

    pub(super) fn env(&self, invocation: &Invocation) -> BTreeMap<String, String> {
        let mut env = self.runner.env.clone();
        env.extend(invocation.env.clone());
        env.extend(temporary(&self.runner.root).map(|dir| ("TMPDIR".to_string(), dir.display().to_string())));
        env
    }
}
