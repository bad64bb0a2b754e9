//! A stage in progress: the tools that it runs and the events that it sends.

use std::collections::BTreeMap;
use std::time::Duration;

use super::events::Event;
use super::keeper::{self, Kept};
use super::log::Log;
use super::outcome::{Failure, Origin, Outcome};
use super::room::{MAKE_ROOM, temporary};
use super::runner::Runner;
use crate::pipeline::Work;
use crate::system::files;
use crate::system::interrupt::NamedChild;
use crate::system::process::{self, Captured, Exit, Program};
use crate::tools::backend::Backend;
use crate::tools::{Invocation, cause};
use crate::workspace;

/// The time limit for a tool whose output is captured. The AWS CLI tries eight times with growing pauses, which takes about a minute.
/// Reading a plan or an output starts the provider or asks the state's bucket.
const PATIENCE: Duration = Duration::from_secs(300);

/// A stage in progress.
pub(super) struct RunningStage<'a> {
    pub runner: &'a Runner<'a>,
    pub stage: &'a str,
    pub log: Log,
    /// Whether Terraform found that a resource it was to create exists already.
    pub collided: bool,
}

/// The reason why a stage ends early.
pub(super) enum Stop {
    Failed(Box<Failure>),
    Unseen(Box<Failure>),
    Interrupted,
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(failure) => Outcome::Failed(failure),
            Stop::Unseen(failure) => Outcome::Unseen(failure),
            Stop::Interrupted => Outcome::Interrupted,
        }
    }
}

