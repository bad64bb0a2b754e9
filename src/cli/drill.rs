//! `pgherd drill`: breaks a cluster on purpose, measures what its clients notice, and compares that with what `check` predicts.

pub mod aws;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::args::{DrillArgs, Format};
use super::error::{CommandError, ErrorKind, exit_code};
use super::need::Need;
use super::report::{OutputMode, Report, Style};
use super::session::Session;
use crate::cluster::Cluster;
use crate::cluster::fault::Fault;
use crate::drill::events::{DrillEvent, DrillSaid, FORMAT};
use crate::drill::{
    DrillReport, FaultReport, Ground, Hold, Spread, Stopped, Trial, TrialReport, require_healthy, seconds,
};
use crate::lab::{self, HostTools, LabGround};
use crate::pipeline::Platform;
use crate::run::locate;
use crate::run::observe::HaproxyAddress;
use crate::system::postgres::SqlLogin;
use crate::system::{Context, clock};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &DrillArgs) -> Result<(), CommandError> {
    let stream = options.format == Format::Json;
    report.speak(OutputMode { quiet: options.quiet, stream });
    let drilled = match options.undo {
        true => undo(context, report, options).map(|()| None),
        false => drill(context, report, options).map(Some),
    };
    let (done, found) = match drilled {
        Ok(Some((done, found))) => (done, Some(found)),
        Ok(None) => (Ok(()), None),
        Err(e) => (Err(e), None),
    };
    if stream {
        let error = done.as_ref().err().map(CommandError::to_string).unwrap_or_default();
        say(report, DrillEvent::DrillEnded { exit_code: exit_code(&done), error, report: found });
    } else if let Some(found) = &found {
        print(report, found);
    }
    done
}

/// Undoes what a drill that was killed has left.
fn undo(context: &Context, report: &Arc<Report>, options: &DrillArgs) -> Result<(), CommandError> {
    let session = Session::open(context, report, &options.place, Need::Location)?;
    let _lock = session.take()?;
    let undone = match session.target.platform {
        Platform::Aws => aws::Ec2Access::open(&session)?.recover()?,
        Platform::Lab => {
            let undone = lab::recover(HostTools { context, interrupt: &session.interrupt })?;
            if undone {
                report.say("A drill was killed. What it broke is repaired.");
            }
            undone
        }
    };
    if !undone {
        report.note(&format!("No drill of {} has left anything to undo.", session.loaded.cluster.name));
    }
    Ok(())
}

/// Where a drill takes place.
struct DrillPlace<'a> {
    ground: Box<dyn Ground + 'a>,
    haproxies: Vec<HaproxyAddress>,
    login: SqlLogin,
}

