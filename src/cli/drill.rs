//! `pgherd drill`: breaks a cluster on purpose, measures what its clients notice, and compares that with what `check` predicts.

mod chart;
mod moved;
mod page;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

pub use page::{Progress, html as drill_page};

use page::PageFile;

use super::args::{DrillArgs, Format};
use super::error::{CommandError, ErrorKind, exit_code};
use super::need::Need;
use super::report::{OutputMode, Report};
use super::session::Session;
use crate::cluster::Cluster;
use crate::cluster::fault::Fault;
use crate::drill::events::{DrillEvent, DrillSaid, FORMAT};
use crate::drill::{
    DrillReport, FaultReport, Ground as _, Hold, HostReport, Stopped, Trial, require_healthy, versions,
};
use crate::lab::{HostTools, LabGround};
use crate::pipeline::Platform;
use crate::run::locate;
use crate::system::machine::{self, MachineFacts};
use crate::system::postgres::SqlLogin;
use crate::system::{Context, clock};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &DrillArgs) -> Result<(), CommandError> {
    let stream = options.format == Format::Json;
    report.speak(OutputMode { quiet: options.quiet, stream });
    let drilled = drill(context, report, options);
    let (done, found) = match drilled {
        Ok((done, found)) => (done, Some(found)),
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

/// Makes the trials. Returns what they found, even if something ended them early.
fn drill(
    context: &Context,
    report: &Arc<Report>,
    options: &DrillArgs,
) -> Result<(Result<(), CommandError>, DrillReport), CommandError> {
    if options.place.target == Platform::Aws {
        return Err(CommandError::usage(
            "drill cannot break machines on AWS yet, only in the lab: `pgherd run BLUEPRINT --target lab` starts the cluster there, \
             `pgherd drill BLUEPRINT --target lab` drills it",
        ));
    }
    let page = options.page.as_deref().map(|path| PageFile::at(context.path(path))).transpose()?;
    let session = Session::open(context, report, &options.place, Need::Location)?;
    let cluster = &session.loaded.cluster;
    let (database, user) = owner(cluster, options.database.as_deref())?;
    session.work.make_private_dir()?;
    // A run must not change the cluster meanwhile.
    let _lock = session.work.lock()?;
    let tools = HostTools { context, interrupt: &session.interrupt };
    // Before anything else is asked: what a killed drill broke is repaired now.
    let ground = LabGround::take(tools, cluster)?;
    let (expected, access) = (&session.pipeline.expected, &session.pipeline.access);
    let stopped = |stopped: Stopped| match stopped {
        Stopped::Interrupted => CommandError::Text(ErrorKind::Interrupted, stopped.text(access)),
        // A tool that the interrupt ended has not failed by itself.
        Stopped::Failed(_) if session.interrupt.is_raised() => {
            CommandError::Text(ErrorKind::Interrupted, Stopped::Interrupted.text(access))
        }
        _ => CommandError::Text(ErrorKind::Failed, stopped.text(access)),
    };
    let haproxies = locate::planned(expected);
    require_healthy(expected, access, &haproxies).map_err(stopped)?;
    let login = SqlLogin { password: ground.secret(&format!("{}/user/{user}", cluster.name))?, user, database };
    let stream = options.format == Format::Json;
    let tell = |event: DrillEvent| if stream { say(report, event) } else { text::note(report, &event) };
    let trial = Trial {
        cluster,
        expected,
        access,
        ground: &ground,
        haproxies: &haproxies,
        login: &login,
        hold: options.hold.map_or(Hold::UntilBound, |seconds| Hold::For(Duration::from_secs(seconds))),
        interrupt: &session.interrupt,
        tell: &tell,
    };
    let faults: &[Fault] = if options.faults.is_empty() { Fault::ALL } else { &options.faults };
    let versions = versions(&ground, expected, access, &haproxies, &login.database);
    let mut found = begun(context, &session, versions);
    tell(DrillEvent::DrillBegun {
        format: FORMAT,
        cluster: cluster.name.clone(),
        target: session.target.platform.name().into(),
        faults: faults.iter().map(|fault| fault.name().to_string()).collect(),
        trials: options.trials.into(),
    });
    let total = faults.len() * usize::from(options.trials);
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
    let mut ended = Ok(());
    for fault in faults {
        let mut trials = vec![];
        for number in 1..=options.trials.into() {
            match trial.run(*fault, number) {
                Ok(one) => {
                    tell(DrillEvent::TrialEnded(one.clone().into()));
                    trials.push(one);
                    found.add(FaultReport::of(fault.name(), fault.title(), trials.clone()));
                    rewrite(&found, Progress::Running { of: total });
                }
                // Whoever asks for all faults means those that this cluster can have.
                Err(Stopped::Impossible(why)) if options.faults.is_empty() => {
                    found.skipped.insert(fault.name().to_string(), why.to_string());
                    break;
                }
                Err(e) => {
                    ended = Err(stopped(e));
                    break;
                }
            }
        }
        if ended.is_err() {
            break;
        }
    }
    if let Err(e) = ground.undo() {
        ended = ended.and(Err(e.into()));
    }
    found.held = ended.is_ok() && found.faults.iter().all(|fault| fault.held);
    if ended.is_ok() && !found.held {
        let text = "the cluster did not keep its word; the report says in which trials";
        ended = Err(CommandError::Text(ErrorKind::Failed, text.into()));
    }
    let error = ended.as_ref().err().map(CommandError::to_string).unwrap_or_default();
    rewrite(&found, Progress::Ended { error: &error });
    if let Some(page) = &page {
        report.note(&format!("page: {}", page.path().display()));
    }
    Ok((ended, found))
}

/// Returns a report without a trial.
fn begun(context: &Context, session: &Session<'_>, versions: BTreeMap<String, String>) -> DrillReport {
    let MachineFacts { processors, memory_mib, kernel, load_hundredths } = machine::look();
    let own = ("pgherd".to_string(), env!("CARGO_PKG_VERSION").to_string());
    DrillReport {
        cluster: session.loaded.cluster.name.clone(),
        target: session.target.platform.name().into(),
        blueprint: session.loaded.file.display().to_string(),
        began: clock::rfc3339(context.now),
        host: HostReport { processors, memory_mib, kernel, load_hundredths },
        versions: versions.into_iter().chain([own]).collect(),
        ..DrillReport::default()
    }
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
