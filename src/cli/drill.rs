//! `pgherd drill`: breaks a cluster on purpose, measures what its clients notice, and compares that with what `check` predicts.

pub mod aws;
mod chart;
mod moved;
mod page;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

pub use page::{Progress, html as drill_page};

use page::PageFile;

use super::args::{DrillArgs, Format, Wanted};
use super::error::{CommandError, ErrorKind, exit_code};
use super::need::Need;
use super::report::{OutputMode, Report};
use super::session::Session;
use crate::cluster::Cluster;
use crate::cluster::fault::Fault;
use crate::drill::events::{DrillEvent, DrillSaid, FORMAT};
use crate::drill::{
    DrillReport, FaultReport, Ground, Hold, HostReport, Series, Stopped, Traces, Trial, TrialReport, require_healthy,
    versions,
};
use crate::lab::{self, HostTools, LabGround};
use crate::pipeline::Platform;
use crate::run::locate;
use crate::run::observe::HaproxyAddress;
use crate::system::clock::Stopwatch;
use crate::system::machine::{self, MachineFacts};
use crate::system::postgres::SqlLogin;
use crate::system::{Context, clock};

/// How long `random` goes on if `--minutes` is not set.
const DEFAULT_MINUTES: u64 = 30;

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
        text::print(report, found);
    }
    done
}

/// Says what a killed drill has left broken and, on AWS, what a running drill has stopped.
pub fn mention(session: &Session<'_>) -> Result<(), CommandError> {
    match session.target.platform {
        Platform::Aws => aws::mention(session),
        Platform::Lab => {
            let names = lab::abandoned()?.join(", ");
            if !names.is_empty() {
                session.report.say(&format!(
                    "A drill was killed and left {names} broken. `pgherd drill {} --target lab --undo` repairs that.",
                    session.loaded.file.display()
                ));
            }
            Ok(())
        }
    }
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
    let series = series(context, options)?;
    let page = options.page.as_deref().map(|path| PageFile::at(context.path(path))).transpose()?;
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
    let tell = |event: DrillEvent| if stream { say(report, event) } else { text::note(report, &event) };
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
    let possible = || Fault::ALL.iter().copied().filter(|fault| !refusals.contains_key(fault)).collect();
    let (faults, trials): (Vec<Fault>, usize) = match &series {
        Series::Each { faults, trials } if faults.is_empty() => (possible(), *trials),
        Series::Each { faults, trials } => (faults.clone(), *trials),
        Series::Random { .. } => (possible(), 0),
    };
    let series = match series.seed() {
        None => Series::Each { faults: faults.clone(), trials },
        Some(_) => series,
    };
    if is_aws {
        aws::announce(&session, options, &trial, &faults)?;
    }
    let traces = || Traces::find(&*place.ground, expected, &place.login.database).map_err(|e| stopped(e.into()));
    let before = traces()?;
    let versions = versions(place.ground.as_ref(), expected, access, &place.haproxies, &place.login.database);
    let mut found = begun(context, &session, versions, series.seed());
    tell(DrillEvent::DrillBegun {
        format: FORMAT,
        cluster: cluster.name.clone(),
        target: session.target.platform.name().into(),
        faults: faults.iter().map(|fault| fault.name().to_string()).collect(),
        trials,
        seed: series.seed(),
    });
    if options.names_none() {
        found.skipped.extend(refusals.iter().map(|(fault, why)| (fault.name().to_string(), why.to_string())));
    }
    let total = series.seed().is_none().then_some(faults.len() * trials);
    if let Some(page) = &page {
        // Before anything is broken: a page that cannot be written is refused now.
        let html = page::html(&found, cluster, Progress::Running { of: total });
        page.write(&html).map_err(CommandError::unwritable(page.path()))?;
    }
    let rewrite = |found: &DrillReport, progress| {
        if let Some(page) = &page {
            report.unwritten().note("the page of the drill", page.write(&page::html(found, cluster, progress)));
        }
    };
    let mut done: BTreeMap<Fault, Vec<TrialReport>> = BTreeMap::new();
    let mut ended = Ok(());
    let watch = Stopwatch::start();
    for fault in series.faults() {
        if series.is_over(watch.elapsed()) {
            break;
        }
        if found.skipped.contains_key(fault.name()) {
            continue;
        }
        let trials = done.entry(fault).or_default();
        match trial.run(fault, trials.len() + 1) {
            Ok(one) => {
                tell(DrillEvent::TrialEnded(one.clone().into()));
                trials.push(one);
                found.add(FaultReport::of(fault.name(), fault.title(), trials.clone()));
                rewrite(&found, Progress::Running { of: total });
            }
            // Whoever names no fault means those that this cluster can have.
            Err(Stopped::Impossible(why)) if options.names_none() => {
                found.skipped.insert(fault.name().to_string(), why.to_string());
            }
            Err(e) => {
                ended = Err(stopped(e));
                break;
            }
        }
    }
    if let Err(e) = place.ground.undo() {
        ended = ended.and(Err(e.into()));
    }
    if ended.is_ok() {
        match traces() {
            Ok(after) => found.left = after.since(&before),
            Err(e) => ended = Err(e),
        }
    }
    found.held = ended.is_ok() && found.left.is_empty() && found.faults.iter().all(|fault| fault.held);
    if ended.is_ok() && !found.held {
        let text = match found.left[..] {
            [] => "the cluster did not keep its word; the report says in which trials".to_string(),
            _ => format!("the drill left something behind: {}", found.left.join(", ")),
        };
        ended = Err(CommandError::Text(ErrorKind::Failed, text));
    }
    let error = ended.as_ref().err().map(CommandError::to_string).unwrap_or_default();
    rewrite(&found, Progress::Ended { error: &error });
    if let Some(page) = &page {
        report.note(&format!("page: {}", page.path().display()));
    }
    Ok((ended, found))
}

