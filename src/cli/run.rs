//! `pgherd run`: from generated files to a cluster that is whole.

use std::sync::Arc;
use std::time::Duration;

use super::args::{self, Graph, Stages};
use super::failure::{Failure, Kind};
use super::report::{Progress, Report, Style};
use super::session::{Need, Session};
use super::status;
use crate::pipeline::{Selection, Work};
use crate::run::review::Review;
use crate::run::{Outcome, environment};
use crate::system::{Context, terminal};
use crate::tools::terraform::PlanSummary;

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::Run) -> Result<(), Failure> {
    let shows = options.dry_run || options.graph.is_some();
    let mut session = Session::open(context, report, &options.place, if shows { Need::Commands } else { Need::Tools })?;
    let Stages { only, from, skip } = options.stages.clone();
    let selected = session.pipeline.select(&Selection { only, from, skip });
    session.pipeline = selected.map_err(|why| Failure::usage(format!("{why} (`--graph` shows them)")))?;
    match options.graph {
        Some(Graph::Text) => {
            report.table(&session.pipeline.table());
            return Ok(());
        }
        Some(Graph::Mermaid) => {
            report.line(session.pipeline.mermaid().trim_end());
            return Ok(());
        }
        None => {}
    }
    if options.dry_run {
        print_commands(&session);
        return Ok(());
    }
    let asks = session.is_aws() && !options.yes;
    if asks && !terminal::can_ask() {
        return Err(Failure::usage(
            "this changes machines on AWS, and nobody is there to ask: look at `--dry-run`, then add --yes",
        ));
    }
    let _lock = session.begin()?;
    let done = make(&session, options, asks);
    session.end(done.is_ok());
    done
}

fn make(session: &Session<'_>, options: &args::Run, asks: bool) -> Result<(), Failure> {
    let report = &session.report;
    let review = if asks { Some(agree(session)?) } else { None };
    let (outcomes, address) = Progress::during(report, &session.ids(), |progress| {
        let consent = |stage: &str, plan: &PlanSummary| !asks || consent(session, stage, plan);
        let mut runner = session.runner(progress, &consent);
        runner.jobs = options.jobs.into();
        runner.patience = Duration::from_secs(options.wait);
        if let Some(review) = review {
            runner.plans = review.plans;
            runner.images = review.images;
        }
        let outcomes = runner.run();
        let verified = session.pipeline.stages.iter().any(|stage| stage.work == Work::Verify);
        let address = (verified && outcomes.iter().all(Outcome::ok)).then(|| runner.haproxy_address());
        (outcomes, address)
    });
    session.conclude(&outcomes)?;
    if let Some(Ok(address)) = address {
        status::endpoints(session, address);
    }
    Ok(())
}

/// Shows what will be, and asks.
fn agree(session: &Session<'_>) -> Result<Review, Failure> {
    let report = &session.report;
    report.note("looking at what is there; nothing is changed yet");
    let (review, outcomes) = Progress::during(report, &session.ids(), |progress| {
        let mut runner = session.runner(progress, &|_, _| false);
        runner.stamp.push_str("-review");
        runner.review()
    });
    session.conclude(&outcomes)?;
    if review.is_empty() {
        return Ok(review);
    }
    report.line("");
    for stage in &session.pipeline.stages {
        match &stage.work {
            Work::Image(image) if review.images.get(&stage.id).is_some_and(Option::is_none) => {
                report.line(&format!("{}: {} will be built", report.on_out(Style::Bold, &stage.id), image.name));
            }
            Work::Module(_) => match (review.plans.get(&stage.id), review.later.get(&stage.id)) {
                (Some(Some(plan)), _) => session.show_plan(&stage.id, plan),
                (_, Some(need)) => {
                    let id = report.on_out(Style::Bold, &stage.id);
                    report.line(&format!(
                        "{id}: planned when {need} is there; you are asked again if that destroys anything"
                    ));
                }
                _ => {}
            },
            _ => {}
        }
    }
    let logs = session.target.root.join(".pgherd/logs");
    report.line(&format!("\nEvery attribute of the plans is in {}", logs.display()));
    match session.ask("Do this? Only `yes` does:")?.as_str() {
        "yes" => Ok(review),
        _ => Err(Failure::Text(Kind::Failed, "nothing was changed, as you said".into())),
    }
}

/// Asks about a plan that could not be shown before and destroys something.
fn consent(session: &Session<'_>, stage: &str, plan: &PlanSummary) -> bool {
    for (doing, address) in &plan.resources {
        session.report.note(&format!("  {:>3} {address}", doing.sign()));
    }
    let question = format!("{stage}: {plan}. Do this? Only `yes` does:");
    session.ask(&question).is_ok_and(|answer| answer == "yes")
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
