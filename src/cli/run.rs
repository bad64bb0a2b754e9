//! `pgherd run`: turns generated files into a healthy cluster.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::args::{self, Format, Graph, Stages};
use super::error::{CommandError, ErrorKind};
use super::foresee::foresee;
use super::need::Need;
use super::prompter::Prompter;
use super::report::{Feed, Report};
use super::session::Session;
use super::{drill, ready, states, status, telling};
use crate::cluster::{State, regions};
use crate::pipeline::{Pipeline, Selection, Stage, Work};
use crate::run::Images;
use crate::run::compare::Unseen;
use crate::run::drift::SettingDifference;
use crate::run::events::{Event, Phase};
use crate::run::review::{Build, Review};
use crate::run::scheduler::Board;
use crate::run::{Ask, Consent, Options, Reviewed, Runner, Watcher, environment};
use crate::system::{Context, terminal};
use crate::tools::plan::PlanSummary;

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::RunArgs) -> Result<(), CommandError> {
    if options.dry_run && options.telling.format == Format::Json {
        return Err(CommandError::usage(
            "--dry-run prints commands, and --format json prints the events of a run; use one of them",
        ));
    }
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
            return Err(CommandError::usage(
                "this changes machines on AWS, and there is no terminal to ask for confirmation; review the commands with --dry-run, then add --yes",
            ));
        }
        let _lock = session.begin()?;
        let settled = drill::aws::settle(&session, options.plan_only);
        let announced = settled.and_then(|()| session.announce(feed, "run", &session.pipeline.stages));
        let done = announced.and_then(|()| {
            let prompter =
                Prompter { session: &session, feed, confirmed: &options.confirm, stoppable: &options.confirm_stop };
            make(&prompter, options, asks)
        });
        session.end(done.is_ok());
        done
    })
}

/// Prints what would be run, but runs nothing.
fn show(context: &Context, report: &Arc<Report>, options: &args::RunArgs) -> Result<(), CommandError> {
    let mut session = Session::open(context, report, &options.place, Need::Commands)?;
    session.pipeline = selected(&session, options)?;
    rebuildable(&session, options)?;
    confirmable(&session, options)?;
    match options.graph {
        Some(Graph::Text) => report.table(&session.pipeline.table()),
        Some(Graph::Mermaid) => report.line(session.pipeline.mermaid().trim_end()),
        None => print_commands(&session),
    }
    Ok(())
}

/// Fails if --confirm or --confirm-stop names a machine that the cluster does not have.
fn confirmable(session: &Session<'_>, options: &args::RunArgs) -> Result<(), CommandError> {
    let known = || session.pipeline.expected.databases().map(|machine| machine.name.as_str());
    let given = [("--confirm", &options.confirm), ("--confirm-stop", &options.confirm_stop)];
    for (flag, name) in given.iter().flat_map(|(flag, names)| names.iter().map(move |name| (flag, name))) {
        if !known().any(|known| known == name.as_str()) {
            let all = known().collect::<Vec<_>>().join(", ");
            return Err(CommandError::usage(format!(
                "{flag} {name}: there is no such database machine; the machines are {all}"
            )));
        }
    }
    Ok(())
}

fn selected(session: &Session<'_>, options: &args::RunArgs) -> Result<Pipeline, CommandError> {
    let Stages { only, from, skip } = options.stages.clone();
    let selected = session.pipeline.select(&Selection { only, from, skip });
    selected.map_err(|why| CommandError::usage(format!("{why} (`--graph` lists the stages)")))
}

/// Fails if --rebuild names a role whose image is not among the stages.
fn rebuildable(session: &Session<'_>, options: &args::RunArgs) -> Result<(), CommandError> {
    let known = |role: &String| session.pipeline.images().any(|(_, image)| image.role == *role);
    match options.rebuild.iter().find(|role| !known(role)) {
        Some(role) => Err(CommandError::usage(format!(
            "--rebuild {role}: the selected stages do not include the one that builds the {role}'s image"
        ))),
        None => Ok(()),
    }
}

