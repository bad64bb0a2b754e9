//! `pgherd run`: from generated files to a cluster that is whole.

use std::sync::Arc;
use std::time::Duration;

use super::args::{self, Graph, Stages};
use super::failure::{Failure, Kind};
use super::report::{Progress, Report, Style};
use super::session::{self, Need, Session};
use super::status;
use crate::pipeline::{Selection, Work};
use crate::run::review::Review;
use crate::run::{Consent, Outcome, environment};
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
    let asks = session.is_aws() && !options.yes && !options.plan_only;
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
    if options.plan_only {
        let review = look(session)?;
        show(session, &review);
        if review.is_empty() {
            report.line("nothing is to be changed");
            return Ok(());
        }
        return Err(Failure::Said(Kind::Drift));
    }
    let review = if asks { Some(agree(session, &options.confirm)?) } else { None };
    let (outcomes, address) = Progress::during(report, &session.ids(), |progress| {
        let consent = |stage: &str, plan: &PlanSummary| {
            if asks {
                consent(session, stage, plan, &options.confirm)
            } else {
                unasked(session, plan, &options.confirm)
            }
        };
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

/// Looks at what is there.
fn look(session: &Session<'_>) -> Result<Review, Failure> {
    session.report.note("looking at what is there; nothing is changed yet");
    let (review, outcomes) = Progress::during(&session.report, &session.ids(), |progress| {
        let mut runner = session.runner(progress, &|_, _| Consent::No);
        runner.stamp.push_str("-review");
        runner.review()
    });
    session.conclude(&outcomes)?;
    Ok(review)
}

/// Shows what will be.
fn show(session: &Session<'_>, review: &Review) {
    let report = &session.report;
    report.line("");
    for stage in &session.pipeline.stages {
        let id = || report.on_out(Style::Bold, &stage.id);
        match &stage.work {
            Work::Image(image) if review.images.get(&stage.id).is_some_and(Option::is_none) => {
                report.line(&format!("{}: {} will be built", id(), image.name));
            }
            Work::Module(_) => match (review.plans.get(&stage.id), review.later.get(&stage.id)) {
                (Some(Some(plan)), _) => session.show_plan(&stage.id, plan),
                (_, Some(need)) => report.line(&format!(
                    "{}: planned when {need} is there; you are asked again if that destroys anything",
                    id()
                )),
                _ => {}
            },
            _ => {}
        }
    }
    let logs = session.target.root.join(".pgherd/logs");
    if !review.is_empty() {
        report.line(&format!("\nEvery attribute of the plans is in {}", logs.display()));
    }
}

/// Shows what will be, and asks.
fn agree(session: &Session<'_>, confirmed: &[String]) -> Result<Review, Failure> {
    let review = look(session)?;
    if review.is_empty() {
        return Ok(review);
    }
    show(session, &review);
    let no = || Failure::Text(Kind::Failed, "nothing was changed, as you said".into());
    for plan in review.plans.values().flatten() {
        if !data_may_go(session, plan, confirmed)? {
            return Err(no());
        }
    }
    match session.ask("Do this? Only `yes` does:")?.as_str() {
        "yes" => Ok(review),
        _ => Err(no()),
    }
}

/// Asks for each machine whose data a plan destroys, by its name.
fn data_may_go(session: &Session<'_>, plan: &PlanSummary, confirmed: &[String]) -> Result<bool, Failure> {
    for name in plan.data_of().into_iter().filter(|name| !confirmed.iter().any(|given| given == name)) {
        let data = session.report.on_err(Style::Bad, &format!("The data of {name} is destroyed by this."));
        if session.ask(&format!("{data} Write its name ({name}) if that is meant:"))? != name {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks about a plan that could not be shown before and destroys something.
fn consent(session: &Session<'_>, stage: &str, plan: &PlanSummary, confirmed: &[String]) -> Consent {
    for (doing, address) in &plan.resources {
        let detail = plan.detail(address).map_or(String::new(), session::why);
        session.report.note(&format!("  {:>3} {address}{detail}", doing.sign()));
    }
    let question = format!("{stage}: {plan}. Do this? Only `yes` does:");
    let agreed = data_may_go(session, plan, confirmed).unwrap_or(false)
        && session.ask(&question).is_ok_and(|answer| answer == "yes");
    if agreed { Consent::Yes } else { Consent::No }
}

/// Nobody is asked: only data that was given up by name may go. The lab's is nobody's.
fn unasked(session: &Session<'_>, plan: &PlanSummary, confirmed: &[String]) -> Consent {
    let given_up = |name: &&str| !session.is_aws() || confirmed.iter().any(|given| given == name);
    match plan.data_of().into_iter().filter(|name| !given_up(name)).map(String::from).collect::<Vec<_>>() {
        names if names.is_empty() => Consent::Yes,
        names => Consent::Unconfirmed(names),
    }
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
