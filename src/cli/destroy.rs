//! `pgherd destroy`: shows what will be destroyed, asks, and destroys it in reverse order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Feed, Report, Style};
use super::session::Session;
use super::{args, states, telling};
use crate::fileset::manifest;
use crate::run::destroy::DestroyPlans;
use crate::run::events::{Event, Phase};
use crate::run::{Consent, Options, Outcome, Watcher};
use crate::system::{Context, files, terminal};
use crate::tools::aws::{self, Ami};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::DestroyArgs) -> Result<(), CommandError> {
    telling::told(context, report, options.telling, |feed| {
        let mut session = Session::open(context, report, &options.place, Need::Teardown)?;
        session.require_credentials()?;
        let dir = session.work.dir();
        if !files::exists(dir) {
            let (dir, others) = (dir.display(), others(dir));
            return Err(CommandError::usage(format!(
                "{dir} does not exist, so this blueprint has created nothing here{others}"
            )));
        }
        let asks = session.is_aws() && !options.yes;
        if asks && !terminal::can_ask() {
            return Err(CommandError::usage(
                "this destroys machines and their data on AWS, and there is no terminal to ask for confirmation; add --yes",
            ));
        }
        let _lock = session.begin()?;
        let announced = session.announce(feed, "destroy", &session.pipeline.teardown());
        let done = announced.and_then(|()| unmake(&session, feed, options, asks));
        session.end(done.is_ok());
        done
    })
}

/// Returns a hint at the other clusters next to a missing directory. A renamed cluster keeps running under its old name.
fn others(dir: &Path) -> String {
    let beside = dir.parent().unwrap_or(dir);
    let names = files::list(beside).unwrap_or_default();
    let names: Vec<&str> = names
        .iter()
        .filter(|name| files::exists(&beside.join(name).join(manifest::PATH)))
        .map(String::as_str)
        .collect();
    match names[..] {
        [] => String::new(),
        _ => format!(
            "\n  the same folder has the clusters {}; if this cluster was renamed, destroy it under its old name",
            names.join(", ")
        ),
    }
}

fn unmake(session: &Session<'_>, feed: &Feed, options: &args::DestroyArgs, asks: bool) -> Result<(), CommandError> {
    let report = &session.report;
    states::settle(session, feed, asks, false)?;
    let (doomed, images) = find(session, feed, options)?;
    let changes = !(doomed.is_empty() && images.is_empty());
    feed.event(Event::Reviewed { later: BTreeMap::new(), changes, unattended: !asks });
    if !changes {
        session.conclude(&session.runner(feed, &|_, _| Consent::No, Options::default()).sweep_builders())?;
        report.line("There is nothing to destroy.");
        return Ok(());
    }
    name(session, &images);
    let cluster = &session.loaded.cluster.name;
    if asks {
        feed.event(Event::ConfirmationNeeded { stage: String::new(), data_of: vec![cluster.clone()], stops: vec![] });
        let question = format!("This cannot be undone. Type the cluster's name ({cluster}) to destroy it:");
        if session.ask(&question)? != *cluster {
            return Err(CommandError::Text(ErrorKind::Failed, "aborted; nothing was destroyed".into()));
        }
    }
    feed.event(Event::PhaseBegun { phase: Phase::Work });
    let runner = session.runner(feed, &|_, _| Consent::Yes, Options::default());
    let mut outcomes = runner.destroy(&doomed);
    outcomes.extend(runner.sweep_builders());
    if outcomes.iter().all(Outcome::ok) && !images.is_empty() {
        let region = &session.loaded.cluster.region;
        outcomes.push(runner.remove_images(&images, &|args| session.aws(args), region));
    }
    session.conclude(&outcomes)?;
    report.line(&format!("{cluster} was destroyed."));
    Ok(())
}

fn find(
    session: &Session<'_>,
    feed: &Feed,
    options: &args::DestroyArgs,
) -> Result<(DestroyPlans, Vec<Ami>), CommandError> {
    feed.event(Event::PhaseBegun { phase: Phase::Review });
    let runner = session.runner(feed, &|_, _| Consent::No, Options::default()).logging_as("plan");
    let (doomed, outcomes) = runner.plan_destroy();
    session.conclude(&outcomes)?;
    if !options.images {
        return Ok((doomed, vec![]));
    }
    let cluster = &session.loaded.cluster;
    match runner.find_images(&session.aws(aws::images_of(&cluster.region, cluster.tag()))) {
        Ok(images) => Ok((doomed, images)),
        Err(outcome) => session.conclude(&[outcome]).map(|()| (doomed, vec![])),
    }
}

fn name(session: &Session<'_>, images: &[Ami]) {
    let report = &session.report;
    if !images.is_empty() {
        report.line(&format!("{}: {}", report.on_out(Style::Bold, "images"), images.len()));
    }
    for image in images {
        report.line(&format!("    {} {} ({})", report.on_out(Style::Bad, "-"), image.name, image.id));
    }
    report.line("");
}
