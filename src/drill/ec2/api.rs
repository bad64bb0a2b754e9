//! EC2's API, by the AWS CLI.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::record::{self, StopRecord, StoppedMachine};
use crate::run::environment::Redactor;
use crate::run::keeper;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;
use crate::system::files;
use crate::system::process::{self, Captured, Program};
use crate::tools::power::{self, PoweredMachine, RUNNING, STOPPED};
use crate::tools::{Invocation, aws};

/// The time limit of a question. The AWS CLI tries eight times with growing pauses, which takes about a minute.
const OF_AWS: Duration = Duration::from_secs(120);
/// The time limit of a question while machines are started again. It is asked again if it fails, so it need not wait for all tries of the
/// CLI: a region's API answers within a second, and six tries fit in.
const OF_REVIVAL: Duration = Duration::from_secs(15);
/// The pause between two looks at the machines' states.
const POLL: Duration = Duration::from_millis(500);
/// How long EC2 may take to stop machines, and to start them again. A machine whose host is in trouble takes minutes.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// Error codes for an instance that no longer exists, or is about to.
const GONE: [&str; 2] = ["InvalidInstanceID.NotFound", "IncorrectInstanceState"];

/// A cluster's machines in EC2.
#[derive(Clone, Copy)]
pub struct Ec2<'a> {
    /// The region.
    pub region: &'a str,
    /// The value of the tag `pgherd:cluster`.
    pub tag: &'a str,
    /// Makes an invocation of the AWS CLI.
    pub command: &'a (dyn Fn(Vec<String>) -> Invocation + Sync),
    /// The environment of the AWS CLI.
    pub env: &'a BTreeMap<String, String>,
    /// The cluster's private folder.
    pub private: &'a Path,
    /// Tells the user something.
    pub say: &'a (dyn Fn(&str) + Sync),
}

