//! What `pgherd drill` does on AWS besides the trials: it refuses what EC2 cannot do, announces what it stops, asks, and starts again
//! what a killed drill has stopped.

use std::path::PathBuf;

use super::{DrillArgs, Wanted};
use crate::cli::error::{CommandError, ErrorKind};
use crate::cli::ready;
use crate::cli::report::Style;
use crate::cli::session::Session;
use crate::cluster::fault::Fault;
use crate::drill::ec2::{Ec2, Ec2Ground, PATIENCE, StopRecord, StoppedMachine, names, refusal};
use crate::drill::{Stopped, Trial, seconds};
use crate::run::observe::HaproxyAddress;
use crate::run::{Consent, IgnoreEvents, Options, Outcome, prerequisites};
use crate::system::postgres::SqlLogin;
use crate::system::{files, terminal};
use crate::tools::Invocation;
use crate::workspace::PRIVATE;

/// Refuses what is wrong with the command line, before anything is asked.
pub fn require_usable(options: &DrillArgs) -> Result<(), CommandError> {
    if let Some((fault, why)) =
        options.faults.iter().find_map(|wanted| wanted.fault().and_then(|fault| Some((fault, refusal(fault)?))))
    {
        return Err(CommandError::usage(format!(
            "{} is not possible on AWS: {why}\n  On AWS a drill can bring about {}. In the lab, every fault is possible",
            fault.name(),
            possible().map(Fault::name).collect::<Vec<_>>().join(", ")
        )));
    }
    if !options.yes && !terminal::can_ask() {
        return Err(CommandError::usage(
            "a drill stops machines on AWS, and there is no terminal to ask for confirmation; add --yes",
        ));
    }
    Ok(())
}

fn possible() -> impl Iterator<Item = Fault> {
    Fault::ALL.iter().copied().filter(|fault| refusal(*fault).is_none())
}

/// What EC2's API is asked with.
pub struct Ec2Access<'s> {
    session: &'s Session<'s>,
    command: Box<dyn Fn(Vec<String>) -> Invocation + Sync + 's>,
    say: Box<dyn Fn(&str) + Sync + 's>,
    private: PathBuf,
}

impl<'s> Ec2Access<'s> {
    /// Checks the AWS CLI and the credentials.
    pub fn open(session: &'s Session<'s>) -> Result<Self, CommandError> {
        ready::require(&session.report, &[prerequisites::aws_cli(session.context)], &session.interrupt)?;
        session.require_credentials()?;
        Ok(Ec2Access::of(session))
    }

    fn of(session: &'s Session<'s>) -> Self {
        let Session { pipeline, context, report, .. } = session;
        let dir = if files::exists(&session.target.root) { session.target.root.clone() } else { context.cwd.clone() };
        Ec2Access {
            session,
            command: Box::new(move |args| Invocation { dir: dir.clone(), ..pipeline.aws(args) }),
            say: Box::new(move |text| report.say(text)),
            private: session.target.root.join(PRIVATE),
        }
    }

    fn ec2(&self) -> Ec2<'_> {
        let cluster = &self.session.loaded.cluster;
        Ec2 {
            region: &cluster.region,
            tag: cluster.tag(),
            command: &*self.command,
            env: &self.session.env,
            private: &self.private,
            say: &*self.say,
        }
    }

    /// Starts what a killed drill has stopped. Returns whether there was anything. The caller holds the lock of the folder.
    pub fn recover(&self) -> Result<bool, CommandError> {
        let left = self.ec2().record().read()?;
        if left.is_empty() {
            return Ok(false);
        }
        self.session.report.say(&format!("A drill was killed while {} had no power.", names(&left)));
        self.ec2().revive(PATIENCE, &self.session.interrupt)?;
        self.session.report.say("What it stopped runs again.");
        Ok(true)
    }

    /// Takes the right to stop the cluster's machines.
    pub fn ground(&self, haproxies: Vec<HaproxyAddress>, login: SqlLogin) -> Result<Ec2Ground<'_>, CommandError> {
        let Session { pipeline, interrupt, .. } = self.session;
        self.told(Ec2Ground::take(self.ec2(), &pipeline.expected, &pipeline.access, haproxies, login, interrupt))
    }

    /// Reads a password.
    pub fn secret(&self, name: &str) -> Result<String, CommandError> {
        self.told(self.ec2().secret(name, &self.session.interrupt))
    }

    /// What the user interrupts has not failed by itself.
    fn told<T>(&self, done: anyhow::Result<T>) -> Result<T, CommandError> {
        done.map_err(|e| if self.session.interrupt.is_raised() { CommandError::interrupted() } else { e.into() })
    }
}

