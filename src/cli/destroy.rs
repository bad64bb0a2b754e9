//! `pgherd destroy`: names what dies, asks, and takes it down in reverse.

use std::sync::Arc;

use super::args;
use super::failure::{Failure, Kind};
use super::report::{Progress, Report, Style};
use super::session::{Need, Session};
use crate::run::destroy::Doomed;
use crate::run::{Consent, Outcome};
use crate::system::{Context, files, terminal};
use crate::tools::aws::{self, Ami};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::Destroy) -> Result<(), Failure> {
    let mut session = Session::open(context, report, &options.place, Need::Teardown)?;
    let dir = session.work.dir();
    if !files::exists(dir) {
        return Err(Failure::usage(format!("{} is not there: nothing was made from it", dir.display())));
    }
    let asks = session.is_aws() && !options.yes;
    if asks && !terminal::can_ask() {
        return Err(Failure::usage(
            "this destroys machines and their data on AWS, and nobody is there to ask: add --yes",
        ));
    }
    let _lock = session.begin()?;
    let done = unmake(&session, options, asks);
    session.end(done.is_ok());
    done
}

fn unmake(session: &Session<'_>, options: &args::Destroy, asks: bool) -> Result<(), Failure> {
    let report = &session.report;
    let (doomed, images) = find(session, options)?;
    if doomed.is_empty() && images.is_empty() {
        report.line("nothing is there to destroy");
        return Ok(());
    }
    name(session, &doomed, &images);
    let cluster = &session.loaded.cluster.name;
    if asks
        && session.ask(&format!("This cannot be undone. Write the cluster's name ({cluster}) to destroy it:"))?
            != *cluster
    {
        return Err(Failure::Text(Kind::Failed, "nothing was destroyed".into()));
    }
    let outcomes = Progress::during(report, &session.ids(), |progress| {
        let runner = session.runner(progress, &|_, _| Consent::Yes);
        let mut outcomes = runner.destroy(&doomed);
        if outcomes.iter().all(Outcome::ok) && !images.is_empty() {
            let region = &session.loaded.cluster.region;
            let removed = runner.remove_images(&images, &|args| session.aws(args), region);
            say(report, &removed);
            outcomes.push(removed);
        }
        outcomes
    });
    session.conclude(&outcomes)?;
    report.line(&format!("{cluster} is gone"));
    Ok(())
}

fn find(session: &Session<'_>, options: &args::Destroy) -> Result<(Doomed, Vec<Ami>), Failure> {
    let report = &session.report;
    report.note("looking at what is there; nothing is changed yet");
    Progress::during(report, &session.ids(), |progress| {
        let mut runner = session.runner(progress, &|_, _| Consent::No);
        runner.stamp.push_str("-plan");
        let (doomed, outcomes) = runner.plan_destroy();
        session.conclude(&outcomes)?;
        if !options.images {
            return Ok((doomed, vec![]));
        }
        let cluster = &session.loaded.cluster;
        match runner.find_images(&session.aws(aws::images_of(&cluster.region, &cluster.name))) {
            Ok(images) => Ok((doomed, images)),
            Err(outcome) => {
                say(report, &outcome);
                session.conclude(&[outcome])?;
                Ok((doomed, vec![]))
            }
        }
    })
}

fn name(session: &Session<'_>, doomed: &Doomed, images: &[Ami]) {
    let report = &session.report;
    report.line("");
    for stage in session.pipeline.teardown() {
        if let Some(plan) = doomed.get(&stage.id) {
            session.show_plan(&stage.id, plan);
        }
    }
    if !images.is_empty() {
        report.line(&format!("{}: {}", report.on_out(Style::Bold, "images"), images.len()));
    }
    for image in images {
        report.line(&format!("    {} {} ({})", report.on_out(Style::Bad, "-"), image.name, image.id));
    }
    report.line("");
}

fn say(report: &Report, outcome: &Outcome) {
    match outcome {
        Outcome::Done(what) => report.note(&format!("images  {what}")),
        Outcome::Failed(failure) => {
            report.note(&format!("images  {}  {}", report.on_err(Style::Bad, "failed"), failure.what));
            report.stage_failure(failure);
        }
        _ => {}
    }
}