/// Makes the trials. Returns what they found, even if something ended them early.
fn drill(
    context: &Context,
    report: &Arc<Report>,
    options: &DrillArgs,
) -> Result<(Result<(), CommandError>, DrillReport), CommandError> {
    let is_aws = options.place.target == Platform::Aws;
    if is_aws {
        aws::require_usable(options)?;
    }
    let session = Session::open(context, report, &options.place, Need::Location)?;
    let cluster = &session.loaded.cluster;
    let (expected, access) = (&session.pipeline.expected, &session.pipeline.access);
    let (database, user) = owner(cluster, options.database.as_deref())?;
    let secret = format!("{}/user/{user}", cluster.name);
    // A run must not change the cluster meanwhile.
    let _lock = session.take()?;
    // Before anything else is asked, what a killed drill broke is repaired.
    let api = if is_aws { Some(aws::Ec2Access::open(&session)?) } else { None };
    let place = match &api {
        Some(api) => {
            api.recover()?;
            let haproxies = aws::locate(&session)?;
            let login = SqlLogin { password: api.secret(&secret)?, user, database };
            DrillPlace { ground: Box::new(api.ground(haproxies.clone(), login.clone())?), haproxies, login }
        }
        None => {
            let ground = LabGround::take(HostTools { context, interrupt: &session.interrupt }, cluster)?;
            let login = SqlLogin { password: ground.secret(&secret)?, user, database };
            DrillPlace { ground: Box::new(ground), haproxies: locate::planned(expected), login }
        }
    };
    let stopped = |stopped: Stopped| match stopped {
        Stopped::Interrupted => CommandError::Text(ErrorKind::Interrupted, stopped.text(access)),
        // A tool that the interrupt ended has not failed by itself.
        Stopped::Failed(_) if session.interrupt.is_raised() => {
            CommandError::Text(ErrorKind::Interrupted, Stopped::Interrupted.text(access))
        }
        _ => CommandError::Text(ErrorKind::Failed, stopped.text(access)),
    };
    require_healthy(expected, access, &place.haproxies).map_err(stopped)?;
    let stream = options.format == Format::Json;
    let tell = |event: DrillEvent| if stream { say(report, event) } else { note(report, &event) };
    let trial = Trial {
        cluster,
        expected,
        access,
        ground: &*place.ground,
        haproxies: &place.haproxies,
        login: &place.login,
        hold: options.hold.map_or(Hold::UntilBound, |seconds| Hold::For(Duration::from_secs(seconds))),
        interrupt: &session.interrupt,
        tell: &tell,
    };
    let refusals = Fault::ALL.iter().filter_map(|fault| Some((*fault, place.ground.refuses(*fault)?)));
    let refusals: BTreeMap<Fault, &str> = refusals.collect();
    let faults: Vec<Fault> = match options.faults.is_empty() {
        true => Fault::ALL.iter().copied().filter(|fault| !refusals.contains_key(fault)).collect(),
        false => options.faults.clone(),
    };
    if is_aws {
        aws::announce(&session, options, &trial, &faults)?;
    }
    tell(DrillEvent::DrillBegun {
        format: FORMAT,
        cluster: cluster.name.clone(),
        target: session.target.platform.name().into(),
        faults: faults.iter().map(|fault| fault.name().to_string()).collect(),
        trials: options.trials.into(),
    });
    let (mut all, mut skipped) = (vec![], BTreeMap::new());
    if options.faults.is_empty() {
        skipped.extend(refusals.iter().map(|(fault, why)| (fault.name().to_string(), why.to_string())));
    }
    let mut ended = Ok(());
    'faults: for fault in &faults {
        let mut trials = vec![];
        for number in 1..=options.trials.into() {
            match trial.run(*fault, number) {
                Ok(found) => {
                    tell(DrillEvent::TrialEnded(found.clone()));
                    trials.push(found);
                }
                // Whoever asks for all faults means those that this cluster can have.
                Err(Stopped::Impossible(why)) if options.faults.is_empty() => {
                    skipped.insert(fault.name().to_string(), why.to_string());
                    break;
                }
                Err(e) => {
                    ended = Err(stopped(e));
                    break;
                }
            }
        }
        if !trials.is_empty() {
            all.push(FaultReport::of(fault.name(), fault.title(), trials));
        }
        if ended.is_err() {
            break 'faults;
        }
    }
    place.ground.undo()?;
    let held = ended.is_ok() && all.iter().all(|fault| fault.held);
    if ended.is_ok() && !held {
        let text = "the cluster did not keep its word; the report says in which trials";
        ended = Err(CommandError::Text(ErrorKind::Failed, text.into()));
    }
    let (cluster, target) = (cluster.name.clone(), session.target.platform.name().to_string());
    Ok((ended, DrillReport { cluster, target, began: clock::rfc3339(context.now), faults: all, skipped, held }))
}

/// Returns the database of the clients' rows and its owner, who may make a schema in it.
fn owner(cluster: &Cluster, wanted: Option<&str>) -> Result<(String, String), CommandError> {
    let databases = &cluster.postgres.databases;
    let found = match wanted {
        None => databases.first(),
        Some(name) => databases.iter().find(|database| database.name == name),
    };
    match (found, wanted) {
        (Some(database), _) => Ok((database.name.clone(), database.owner.clone())),
        (None, Some(name)) => {
            let names: Vec<&str> = databases.iter().map(|database| database.name.as_str()).collect();
            Err(CommandError::usage(format!("the blueprint has no database {name}, only {}", names.join(", "))))
        }
        (None, None) => Err(CommandError::usage(
            "a drill writes rows as the owner of a database, and the blueprint has no database: set `users` and `databases` in postgres",
        )),
    }
}

/// Prints an event for programs.
fn say(report: &Report, event: DrillEvent) {
    let said = DrillSaid { at: clock::rfc3339(clock::now()), event };
    let line = serde_json::to_string(&said).unwrap_or_default();
    report.unwritten().note("events to standard output", writeln!(io::stdout(), "{line}"));
}

/// Prints an event for people.
fn note(report: &Report, event: &DrillEvent) {
    let text = match event {
        DrillEvent::DrillBegun { faults, trials, .. } => {
            format!("drill: {}; trials of each: {trials}", faults.join(", "))
        }
        DrillEvent::TrialBegun { fault, trial, primary } => {
            format!("{fault}, trial {trial}: clients are writing; {primary} is primary")
        }
        DrillEvent::FaultInjected { fault, machines, hold_ms } => {
            let machines = machines.join(", ");
            match hold_ms {
                0 => format!("{fault}: happens now on {machines}"),
                ms => format!("{fault}: happens now on {machines}, for {}", seconds(*ms)),
            }
        }
        DrillEvent::FaultUndone { fault, .. } => format!("{fault}: undone; waiting until the cluster is healthy"),
        DrillEvent::TrialEnded(trial) => ended(trial),
        DrillEvent::DrillEnded { .. } => return,
    };
    report.note(&text);
}