/// Returns a report without a trial.
fn begun(
    context: &Context,
    session: &Session<'_>,
    versions: BTreeMap<String, String>,
    seed: Option<u32>,
) -> DrillReport {
    let MachineFacts { processors, memory_mib, kernel, load_hundredths } = machine::look();
    let own = ("pgherd".to_string(), env!("CARGO_PKG_VERSION").to_string());
    DrillReport {
        cluster: session.loaded.cluster.name.clone(),
        target: session.target.platform.name().into(),
        blueprint: session.loaded.file.display().to_string(),
        began: clock::rfc3339(context.now),
        host: HostReport { processors, memory_mib, kernel, load_hundredths },
        versions: versions.into_iter().chain([own]).collect(),
        seed,
        ..DrillReport::default()
    }
}

/// Returns the faults that were asked for; none if no fault was named.
fn series(context: &Context, options: &DrillArgs) -> Result<Series, CommandError> {
    let named: Vec<Fault> = options.faults.iter().filter_map(|wanted| wanted.fault()).collect();
    if !options.faults.contains(&Wanted::Random) {
        if options.seed.is_some() || options.minutes.is_some() {
            return Err(CommandError::usage("--seed and --minutes are for `random`: add it, or leave them out"));
        }
        return Ok(Series::Each { faults: named, trials: options.trials.into() });
    }
    if options.faults.len() > 1 {
        return Err(CommandError::usage(
            "`random` stands alone: it brings about every fault that the cluster can have",
        ));
    }
    if options.trials > 1 {
        return Err(CommandError::usage("`random` ends after --minutes, not --trials: leave --trials out"));
    }
    let since = context.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = options.seed.unwrap_or(since.as_secs() as u32);
    Ok(Series::Random { seed, time: Duration::from_secs(60 * options.minutes.unwrap_or(DEFAULT_MINUTES)) })
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