impl RunningStage<'_> {
    /// Runs a tool. Its output goes to the log and, line by line, to the watcher.
    pub fn run(&mut self, invocation: &Invocation, on_line: impl FnMut(&str)) -> Result<Exit, Stop> {
        self.run_noted(invocation, None, None, on_line)
    }

    /// Runs a tool and records its beginning and its end in the journal by this name. If no line of its output begins with the proof, the
    /// tool has failed, whatever its exit code.
    pub fn run_noted(
        &mut self,
        invocation: &Invocation,
        name: Option<&str>,
        proof: Option<&str>,
        mut on_line: impl FnMut(&str),
    ) -> Result<Exit, Stop> {
        let (runner, stage) = (self.runner, self.stage);
        self.log.command(&invocation.paste());
        if let Some(Err(e)) = name.map(|name| runner.setup.journal.begun(stage, name)) {
            return Err(self.failure(format!("cannot write the journal: {e}"), MAKE_ROOM));
        }
        let kept = Kept {
            log: self.log.path().to_path_buf(),
            journal: name
                .map(|name| (runner.setup.journal.path().to_path_buf(), runner.setup.journal.line_of(stage, name))),
            proof: proof.map(String::from),
            argv: invocation.argv(),
        };
        let (argv, env) = (keeper::argv(runner.setup.program, &kept), self.env(invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        let held = match files::lock_shared(&runner.setup.root.join(workspace::PRIVATE).join(keeper::LOCK)) {
            Ok(Some(held)) => held,
            Ok(None) => {
                return Err(self.failure("another pgherd has taken over this folder", "wait until it has finished"));
            }
            Err(e) => return Err(self.cannot_start(invocation, &e)),
        };
        let _named = self.named(invocation);
        let log = &mut self.log;
        let exit = process::stream(program, held, runner.setup.interrupt, &mut |line| {
            for text in log.seen_output(line) {
                on_line(&text);
                runner.watcher.event(Event::Output { stage: stage.into(), text });
            }
        });
        if matches!(exit, Ok(Exit::NotStarted) | Err(_)) {
            name.into_iter().for_each(|name| runner.setup.journal.ended(stage, name, "not started"));
        }
        match exit.map(keeper::exit_of_tool) {
            Ok(Exit::NotStarted) => Err(Stop::Interrupted),
            // After Ctrl-C, a tool that stops cleanly exits with an error. That is an interruption, not a failure.
            Ok(exit) if !exit.ok() && runner.setup.interrupt.is_raised() => Err(Stop::Interrupted),
            Ok(exit) => Ok(exit),
            Err(e) => Err(self.cannot_start(invocation, &e)),
        }
    }

    /// Runs a tool and captures its standard output. The log has standard output and standard error.
    pub fn capture(&mut self, invocation: &Invocation) -> Result<Captured, Stop> {
        let captured = self.ended(invocation)?;
        if !captured.exit.ok() && self.runner.setup.interrupt.is_raised() {
            return Err(Stop::Interrupted);
        }
        for line in captured.stdout.lines().chain(captured.stderr.lines()) {
            self.log.line(line);
        }
        Ok(captured)
    }

    /// Runs a tool and captures its standard output, which may hold secrets and so goes to no log. Its only use is to decide what to do
    /// next, so after Ctrl-C it is dropped.
    pub fn capture_secretly(&mut self, invocation: &Invocation) -> Result<Captured, Stop> {
        let captured = self.ended(invocation)?;
        if self.runner.setup.interrupt.is_raised() {
            return Err(Stop::Interrupted);
        }
        captured.stderr.lines().for_each(|line| drop(self.log.line(line)));
        Ok(captured)
    }

    fn ended(&mut self, invocation: &Invocation) -> Result<Captured, Stop> {
        self.log.command(&invocation.paste());
        let (argv, env) = (invocation.argv(), self.env(invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        let _named = self.named(invocation);
        match process::capture(program, Some(PATIENCE), self.runner.setup.interrupt) {
            Ok(captured) if captured.exit == Exit::NotStarted => Err(Stop::Interrupted),
            Ok(captured) => Ok(captured),
            Err(e) => Err(self.cannot_start(invocation, &e)),
        }
    }

    /// Reports what the stage is waiting for.
    pub fn wait_for(&mut self, what: &str) {
        self.log.line(&format!("waiting: {what}"));
        self.tell(Event::Waiting { stage: self.stage.into(), text: what.into() });
    }

    pub fn tell(&self, event: Event) {
        self.runner.watcher.event(event);
    }

    /// Sends a notice that the user should see.
    pub fn notice(&mut self, text: &str) {
        let text = self.log.line(text);
        self.tell(Event::Notice { stage: self.stage.into(), text });
    }

    /// Makes a failure with the tool's own error message and the place in the generated files that it refers to.
    pub fn failure(&self, what: impl Into<String>, advice: impl Into<String>) -> Stop {
        let complaint = self.log.complaint();
        let message = complaint.message.join("\n");
        let place = complaint.place.and_then(|(file, line)| Some((self.generated(&file)?, line)));
        let origin = place.map(|(file, line)| {
            let blueprint = (self.runner.setup.trace)(&file, line, &message);
            Box::new(Origin { file, line, blueprint })
        });
        let known = cause::advice(&message, &self.place());
        Stop::Failed(Box::new(Failure {
            what: what.into(),
            message: complaint.message,
            origin,
            log: Some(self.log.path().to_path_buf()),
            advice: known.unwrap_or_else(|| advice.into()),
        }))
    }

    /// Returns where the stage's tool runs.
    fn place(&self) -> cause::Place {
        let pipeline = self.runner.setup.pipeline;
        let module = pipeline.modules().find(|(stage, _)| stage.id == self.stage);
        let region = pipeline.region.clone();
        let Some((_, module)) = module else { return cause::Place { region, ..cause::Place::default() } };
        let state_region = match &module.backend {
            Backend::S3 { region, .. } => region.clone(),
            Backend::Local => String::new(),
        };
        cause::Place {
            module: module.program.dir.join(&module.dir).display().to_string(),
            terraform: module.program.program.clone(),
            region,
            state_region,
        }
    }

    /// Returns the generated file that a tool refers to by this name: relative to the module's folder, or uploaded to the builder.
    fn generated(&self, name: &str) -> Option<String> {
        match &self.runner.setup.pipeline.stages.iter().find(|stage| stage.id == self.stage)?.work {
            Work::Module(module) => Some(format!("{}/{name}", module.dir)),
            Work::Image(image) => image.contents.keys().find(|path| path.rsplit('/').next() == Some(name)).cloned(),
            Work::Verify => None,
        }
    }

    fn named(&self, invocation: &Invocation) -> NamedChild {
        self.runner.setup.interrupt.name(format!("{} ({})", invocation.title(), self.stage))
    }

    fn cannot_start(&self, invocation: &Invocation, error: &std::io::Error) -> Stop {
        self.failure(
            format!("cannot start {}: {error}", invocation.program),
            "`pgherd doctor` shows how to install what is missing",
        )
    }

    pub(super) fn env(&self, invocation: &Invocation) -> BTreeMap<String, String> {
        let mut env = self.runner.setup.env.clone();
        env.extend(invocation.env.clone());
        env.extend(temporary(self.runner.setup.root).map(|dir| ("TMPDIR".to_string(), dir.display().to_string())));
        env
    }
}