/// Returns the HAProxies' addresses. They must be certain: behind a planned private address may be another cluster.
pub fn locate(session: &Session<'_>) -> Result<Vec<HaproxyAddress>, CommandError> {
    let runner = session.runner(&IgnoreEvents, &|_, _| Consent::No, Options::default());
    match runner.locate(true) {
        Ok(found) => match found.doubt {
            None => Ok(found.haproxies),
            Some(doubt) => {
                session.report.stage_failure(&doubt);
                Err(CommandError::Text(ErrorKind::Failed, doubt.what))
            }
        },
        Err(Outcome::Failed(failure)) => {
            session.report.stage_failure(&failure);
            Err(CommandError::Text(ErrorKind::Failed, failure.what))
        }
        Err(_) => Err(CommandError::interrupted()),
    }
}

/// Says what a drill will stop, for how long, and what `check` predicts, and what it leaves out. Asks for the cluster's name.
pub fn announce(
    session: &Session<'_>,
    options: &DrillArgs,
    trial: &Trial<'_>,
    faults: &[Fault],
) -> Result<(), CommandError> {
    let (report, cluster) = (&session.report, &session.loaded.cluster.name);
    report.say(&format!("This drill cuts the power of machines of {cluster} on AWS, and starts them again:"));
    for fault in faults {
        let what = match trial.target_now(*fault) {
            Ok(target) => {
                let bound = match target.prediction.until {
                    Some(until) => format!("`check` predicts no writes until {until}"),
                    None => match target.prediction.bound() {
                        None | Some(0) => "`check` predicts that writes go on".to_string(),
                        Some(ms) => format!("`check` predicts at most {} without writes", seconds(ms.into())),
                    },
                };
                let (machines, hold) = (target.victims.join(", "), target.hold.as_secs());
                format!("stops {machines} for {hold} s, plus the time that EC2 needs; {bound}")
            }
            Err(Stopped::Impossible(why)) => format!("cannot happen now: {why}"),
            Err(stopped) => return Err(CommandError::Text(ErrorKind::Failed, stopped.text(trial.access))),
        };
        report.say(&format!("  {}: {what}", report.on_err(Style::Bold, fault.name())));
    }
    report.say(&format!(
        "Each happens {}, with the roles of that moment. Everybody who uses {cluster} feels it. If EC2 has no capacity for a machine's \
         type, the machine stays down until it has.",
        match options.trials {
            _ if options.faults.contains(&Wanted::Random) => "again and again until the time is over".into(),
            1 => "once".into(),
            trials => format!("{trials} times"),
        }
    ));
    if options.names_none() {
        report.say("Left out, because EC2's API cannot do it:");
        for (fault, why) in Fault::ALL.iter().filter_map(|fault| Some((fault, refusal(*fault)?))) {
            report.say(&format!("  {}: {why}", fault.name()));
        }
    }
    if !options.yes && session.ask(&format!("Type the cluster's name ({cluster}) to stop its machines:"))? != *cluster {
        return Err(CommandError::Text(ErrorKind::Failed, "aborted; nothing was stopped".into()));
    }
    Ok(())
}

/// Says what a drill has stopped and not started again, if there is anything.
pub fn mention(session: &Session<'_>) -> Result<(), CommandError> {
    let left = left(session)?;
    if !left.is_empty() {
        let stopped = names(&left);
        session.report.say(&match session.work.lock() {
            Err(_) => format!("A drill has cut the power of {stopped}. It will start what it stopped."),
            Ok(_) => killed(session, &stopped),
        });
    }
    Ok(())
}

/// Starts what a killed drill has stopped; only says what that is if `only_looks`. The caller holds the lock of the folder.
pub fn settle(session: &Session<'_>, only_looks: bool) -> Result<(), CommandError> {
    let left = left(session)?;
    if !left.is_empty() && only_looks {
        session.report.say(&killed(session, &names(&left)));
    } else if !left.is_empty() {
        Ec2Access::of(session).recover()?;
    }
    Ok(())
}

fn left(session: &Session<'_>) -> Result<Vec<StoppedMachine>, CommandError> {
    Ok(StopRecord::new(&session.target.root.join(PRIVATE)).read()?)
}

fn killed(session: &Session<'_>, stopped: &str) -> String {
    let words = session.loaded.words();
    format!(
        "A drill was killed while {stopped} had no power. `pgherd drill {words} --undo` starts what it stopped, and so does `pgherd run \
         {words}`."
    )
}
