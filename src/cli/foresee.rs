//! Finds out before a run what AWS would refuse in the middle of it.

use super::error::CommandError;
use super::ready;
use super::session::Session;
use crate::pipeline::preflight;
use crate::run::foresight;

/// Asks AWS, and fails if anything is missing, after printing all of it.
pub fn foresee(session: &Session<'_>) -> Result<(), CommandError> {
    let cluster = &session.loaded.cluster;
    let command = |args| session.aws(args);
    // moto, the API of the lab, has no EC2 quotas.
    let questions = preflight::questions(cluster, session.is_aws());
    let answers = foresight::ask(questions, &command, &session.env, &session.interrupt);
    if session.interrupt.is_raised() {
        return Err(CommandError::interrupted());
    }
    let verdict = preflight::judge(cluster, &answers);
    for notice in &verdict.notices {
        session.report.note(notice);
    }
    ready::require_no_lack(&session.report, &verdict.lacks)
}
