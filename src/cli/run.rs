//! `pgherd run`: from generated files to a cluster that is whole.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::args::{self, Graph, Stages};
use super::asking::Asking;
use super::failure::{Failure, Kind};
use super::report::{Feed, Report};
use super::session::{Need, Session};
use super::{status, telling};
use crate::pipeline::{Pipeline, Selection, Work};
use crate::run::events::{Event, Phase};
use crate::run::review::Review;
use crate::run::{Consent, Watcher, environment};
use crate::system::{Context, terminal};
use crate::tools::terraform::PlanSummary;

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::Run) -> Result<(), Failure> {
    if options.dry_run || options.graph.is_some() {
        return show(context, report, options);
    }
    telling::told(context, report, options.telling, |feed| {
        let mut session = Session::open(context, report, &options.place, Need::Tools)?;
        session.pipeline = selected(&session, options)?;
        rebuildable(&session, options)?;
        confirmable(&session, options)?;
        session.require_credentials()?;
        let asks = session.is_aws() && !options.yes && !options.plan_only;
        if asks && !terminal::can_ask() {
            return Err(Failure::usage(
                "this changes machines on AWS, and nobody is there to ask: look at `--dry-run`, then add --yes",
            ));
        }
        let _lock = session.begin()?;
        let done = session.announce(feed, "run", &session.pipeline.stages).and_then(|()| {
            let asking = Asking { session: &session, feed, confirmed: &options.confirm };
            make(&asking, options, asks)
        });
        session.end(done.is_ok());
        done
    })
}

/// What would be run, and nothing is.
fn show(context: &Context, report: &Arc<Report>, options: &args::Run) -> Result<(), Failure> {
    let mut session = Session::open(context, report, &options.place, Need::Commands)?;
    session.pipeline = selected(&session, options)?;
    match options.graph {
        Some(Graph::Text) => report.table(&session.pipeline.table()),
        Some(Graph::Mermaid) => report.line(session.pipeline.mermaid().trim_end()),
        None => print_commands(&session),
    }
    Ok(())
}

/// Machines whose data may go must be the cluster's.
fn confirmable(session: &Session<'_>, options: &args::Run) -> Result<(), Failure> {
    let known =
        || session.pipeline.seats.machines.iter().filter(|seat| seat.is_database()).map(|seat| seat.name.as_str());
    match options.confirm.iter().find(|name| !known().any(|known| known == name.as_str())) {
        Some(name) => {
            let all = known().collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!("--confirm {name}: no database machine has that name; there are {all}")))
        }
        None => Ok(()),
    }
}

fn selected(session: &Session<'_>, options: &args::Run) -> Result<Pipeline, Failure> {
    let Stages { only, from, skip } = options.stages.clone();
    let selected = session.pipeline.select(&Selection { only, from, skip });
    selected.map_err(|why| Failure::usage(format!("{why} (`--graph` shows them)")))
}

/// An image that is to be rebuilt must be among the stages.
fn rebuildable(session: &Session<'_>, options: &args::Run) -> Result<(), Failure> {
    let known = |role: &String| session.pipeline.images().any(|(_, image)| image.role == *role);
    match options.rebuild.iter().find(|role| !known(role)) {
        Some(role) => Err(Failure::usage(format!("--rebuild {role}: no image of the {role} is among the stages"))),
        None => Ok(()),
    }
}

fn make(asking: &Asking<'_>, options: &args::Run, asks: bool) -> Result<(), Failure> {
    let (session, feed) = (asking.session, asking.feed);
    let report = &session.report;
    let review = look(session, feed, options, !asks && !options.plan_only)?;
    if options.plan_only {
        if review.is_empty() {
            report.line("nothing is to be changed");
            return drifted(&review.drift);
        }
        return Err(Failure::Said(Kind::Drift));
    }
    let review = if asks { asking.agree(review)? } else { asking.unattended(review)? };
    feed.event(Event::PhaseBegun { phase: Phase::Work });
    let consent = |stage: &str, plan: &PlanSummary| {
        if asks { asking.consent(stage, plan) } else { asking.unasked(stage, plan) }
    };
    let mut runner = session.runner(feed, &consent);
    runner.jobs = options.jobs.into();
    runner.rebuild.clone_from(&options.rebuild);
    runner.patience = Duration::from_secs(options.wait);
    runner.plans = review.plans;
    runner.images = review.images;
    let outcomes = runner.run();
    session.conclude(&outcomes)?;
    if session.pipeline.stages.iter().any(|stage| stage.work == Work::Verify)
        && let Ok(address) = runner.haproxy_address()
    {
        status::endpoints(session, address);
    }
    drifted(&runner.drift.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The cluster is whole, and not as it was generated.
fn drifted(differ: &[String]) -> Result<(), Failure> {
    match differ.len() {
        0 => Ok(()),
        1 => Err(Failure::Text(Kind::Drift, "1 setting runs otherwise than it is generated".into())),
        n => Err(Failure::Text(Kind::Drift, format!("{n} settings run otherwise than they are generated"))),
    }
}

/// Looks at what is there.
fn look(session: &Session<'_>, feed: &Feed, options: &args::Run, unattended: bool) -> Result<Review, Failure> {
    feed.event(Event::PhaseBegun { phase: Phase::Review });
    let mut runner = session.runner(feed, &|_, _| Consent::No);
    runner.stamp.push_str("-review");
    runner.jobs = options.jobs.into();
    runner.rebuild.clone_from(&options.rebuild);
    let (review, outcomes) = runner.review();
    session.conclude(&outcomes)?;
    feed.event(Event::Reviewed { later: review.later.clone(), changes: !review.is_empty(), unattended });
    Ok(review)
}

fn print_commands(session: &Session<'_>) {
    let report = &session.report;
    if session.is_aws() && environment::uses_seed_names(session.context) {
        report.line("export AWS_ACCESS_KEY_ID=\"$AWS_ACCESS_KEY\" AWS_SECRET_ACCESS_KEY=\"$AWS_SECRET_KEY\"");
    }
    let private = session.target.root.join(".pgherd/plans").display().to_string();
    report.line(&format!("mkdir -p {}", crate::tools::invocation::quote(&private)));
    for (stage, invocations) in session.pipeline.invocations() {
        let needs = if stage.needs.is_empty() { String::new() } else { format!(" (after {})", stage.needs.join(", ")) };
        report.line(&format!("# {}{needs}", stage.id));
        if let Work::Image(image) = &stage.work {
            report.line(&format!("# only if {} does not exist, which the first command asks", image.name));
        }
        for invocation in invocations {
            report.line(&invocation.paste());
        }
        if stage.work == Work::Verify {
            let seats = &session.pipeline.seats;
            let (at, write, read) =
                (format!("{}:{}", seats.haproxy, seats.admin_port), seats.write_port, seats.read_port);
            report.line(&format!("# asks http://{at}/cluster and /health, and PostgreSQL on ports {write} and {read}"));
        }
    }
}
