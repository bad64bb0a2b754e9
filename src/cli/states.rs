//! Moves Terraform's states to where the blueprint says, before anything is planned.

use super::error::{CommandError, ErrorKind};
use super::ready;
use super::report::Feed;
use super::session::Session;
use crate::run::moving::Move;
use crate::run::{Consent, Options};

/// Moves every state to where the blueprint says, after asking if `asks`. The original of a copied state stays where it is.
pub fn settle(session: &Session<'_>, feed: &Feed, asks: bool, only_looks: bool) -> Result<(), CommandError> {
    let runner = session.runner(feed, &|_, _| Consent::No, Options::default()).logging_as("state");
    let moves = runner.find_moves().map_err(|outcome| failed(session, outcome))?;
    if !moves.is_empty() {
        let refused = runner.refuse_members().map_err(|outcome| failed(session, outcome))?;
        ready::require_members(refused.as_ref())?;
    }
    let copies: Vec<&Move> = moves.iter().filter(|found| found.copies()).collect();
    for found in &copies {
        session.report.line(&line(found));
    }
    if only_looks && !moves.is_empty() {
        let text = "the blueprint names another place for Terraform's state than where it is now. Nothing was changed; run without --plan-only to move the state first";
        return Err(CommandError::Text(ErrorKind::Drift, text.into()));
    }
    let question = format!("Copy {}? The original stays. Type `yes` to continue:", states(copies.len()));
    if asks && !copies.is_empty() && session.ask(&question)? != "yes" {
        return Err(CommandError::Text(ErrorKind::Failed, "aborted; nothing was changed".into()));
    }
    for found in &moves {
        runner.move_state(found).map_err(|outcome| failed(session, outcome))?;
    }
    Ok(())
}

fn line(found: &Move) -> String {
    let about = found
        .head
        .as_ref()
        .map_or(String::new(), |head| format!(" (serial {}, {} resources)", head.serial, head.resources));
    format!("{}: the state will move from {} to {}{about}", found.stage, found.from, found.to)
}

fn states(n: usize) -> String {
    if n == 1 { "the state".into() } else { format!("these {n} states") }
}

/// Returns the error that the verb ends with. The failure itself has been printed.
fn failed(session: &Session<'_>, outcome: crate::run::Outcome) -> CommandError {
    session.conclude(&[outcome]).err().unwrap_or_else(|| CommandError::Text(ErrorKind::Failed, "a stage failed".into()))
}
