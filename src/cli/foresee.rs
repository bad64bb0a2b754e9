//! What AWS would refuse in the middle of a run, said before it begins.

use super::failure::Failure;
use super::ready;
use super::session::Session;
use crate::pipeline::preflight;
use crate::run::foresight;

/// Asks AWS, and fails with all that is missing at once.
pub fn foresee(session: &Session<'_>) -> Result<(), Failure> {
    let cluster = &session.loaded.cluster;
    let command = |args| session.aws(args);
    // moto knows no quotas of EC2.
    let questions = preflight::questions(cluster, session.is_aws());
    let answers = foresight::ask(questions, &command, &session.env, &session.interrupt);
    if session.interrupt.is_raised() {
        return Err(Failure::interrupted());
    }
    let verdict = preflight::judge(cluster, &answers);
    for notice in &verdict.notices {
        session.report.note(notice);
    }
    ready::require_no_lack(&session.report, &verdict.lacks)
}
