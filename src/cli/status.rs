//! `pgherd status`: shows each machine, which one is primary, which ones stream, and whether the cluster is healthy.

use std::sync::Arc;

use super::args::{self, Format};
use super::drill;
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Report, Style};
use super::session::Session;
use crate::cluster::{Module, Service};
use crate::pipeline::{Expected, Platform};
use crate::run::judge::{Reach, Verdict, judge};
use crate::run::locate::{self, Located};
use crate::run::observe::{self, HaproxyAddress, Observation, Observer};
use crate::run::status::ClusterStatus;
use crate::run::{Consent, IgnoreEvents, Options, Outcome};
use crate::run::{drift, say};
use crate::system::{Context, clock};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::StatusArgs) -> Result<(), CommandError> {
    let session = Session::open(context, report, &options.place, Need::Location)?;
    let located = locate(&session)?;
    drill::mention(&session)?;
    let (expected, access) = (&session.pipeline.expected, &session.pipeline.access);
    let observer = Observer::new(access, expected, &located.haproxies);
    let seen = observer.with_settings(observer.with_disks(observer.look()));
    let verdict = judge(expected, access, &seen);
    let advice = say::advice(&access.advice, &verdict);
    let status = ClusterStatus::of(expected, &seen, &verdict, &advice);
    // A planned private address may be another machine's in the network that this one is in.
    let is_unseen = verdict.is_blind() || located.doubt.is_some() && verdict.reach != Reach::Haproxy;
    if options.format == Format::Json {
        report.line(&serde_json::to_string_pretty(&status).expect("a status is JSON"));
        return conclude(&verdict, is_unseen, &advice);
    }
    report.table(&status.machines_table());
    report.line("");
    report.table(&status.etcd_table());
    report.line("");
    report.table(&status.disks_table());
    report.line("");
    report.table(&status.sources_table());
    report.line("");
    if let Some(note) = outdated(expected, &seen, &verdict) {
        report.line(&note);
        report.line("");
    }
    if let Some(live) = observe::settings(&seen) {
        for line in say::settings(&drift::settings(expected, live)) {
            report.line(&line);
        }
    }
    for line in say::warnings(&verdict.warnings) {
        report.line(&line);
    }
    if verdict.is_healthy() {
        report.line(&report.on_out(Style::Good, "healthy"));
    }
    conclude(&verdict, is_unseen, &advice)
}

/// Returns a warning if Patroni's view is older than it looks.
fn outdated(expected: &Expected, seen: &[Observation], verdict: &Verdict) -> Option<String> {
    if verdict.members.is_empty() {
        return None;
    }
    let primary = if verdict.has_primary {
        "HAProxy's own checks still find a primary: writes go on while it reaches all other Patronis (failsafe mode)."
    } else {
        "HAProxy's own checks find no primary."
    };
    if verdict.lost_majority {
        return Some(format!("Patroni's view is what it read before etcd lost its majority. {primary}"));
    }
    let ages = seen.iter().filter(|one| one.is_of(&expected.cluster)).map(|one| one.view.age(clock::now()));
    let seconds = ages.max().unwrap_or_default().as_secs();
    (!verdict.has_primary).then(|| {
        format!(
            "No HAProxy sees a primary. Roles and states are what Patroni last knew, up to {seconds} s ago (ttl): a machine that died \
             since then is still listed as it was."
        )
    })
}

fn conclude(verdict: &Verdict, is_unseen: bool, advice: &str) -> Result<(), CommandError> {
    if verdict.is_healthy() {
        return Ok(());
    }
    let problems = say::problems(&verdict.problems);
    if is_unseen {
        let text = format!("the cluster cannot be reached from here: {problems}\n  {advice}");
        return Err(CommandError::Text(ErrorKind::Unseen, text));
    }
    Err(CommandError::Text(ErrorKind::Failed, format!("the cluster is not healthy: {problems}\n  {advice}")))
}

/// Prints how to reach a healthy cluster. `nlb` is the DNS name of its network load balancer, if that is known.
pub fn endpoints(session: &Session<'_>, haproxies: &[HaproxyAddress], nlb: Option<&str>) {
    let (report, cluster) = (&session.report, &session.loaded.cluster);
    let stats = &cluster.haproxy.stats;
    report.line("");
    for (haproxy, is_first) in haproxies.iter().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
        if !is_first {
            report.line("");
        }
        let at = |service| cluster.endpoint(service, haproxy.address.to_string());
        report.line(&format!("write  {}", at(Service::Write).authority()));
        report.line(&format!("read   {}", at(Service::Read).authority()));
        report.line(&format!("stats  {}  user {}", at(Service::Admin).url(&stats.path), stats.user));
    }
    if haproxies.len() > 1 {
        let hosts: Vec<String> = haproxies.iter().map(|haproxy| haproxy.address.to_string()).collect();
        report.line("");
        report.line("Clients that know both go on with one of them, with libpq by this connection string (the cluster's README has other drivers'):");
        let (hosts, port) = (hosts.join(","), cluster.haproxy.write_port);
        report.line(&format!("  host={hosts} port={port} {}", cluster.libpq_settings()));
    }
    let lab = match session.target.platform {
        Platform::Aws => "",
        Platform::Lab => "pgherd lab shell -- ",
    };
    if cluster.nlb_name().is_some() {
        let module = session.target.root.join(Module::Haproxy.folder());
        report.line("");
        match nlb {
            Some(name) => report.line(&format!("Clients also reach both ports at the network load balancer {name}")),
            None => {
                report
                    .line("Clients also reach both ports at the network load balancer. This command prints its name:");
                report.line(&format!("  {lab}terraform -chdir={} output -raw nlb_dns_name", module.display()));
            }
        }
    }
    let (name, region) = (&cluster.name, &cluster.region);
    report.line("");
    report.line(&format!("To read the password of the stats page, or of a database user ({name}/user/USER):"));
    report.line(&format!(
        "  {lab}aws secretsmanager get-secret-value --region {region} --secret-id {name}/stats --query SecretString --output text"
    ));
}

/// Finds where to ask. Where Terraform's state is not here, says so, and returns the planned private addresses.
fn locate(session: &Session<'_>) -> Result<Located, CommandError> {
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
        let expected = &session.pipeline.expected;
        let planned = locate::planned(expected).into_iter().filter(|one| located.haproxies.contains(one));
        let planned: Vec<String> = planned.map(|one| one.address.to_string()).collect();
        session.report.note(&format!("trying HAProxy's planned private address {}", planned.join(" and ")));
    }
    Ok(located)
}