impl Ec2<'_> {
    /// Returns the record of what is stopped.
    pub fn record(&self) -> StopRecord {
        StopRecord::new(self.private)
    }

    /// Returns the machines that run, or could run again.
    pub fn machines(&self, interrupt: &Interrupt) -> Result<Vec<PoweredMachine>> {
        self.machines_within(OF_AWS, interrupt)
    }

    fn machines_within(&self, limit: Duration, interrupt: &Interrupt) -> Result<Vec<PoweredMachine>> {
        let text = self.answer(aws::machines_of(self.region, self.tag), limit, interrupt)?;
        power::read(&text).map_err(anyhow::Error::msg)
    }

    /// Reads a password from Secrets Manager.
    pub fn secret(&self, name: &str, interrupt: &Interrupt) -> Result<String> {
        let text = self.answer(aws::secret(self.region, name), OF_AWS, interrupt);
        let text = text.with_context(|| format!("cannot read the password {name}"))?;
        // The text is not quoted in an error, because it may hold the password.
        aws::read_secret(&text).with_context(|| format!("unexpected response of get-secret-value for {name}"))
    }

    /// Asks EC2 whether it would cut these machines' power and start them again, and does neither.
    ///
    /// # Errors
    /// If it would refuse one of both.
    pub fn rehearse(&self, ids: &[String], interrupt: &Interrupt) -> Result<()> {
        for command in [power::cut(self.region, ids), power::start(self.region, ids)] {
            let title = (self.command)(command.clone()).title();
            let asked = self.ask(power::rehearse(command), OF_AWS, interrupt)?;
            let said = self.complaint(&asked.stderr);
            if asked.stderr.contains(power::WOULD_WORK) {
                continue;
            }
            let help = match asked.stderr.contains("Unknown options") {
                true => {
                    "update the AWS CLI: this version cannot stop a machine without its operating system's shutdown"
                }
                false => "`pgherd policy BLUEPRINT --for drill` prints the rights that a drill needs",
            };
            bail!("nothing was stopped, because EC2 would refuse `{title}`: {said}\n  {help}");
        }
        Ok(())
    }

    /// Cuts the power of machines, and waits until EC2 says that they have stopped. They are on record before.
    pub fn cut(&self, machines: &[StoppedMachine], interrupt: &Interrupt) -> Result<()> {
        let record = self.record();
        let mut all = record.read()?;
        all.extend(machines.iter().filter(|machine| !all.contains(machine)).cloned().collect::<Vec<_>>());
        record.write(&all)?;
        let ids: Vec<String> = machines.iter().map(|machine| machine.id.clone()).collect();
        self.change(power::cut(self.region, &ids), interrupt)?;
        let watch = Stopwatch::start();
        loop {
            let found = self.machines(interrupt)?;
            let has_stopped = |id: &String| found.iter().any(|machine| machine.id == *id && machine.state == STOPPED);
            if ids.iter().all(has_stopped) {
                return Ok(());
            }
            ensure!(watch.elapsed() < PATIENCE, "EC2 has not stopped {} in time", record::names(machines));
            ensure!(!interrupt.wait(POLL), "interrupted");
        }
    }

    /// Starts whatever is on record, and waits until EC2 says that it runs. Then nothing is on record any more. It tries at least once, and
    /// for as long as `patience`. An interrupt does not end this: it is what an interrupt leads to. But where the user has interrupted and
    /// EC2 does not list the machines, waiting brings nothing back: then it ends, and the next command starts what is on record.
    ///
    /// # Errors
    /// If something could not be started in time. It stays on record.
    pub fn revive(&self, patience: Duration, interrupt: &Interrupt) -> Result<()> {
        let record = self.record();
        let mut left = record.read()?;
        if left.is_empty() {
            return record.clear();
        }
        (self.say)(&format!("starting {} again", record::names(&left)));
        let mut revival = Revival::default();
        let watch = Stopwatch::start();
        let mut last = String::new();
        loop {
            let found = self.machines_within(OF_REVIVAL, &Interrupt::default());
            let is_silent = found.is_err();
            match found.and_then(|found| self.step(found, &mut left, &mut revival)) {
                Ok(true) => return record.clear(),
                Ok(false) => {}
                Err(e) => {
                    let text = format!("{e:#}");
                    if text != last {
                        (self.say)(&format!("still trying: {text}"));
                    }
                    last = text;
                }
            }
            if watch.elapsed() >= patience || is_silent && interrupt.is_raised() {
                break;
            }
            Interrupt::default().wait(POLL);
        }
        left.retain(|machine| !revival.has_risen(&machine.id));
        record.write(&left)?;
        let ids: Vec<&str> = left.iter().map(|machine| machine.id.as_str()).collect();
        bail!(
            "{} could not be started again: {last}\n  `aws ec2 start-instances --region {} --instance-ids {}` starts them; \
             `pgherd drill BLUEPRINT --undo` tries again and checks it",
            record::names(&left),
            self.region,
            ids.join(" ")
        )
    }

    /// Looks at the machines that are left, and starts those that can be started. Returns whether all of them run.
    fn step(&self, found: Vec<PoweredMachine>, left: &mut Vec<StoppedMachine>, revival: &mut Revival) -> Result<bool> {
        let never = Interrupt::default();
        let mut state: BTreeMap<String, String> =
            found.into_iter().map(|machine| (machine.id, machine.state)).collect();
        let missing: Vec<StoppedMachine> =
            left.iter().filter(|machine| !state.contains_key(&machine.id)).cloned().collect();
        for machine in missing {
            match self.change(power::start(self.region, std::slice::from_ref(&machine.id)), &never) {
                Err(e) if GONE.iter().any(|code| format!("{e:#}").contains(code)) => {
                    (self.say)(&format!("{} ({}) no longer exists", machine.name, machine.id));
                    left.retain(|one| *one != machine);
                }
                started => {
                    started?;
                    state.insert(machine.id, String::new());
                }
            }
        }
        let now = |machine: &StoppedMachine| state.get(&machine.id).map(String::as_str).unwrap_or_default();
        revival.look(left.iter().map(|machine| (machine.id.as_str(), now(machine))));
        // Together, so that machines that lost power together get it back together.
        let startable = revival.startable(left.iter().map(|machine| (machine.id.as_str(), now(machine))));
        if !startable.is_empty() && self.change(power::start(self.region, &startable), &never).is_ok() {
            revival.asked.extend(startable);
        } else {
            // EC2 starts all or none. One that cannot be started must not keep the others down.
            let mut failed = None;
            for id in startable {
                match self.change(power::start(self.region, std::slice::from_ref(&id)), &never) {
                    Ok(()) => revival.asked.push(id),
                    Err(e) => failed = Some(e),
                }
            }
            if let Some(e) = failed {
                return Err(e);
            }
        }
        Ok(left.iter().all(|machine| revival.has_risen(&machine.id)))
    }

    /// Runs a command that changes something. If this process is killed, the command goes on, and the next one that takes the folder
    /// waits for its end.
    fn change(&self, args: Vec<String>, interrupt: &Interrupt) -> Result<()> {
        let invocation = (self.command)(args);
        let held = files::lock_shared(&self.private.join(keeper::LOCK))?
            .context("another pgherd has taken over this folder")?;
        let (argv, env) = (invocation.argv(), self.environment(&invocation));
        let mut output = String::new();
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        let exit = process::stream(program, held, interrupt, &mut |line| output += &format!("{line}\n"))?;
        ensure!(exit.ok(), "{} failed ({exit}): {}", invocation.title(), self.complaint(&output));
        Ok(())
    }

    /// Runs a command that only reads, and returns what it prints.
    fn answer(&self, args: Vec<String>, limit: Duration, interrupt: &Interrupt) -> Result<String> {
        let title = (self.command)(args.clone()).title();
        let asked = self.ask(args, limit, interrupt)?;
        ensure!(asked.exit.ok(), "{title} failed ({}): {}", asked.exit, self.complaint(&asked.stderr));
        Ok(asked.stdout)
    }

    fn ask(&self, args: Vec<String>, limit: Duration, interrupt: &Interrupt) -> Result<Captured> {
        let invocation = (self.command)(args);
        let (argv, env) = (invocation.argv(), self.environment(&invocation));
        let program = Program { argv: &argv, dir: &invocation.dir, env: &env };
        process::ask(program, limit, interrupt).with_context(|| format!("cannot start {}", invocation.title()))
    }

    fn environment(&self, invocation: &Invocation) -> BTreeMap<String, String> {
        let mut env = self.env.clone();
        env.extend(invocation.env.clone());
        env
    }

    /// Returns the last line of an error, which is its reason, without secrets of the environment.
    fn complaint(&self, text: &str) -> String {
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no error message");
        Redactor::of(self.env).redact(last.trim())
    }
}

