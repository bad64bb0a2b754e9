//! What AWS would refuse in the middle of a run, said before it begins.

use super::failure::{Failure, Kind};
use super::report::Style;
use super::session::{Session, interrupted};
use crate::pipeline::preflight::{self, Lack, region};
use crate::run::foresight;

/// Asks AWS, and fails with all that is missing at once.
pub fn foresee(session: &Session<'_>) -> Result<(), Failure> {
    let cluster = &session.loaded.cluster;
    let command = |args| session.aws(args);
    // moto knows no quotas of EC2.
    let questions = preflight::questions(cluster, session.is_aws());
    let answers = foresight::ask(questions, &command, &session.env, &session.interrupt);
    if session.interrupt.is_raised() {
        return Err(interrupted());
    }
    let verdict = preflight::judge(cluster, &answers);
    for notice in &verdict.notices {
        session.report.note(notice);
    }
    lacking(session, &verdict.lacks)
}

/// Says what AWS has against the region, where it is one that may not be there, or not for this account.
pub fn region(session: &Session<'_>) -> Result<(), Failure> {
    let name = &session.loaded.cluster.region;
    let Some(question) = region::question(name) else { return Ok(()) };
    let answer = foresight::answer(&session.aws(question), &session.env, &session.interrupt);
    lacking(session, region::judge(name, &answer).as_slice())
}

fn lacking(session: &Session<'_>, lacks: &[Lack]) -> Result<(), Failure> {
    for lack in lacks {
        session.report.say(&format!("{} {}\n  {}", session.report.on_err(Style::Bad, "AWS:"), lack.what, lack.help));
    }
    match lacks.len() {
        0 => Ok(()),
        1 => Err(Failure::Text(Kind::Missing, "AWS lacks what this cluster needs; nothing was begun".into())),
        n => Err(Failure::Text(
            Kind::Missing,
            format!("AWS lacks {n} things that this cluster needs; nothing was begun"),
        )),
    }
}