fn ended(trial: &TrialReport) -> String {
    let TrialReport { fault, trial: number, writes_stopped_ms, acknowledged, .. } = trial;
    let stopped = seconds(*writes_stopped_ms);
    let broken = trial.broken();
    let verdict = if broken.is_empty() { "held".to_string() } else { format!("NOT HELD: {}", broken.join("; ")) };
    format!("{fault}, trial {number}: writes stopped for {stopped}, {acknowledged} rows acknowledged: {verdict}")
}

/// Prints the report for people.
fn print(report: &Report, found: &DrillReport) {
    for (fault, why) in &found.skipped {
        report.line(&format!("{fault} was skipped: {why}"));
    }
    if found.faults.is_empty() {
        return;
    }
    let head = [
        "fault",
        "trials",
        "writes stopped",
        "bound",
        "reads stopped",
        "stale",
        "lost",
        "phantom",
        "healthy after",
        "verdict",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(found.faults.iter().map(|fault| {
        let verdict =
            if fault.held { report.on_out(Style::Good, "held") } else { report.on_out(Style::Bad, "not held") };
        vec![
            fault.fault.clone(),
            fault.trials.len().to_string(),
            spread(fault.writes_stopped_ms, fault.trials.len()),
            fault.bound_ms.map_or("until repaired".to_string(), seconds),
            spread(fault.reads_stopped_ms, fault.trials.len()),
            seconds(fault.stalest_ms),
            fault.lost.to_string(),
            fault.phantoms.to_string(),
            seconds(fault.healthy_after_ms.max),
            verdict,
        ]
    }));
    report.table(&rows);
    for trial in found.faults.iter().flat_map(|fault| &fault.trials) {
        report.line("");
        let name = format!("{}, trial {}", trial.fault, trial.trial);
        report.line(&report.on_out(Style::Bold, &name));
        for line in details(trial) {
            report.line(&format!("  {line}"));
        }
        for broken in trial.broken() {
            report.line(&format!("  {}", report.on_out(Style::Bad, &broken)));
        }
    }
    report.line("");
    if found.held {
        report.line(&report.on_out(Style::Good, "The cluster kept its word in every trial."));
    }
}

/// Returns what is worth knowing of a trial besides its figures in the table.
fn details(trial: &TrialReport) -> Vec<String> {
    let moved = match trial.primary_before == trial.primary_after {
        true => format!("primary {} throughout", trial.primary_after),
        false => format!("primary {} before, {} after", trial.primary_before, or_none(&trial.primary_after)),
    };
    let mut lines = vec![
        format!("harmed {} for {}; {moved}", trial.machines.join(", "), seconds(trial.lasted_ms)),
        format!("{} rows acknowledged, {} reads", trial.acknowledged, trial.reads),
    ];
    if let Some(machine) = &trial.stalest_machine {
        lines.push(format!("the stalest read came from {machine}: {}", seconds(trial.stalest_ms)));
    }
    lines.extend(trial.until.iter().map(|until| format!("`check` predicts that writes stop until {until}")));
    for (client, errors) in &trial.errors {
        let total: usize = errors.values().sum();
        let each: Vec<String> = errors.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        lines.push(format!("{client}: {total} errors ({})", each.join("; ")));
    }
    lines
}

fn or_none(name: &str) -> &str {
    if name.is_empty() { "none" } else { name }
}

fn spread(figures: Spread, trials: usize) -> String {
    match trials {
        1 => seconds(figures.max),
        _ => format!("{} / {} / {}", seconds(figures.min), seconds(figures.median), seconds(figures.max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint;
    use crate::cluster::resolve;

    fn cluster(postgres: &str) -> Cluster {
        let text = format!("cluster \"herd\" {{\n region = \"eu-west-1\"\n postgres {{\n {postgres}\n }}\n}}");
        resolve(&blueprint::parse("herd.hcl", &text).expect("a blueprint"))
    }

    #[test]
    fn clients_log_in_as_the_owner_of_a_database() {
        let two = cluster("users = [\"a\", \"b\"]\n databases = { one = \"a\", two = \"b\" }");
        let of = |name| owner(&two, name).map_err(|e| e.to_string());
        assert_eq!(of(None), Ok(("one".to_string(), "a".to_string())));
        assert_eq!(of(Some("two")), Ok(("two".to_string(), "b".to_string())));
        assert_eq!(of(Some("three")), Err("the blueprint has no database three, only one, two".to_string()));
        let none = owner(&cluster(""), None).map_err(|e| (e.kind(), e.to_string()));
        assert!(matches!(none, Err((ErrorKind::Usage, text)) if text.contains("has no database")));
    }
}