fn make(prompter: &Prompter<'_>, options: &args::RunArgs, asks: bool) -> Result<(), CommandError> {
    let (session, feed) = (prompter.session, prompter.feed);
    // Images alone can be built even if something is missing for the machines.
    let makes = session.pipeline.modules().next().is_some();
    // Without the bucket, not even the states can be looked for.
    let blind = session.past.as_ref().is_some_and(|past| past.is_first)
        && matches!(session.loaded.cluster.blueprint.state, State::S3 { .. });
    if makes && blind && !options.plan_only {
        foresee(session)?;
    }
    states::settle(session, feed, asks, options.plan_only)?;
    if options.plan_only {
        return plan(session, feed, options);
    }
    let consent = |stage: &str, plan: &PlanSummary| {
        if asks { prompter.consent(stage, plan) } else { prompter.unasked(stage, plan) }
    };
    let board = Arc::new(Board::new(options.jobs.into()));
    let images: Vec<Stage> = session.pipeline.images().map(|(stage, _)| stage.clone()).collect();
    let runner = thread::scope(|scope| {
        let build = |found: &Images| {
            let builder = worker(session, feed, options, &consent, &board).early(found);
            board.announce(&images);
            let images = &images;
            scope.spawn(move || builder.work(images));
        };
        let looker = looker(session, feed, options, &board);
        // Where nothing exists, the review has nothing to refuse, so images are built at the same time if they leave it a slot.
        // A region that Terraform's provider may not know is planned first.
        let bare = looker.is_bare();
        let known = regions::find(&session.loaded.cluster.region).is_some_and(|region| region.in_provider_5);
        let early = !asks && bare && known && images.len() < options.jobs.into();
        if makes && bare {
            foresee(session)?;
        }
        let review = look(session, &looker, !asks, early.then_some(&build))?;
        if makes && !bare && !blind && !review.is_empty() {
            foresee(session)?;
        }
        let review = if asks { prompter.agree(review)? } else { prompter.unattended(review)? };
        feed.event(Event::PhaseBegun { phase: Phase::Work });
        let reviewed = Reviewed { plans: review.plans, images: review.images, added: review.added };
        let runner = worker(session, feed, options, &consent, &board).after(reviewed);
        runner.run().map_err(|why| CommandError::Text(ErrorKind::Failed, why))?;
        Ok::<_, CommandError>(runner)
    })?;
    session.conclude(&board.outcomes())?;
    if session.pipeline.stages.iter().any(|stage| stage.work == Work::Verify)
        && let Ok(haproxies) = runner.haproxies()
    {
        let nlb = session.loaded.cluster.nlb_name().and_then(|_| runner.nlb_dns_name());
        status::endpoints(session, &haproxies, nlb.as_deref());
    }
    drifted(runner.differences())
}

/// Shows what would change, but changes nothing.
fn plan(session: &Session<'_>, feed: &Feed, options: &args::RunArgs) -> Result<(), CommandError> {
    let board = Arc::new(Board::new(options.jobs.into()));
    let review = look(session, &looker(session, feed, options, &board), false, None)?;
    if !review.is_empty() {
        return Err(CommandError::Reported(ErrorKind::Drift));
    }
    // Terraform plans no change, but what the databases run with was not seen.
    if let Some(Unseen { why, advice }) = &review.unseen {
        let text = format!("no change is planned, but the databases were not checked: {why}\n  {advice}");
        return Err(CommandError::Text(ErrorKind::Unseen, text));
    }
    session.report.line("No changes.");
    drifted(&review.differences)
}

/// Returns a runner that does the work and asks before it destroys data.
fn worker<'a>(
    session: &'a Session<'_>,
    feed: &'a Feed,
    options: &args::RunArgs,
    consent: &'a Ask<'a>,
    board: &Arc<Board>,
) -> Runner<'a> {
    let chosen = Options {
        jobs: options.jobs.into(),
        patience: Duration::from_secs(options.wait.into()),
        rebuild: options.rebuild.clone(),
    };
    session.runner(feed, consent, chosen).on(board)
}

/// Returns a runner for the review.
fn looker<'a>(session: &'a Session<'_>, feed: &'a Feed, options: &args::RunArgs, board: &Arc<Board>) -> Runner<'a> {
    worker(session, feed, options, &|_, _| Consent::No, board).logging_as("review")
}

/// Fails if live settings differ from the generated configuration.
fn drifted(differ: &[SettingDifference]) -> Result<(), CommandError> {
    match differ.len() {
        0 => Ok(()),
        1 => {
            Err(CommandError::Text(ErrorKind::Drift, "1 live setting differs from the generated configuration".into()))
        }
        n => Err(CommandError::Text(
            ErrorKind::Drift,
            format!("{n} live settings differ from the generated configuration"),
        )),
    }
}

fn look(
    session: &Session<'_>,
    looker: &Runner<'_>,
    unattended: bool,
    build: Option<Build<'_>>,
) -> Result<Review, CommandError> {
    looker.tell(Event::PhaseBegun { phase: Phase::Review });
    let (review, outcomes) = looker.review(build);
    ready::require_members(review.refused.as_ref())?;
    session.conclude(&outcomes)?;
    looker.tell(Event::Reviewed { later: review.later.clone(), changes: !review.is_empty(), unattended });
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
            report.line(&format!("# only if {} does not exist; the first command checks", image.name));
        }
        for invocation in invocations {
            report.line(&invocation.paste());
        }
        if stage.work == Work::Verify {
            let access = &session.pipeline.access;
            let (write, read) = (access.write.number, access.read.number);
            for haproxy in session.pipeline.expected.haproxies() {
                let url = access.admin.url(haproxy.address.into(), "/cluster");
                report.line(&format!("# checks {url}, /health, and PostgreSQL on ports {write} and {read}"));
            }
        }
    }
}
