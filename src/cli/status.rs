//! `pgherd status`: each machine, who is primary, who streams, and whether all is well.

use std::net::IpAddr;
use std::sync::Arc;

use super::args;
use super::failure::{Failure, Kind};
use super::need::Need;
use super::report::{Report, Style};
use super::session::Session;
use crate::pipeline::Platform;
use crate::run::drift;
use crate::run::health::{self, Observation};
use crate::run::{Consent, Deaf, Options, Outcome};
use crate::system::Context;

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::Status) -> Result<(), Failure> {
    let session = Session::open(context, report, &options.place, Need::Seats)?;
    let address = haproxy(&session)?;
    let seen = health::observe_each(&session.pipeline.seats, address);
    let head = ["machine", "role", "zone", "address", "postgres", "state", "timeline", "lag"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for seat in &session.pipeline.seats.machines {
        let mut row = vec![seat.name.clone(), seat.role.to_string(), seat.zone.clone(), seat.address.to_string()];
        row.extend(match seen.member(seat) {
            // What Patroni remembers of it may be as old as its ttl.
            member if seen.silence(seat).is_some() => {
                let was = member.map_or("-".into(), |member| format!("was {}", member.seat()));
                [was, "no answer".into(), "-".into(), "-".into()]
            }
            Some(member) => {
                let timeline = member.timeline.map_or("-".to_string(), |timeline| timeline.to_string());
                [member.seat().to_string(), member.state.clone(), timeline, member.lag()]
            }
            None => {
                let state = match (seat.is_database(), seen.reachable) {
                    _ if seen.stranger => "unknown",
                    (true, true) => "missing",
                    (true, false) => "unknown",
                    (false, true) => "running",
                    (false, false) => "unreachable",
                };
                ["-", state, "-", "-"].map(String::from)
            }
        });
        rows.push(row);
    }
    report.table(&rows);
    report.line("");
    if !seen.members.is_empty() && !seen.has_primary {
        let ttl = session.pipeline.seats.settings.get("ttl").map_or("", String::as_str);
        report.line(&format!(
            "HAProxy sees no primary: roles and states are as Patroni last knew them, up to {ttl} s ago (ttl); a machine that died within \
             that time still shows as it was"
        ));
        report.line("");
    }
    if seen.reachable && !seen.stranger {
        for line in drift::advised(&drift::settings(&session.pipeline.seats, address)) {
            report.line(&line);
        }
    }
    let advice = seen.advice(&session.pipeline.seats);
    judge(report, &seen, &advice)
}

fn judge(report: &Report, seen: &Observation, advice: &str) -> Result<(), Failure> {
    if seen.problems.is_empty() {
        report.line(&report.on_out(Style::Good, "healthy"));
        return Ok(());
    }
    if seen.is_blind() {
        let text = format!("the cluster cannot be seen from here: {}\n  {advice}", seen.problems.join("; "));
        return Err(Failure::Text(Kind::Unseen, text));
    }
    let text = format!("the cluster is not healthy: {}\n  {advice}", seen.problems.join("; "));
    Err(Failure::Text(Kind::Failed, text))
}

/// Prints where a cluster that is whole is reached.
pub fn endpoints(session: &Session<'_>, address: IpAddr) {
    let (report, cluster) = (&session.report, &session.loaded.cluster);
    let (haproxy, stats) = (&cluster.haproxy, &cluster.haproxy.stats);
    report.line("");
    report.line(&format!("write  {address}:{}", haproxy.write_port));
    report.line(&format!("read   {address}:{}", haproxy.read_port));
    report.line(&format!("stats  http://{address}:{}{}  user {}", stats.port, stats.path, stats.user));
    let lab = match session.target.platform {
        Platform::Aws => "",
        Platform::Lab => "pgherd lab shell -- ",
    };
    let (name, region) = (&cluster.name, &cluster.region);
    report.line("");
    report.line(&format!("Its password, and likewise those of the database users ({name}/user/USER):"));
    report.line(&format!(
        "  {lab}aws secretsmanager get-secret-value --region {region} --secret-id {name}/stats --query SecretString --output text"
    ));
}

fn haproxy(session: &Session<'_>) -> Result<IpAddr, Failure> {
    if session.pipeline.seats.public_address.is_none() {
        return Ok(IpAddr::V4(session.pipeline.seats.haproxy));
    }
    session.work.make_private_dir()?;
    match session.runner(&Deaf, &|_, _| Consent::No, Options::default()).haproxy_address() {
        Ok(address) => Ok(address),
        Err(Outcome::Failed(failure)) => {
            session.report.stage_failure(&failure);
            Err(Failure::Text(Kind::Failed, failure.what))
        }
        Err(_) => Err(Failure::interrupted()),
    }
}
