//! `pgherd status`: shows each machine, which one is primary, which ones stream, and whether the cluster is healthy.

use std::net::IpAddr;
use std::sync::Arc;

use super::args;
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Report, Style};
use super::session::Session;
use crate::cluster::Service;
use crate::pipeline::{Expected, Platform};
use crate::run::judge::{Reach, Verdict, judge};
use crate::run::locate::HaproxyAddress;
use crate::run::observe::Observer;
use crate::run::{Consent, IgnoreEvents, Options, Outcome};
use crate::run::{drift, say};
use crate::system::{Context, clock};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::StatusArgs) -> Result<(), CommandError> {
    let session = Session::open(context, report, &options.place, Need::Location)?;
    let located = locate(&session)?;
    let (expected, access) = (&session.pipeline.expected, &session.pipeline.access);
    let observer = Observer::new(access, &expected.cluster, located.address);
    let seen = observer.with_settings(observer.look());
    let verdict = judge(expected, access, &seen);
    report.table(&table(expected, &verdict));
    report.line("");
    if !verdict.members.is_empty() && !verdict.has_primary {
        let seconds = seen.view.age(clock::now()).as_secs();
        report.line(&format!(
            "HAProxy sees no primary. Roles and states are what Patroni last knew, up to {seconds} s ago (ttl): a machine that died \
             since then is still listed as it was."
        ));
        report.line("");
    }
    if let Some(live) = &seen.settings {
        for line in say::settings(&drift::settings(expected, &live.value)) {
            report.line(&line);
        }
    }
    // A planned private address may be another machine's in the network that this one is in.
    let is_unseen = verdict.is_blind() || located.doubt.is_some() && verdict.reach != Reach::Haproxy;
    conclude(report, &verdict, is_unseen, &say::advice(&access.advice, &verdict))
}

/// Returns a row for each machine.
fn table(expected: &Expected, verdict: &Verdict) -> Vec<Vec<String>> {
    let head = ["machine", "role", "zone", "address", "postgres", "state", "timeline", "lag"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for machine in &expected.machines {
        let (role, address) = (machine.role.name().to_string(), machine.address.to_string());
        let mut row = vec![machine.name.clone(), role, machine.zone.clone(), address];
        row.extend(match verdict.member(machine) {
            // What Patroni remembers of it may be as old as its ttl.
            member if verdict.silence(machine).is_some() => {
                let was = member.map_or("-".into(), |member| format!("was {}", member.standing()));
                [was, "no response".into(), "-".into(), "-".into()]
            }
            Some(member) => {
                let timeline = member.timeline.map_or("-".to_string(), |timeline| timeline.to_string());
                [member.standing().to_string(), member.state.clone(), timeline, say::lag(member)]
            }
            None => {
                let state = match (machine.is_database(), verdict.reach) {
                    (_, Reach::OtherCluster) => "unknown",
                    (true, Reach::Haproxy) => "missing",
                    (true, Reach::Nothing | Reach::Address) => "unknown",
                    (false, Reach::Haproxy) => "running",
                    (false, Reach::Nothing | Reach::Address) => "unreachable",
                };
                ["-", state, "-", "-"].map(String::from)
            }
        });
        rows.push(row);
    }
    rows
}

fn conclude(report: &Report, verdict: &Verdict, is_unseen: bool, advice: &str) -> Result<(), CommandError> {
    if verdict.is_healthy() {
        report.line(&report.on_out(Style::Good, "healthy"));
        return Ok(());
    }
    let problems = say::problems(&verdict.problems);
    if is_unseen {
        let text = format!("the cluster cannot be reached from here: {problems}\n  {advice}");
        return Err(CommandError::Text(ErrorKind::Unseen, text));
    }
    Err(CommandError::Text(ErrorKind::Failed, format!("the cluster is not healthy: {problems}\n  {advice}")))
}

/// Prints how to reach a healthy cluster.
pub fn endpoints(session: &Session<'_>, address: IpAddr) {
    let (report, cluster) = (&session.report, &session.loaded.cluster);
    let stats = &cluster.haproxy.stats;
    let at = |service| cluster.endpoint(service, address.to_string());
    report.line("");
    report.line(&format!("write  {}", at(Service::Write).authority()));
    report.line(&format!("read   {}", at(Service::Read).authority()));
    report.line(&format!("stats  {}  user {}", at(Service::Admin).url(&stats.path), stats.user));
    let lab = match session.target.platform {
        Platform::Aws => "",
        Platform::Lab => "pgherd lab shell -- ",
    };
    let (name, region) = (&cluster.name, &cluster.region);
    report.line("");
    report.line(&format!("To read the password of the stats page, or of a database user ({name}/user/USER):"));
    report.line(&format!(
        "  {lab}aws secretsmanager get-secret-value --region {region} --secret-id {name}/stats --query SecretString --output text"
    ));
}

/// Finds where to ask. Where Terraform's state is not here, says so, and returns the planned private address.
fn locate(session: &Session<'_>) -> Result<HaproxyAddress, CommandError> {
    session.work.make_private_dir()?;
    // A run that works in this folder initialises its modules itself.
    let held = session.work.lock();
    let located = session.runner(&IgnoreEvents, &|_, _| Consent::No, Options::default()).locate(held.is_ok());
    let located = located.map_err(|outcome| match outcome {
        Outcome::Failed(failure) => {
            session.report.stage_failure(&failure);
            CommandError::Text(ErrorKind::Failed, failure.what)
        }
        _ => CommandError::interrupted(),
    })?;
    if let Some(doubt) = &located.doubt {
        session.report.say(&doubt.what);
        session.report.stage_failure(doubt);
        session.report.note(&format!("trying HAProxy's planned private address {}", located.address));
    }
    Ok(located)
}
