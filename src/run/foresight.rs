//! Asks AWS, before anything is created, for what would otherwise fail in the middle of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::environment::Redactor;
use super::prerequisites::OF_AWS;
use crate::pipeline::preflight::{Answer, Question};
use crate::system::Interrupt;
use crate::system::parallel;
use crate::system::process::{self, Captured, Exit, Program};
use crate::tools::Invocation;

/// Error codes that mean the credentials lack a permission.
const FORBIDDEN: [&str; 5] = ["AccessDenied", "UnauthorizedOperation", "AuthorizationError", "(403)", "not authorized"];
/// Error codes that mean something does not exist.
const MISSING: [&str; 4] = ["NotFoundException", "NoSuchBucket", "(404)", "InvalidArnException"];

/// Asks all questions in parallel. `command` makes an invocation of the AWS CLI.
pub fn ask(
    questions: Vec<Question>,
    command: &(dyn Fn(Vec<String>) -> Invocation + Sync),
    env: &BTreeMap<String, String>,
    interrupt: &Interrupt,
) -> Vec<(Question, Answer)> {
    let one = |question: &Question| answer(&command(question.args.clone()), env, interrupt);
    let answers = parallel::at_once(&questions, one);
    questions.into_iter().zip(answers).collect()
}

/// Asks one question.
pub fn answer(ask: &Invocation, env: &BTreeMap<String, String>, interrupt: &Interrupt) -> Answer {
    let mut env = env.clone();
    env.extend(ask.env.clone());
    match process::ask(Program { argv: &ask.argv(), dir: &ask.dir, env: &env }, OF_AWS, interrupt) {
        // The CLI's error message is shown, and it may quote a secret from its input.
        Ok(captured) => match read(&captured) {
            Answer::Failed(why) => Answer::Failed(Redactor::of(&env).redact(&why)),
            answer => answer,
        },
        Err(e) => Answer::Failed(e.to_string()),
    }
}

fn read(captured: &Captured) -> Answer {
    if captured.exit.ok() {
        // `head-bucket` of older CLIs prints nothing.
        let text = if captured.stdout.trim().is_empty() { "null" } else { &captured.stdout };
        return serde_json::from_str::<Value>(text).map_or_else(|e| Answer::Failed(e.to_string()), Answer::Json);
    }
    if let Exit::NoAnswer(_) = captured.exit {
        return Answer::Failed(captured.exit.to_string());
    }
    let said = &captured.stderr;
    if FORBIDDEN.iter().any(|code| said.contains(code)) {
        return Answer::Forbidden;
    }
    if MISSING.iter().any(|code| said.contains(code)) {
        return Answer::Missing;
    }
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no error message");
    Answer::Failed(last.trim().to_string())
}