/// What is known of machines that are being started.
#[derive(Debug, Default)]
struct Revival {
    /// The instances whose start EC2 has accepted.
    asked: Vec<String>,
    /// The instances that were seen without power.
    down: Vec<String>,
    /// How often in succession each instance was seen running after its start was accepted.
    running: BTreeMap<String, u32>,
}

impl Revival {
    fn look<'a>(&mut self, states: impl Iterator<Item = (&'a str, &'a str)>) {
        for (id, state) in states {
            if state != RUNNING {
                self.running.remove(id);
                self.down.push(id.to_string());
            } else if self.asked.iter().any(|asked| asked == id) {
                *self.running.entry(id.to_string()).or_default() += 1;
            }
            if state == STOPPED {
                self.asked.retain(|asked| asked != id);
            }
        }
    }

    /// Returns the instances to start: none while one of them is still stopping. One that runs is started as well, because EC2's list may
    /// be some seconds old, and a start does nothing to what runs.
    fn startable<'a>(&self, states: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Vec<String> {
        let is_on_its_way = |state: &str| ![RUNNING, STOPPED].contains(&state);
        if states.clone().any(|(_, state)| is_on_its_way(state)) {
            return vec![];
        }
        let unasked = states.filter(|(id, _)| !self.asked.iter().any(|asked| asked == id));
        unasked.map(|(id, _)| id.to_string()).collect()
    }

    /// Returns whether a machine runs. EC2's list may be some seconds old, so one that was never seen without power must be seen running
    /// twice.
    fn has_risen(&self, id: &str) -> bool {
        let enough = if self.down.iter().any(|down| down == id) { 1 } else { 2 };
        self.running.get(id).is_some_and(|times| *times >= enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once, and starts what can be started. Returns what was started, and which of both run.
    fn round(revival: &mut Revival, states: [&str; 2]) -> (Vec<String>, [bool; 2]) {
        let both = || ["i-1", "i-2"].into_iter().zip(states);
        revival.look(both());
        let started = revival.startable(both());
        revival.asked.extend(started.clone());
        (started, ["i-1", "i-2"].map(|id| revival.has_risen(id)))
    }

    #[test]
    fn machines_that_stopped_together_start_together() {
        let mut revival = Revival::default();
        assert_eq!(round(&mut revival, ["stopped", "stopping"]), (vec![], [false, false]));
        let both = vec!["i-1".to_string(), "i-2".to_string()];
        assert_eq!(round(&mut revival, ["stopped", "stopped"]), (both, [false, false]));
        assert_eq!(round(&mut revival, ["pending", "pending"]), (vec![], [false, false]));
        assert_eq!(round(&mut revival, ["running", "pending"]), (vec![], [true, false]));
        assert_eq!(round(&mut revival, ["running", "running"]), (vec![], [true, true]));
    }

    /// The drill was killed just after it had sent the order to stop.
    #[test]
    fn a_machine_that_seems_to_run_is_started_and_looked_at_again() {
        let mut revival = Revival::default();
        let both = vec!["i-1".to_string(), "i-2".to_string()];
        assert_eq!(round(&mut revival, ["running", "running"]), (both, [false, false]));
        assert_eq!(round(&mut revival, ["running", "running"]), (vec![], [false, false]));
        assert_eq!(round(&mut revival, ["running", "stopping"]), (vec![], [true, false]));
        assert_eq!(round(&mut revival, ["running", "stopped"]), (vec!["i-2".to_string()], [true, false]));
        assert_eq!(round(&mut revival, ["running", "pending"]), (vec![], [true, false]));
        assert_eq!(round(&mut revival, ["running", "running"]), (vec![], [true, true]));
    }
}
