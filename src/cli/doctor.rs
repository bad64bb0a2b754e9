//! `pgherd doctor`: checks each tool and the credentials, and tells how to get what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use super::error::{CommandError, ErrorKind};
use super::listen::listen;
use super::report::Report;
use crate::lab;
use crate::pipeline::Platform;
use crate::run::prerequisites::{self, Prerequisite};
use crate::run::{environment, pointers};
use crate::system::{Context, Interrupt, parallel};
use crate::tools::environment::Treatment;
use crate::tools::{Invocation, aws};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, target: Platform) -> Result<(), CommandError> {
    let interrupt = Interrupt::default();
    listen(report, &interrupt)?;
    let sorted = environment::of_tools(context);
    let env = &sorted.passed;
    // At the same time, since each may take long.
    let (mut findings, aws_cli) = thread::scope(|scope| {
        let aws_cli = scope.spawn(|| prerequisites::aws_cli_version(context, env, &interrupt));
        (prerequisites::tools(context, env, &interrupt).findings, parallel::joined(aws_cli))
    });
    let answers = aws_cli.problem.is_none();
    findings.push(aws_cli);
    if target == Platform::Aws {
        findings.push(if answers {
            credentials(context, env, &interrupt)
        } else {
            prerequisites::unknown_credentials("unknown until the AWS CLI works")
        });
    }
    if interrupt.is_raised() {
        return Err(CommandError::interrupted());
    }
    let broken = pointers::broken(&context.cwd, env);
    print(report, &findings);
    for one in &broken {
        report.line(&format!("{} {}", one.name, one.story));
    }
    for (name, variable) in &sorted.said {
        let what = match variable.treatment {
            Treatment::Told => "is set",
            Treatment::Refused => "is refused",
            _ => "is ignored",
        };
        report.line(&format!("{name} {what}: {}", variable.why));
    }
    let mut missing: Vec<&str> = findings.iter().filter(|f| f.problem.is_some()).map(|f| f.name.as_str()).collect();
    missing.extend(broken.iter().filter(|one| one.needed).map(|one| one.name));
    let refused: Vec<&str> = sorted.refused().map(|(name, _)| name.as_str()).collect();
    if target == Platform::Lab
        && let Err(lacking) = lab::check(context)
    {
        report.line(&lacking.to_string());
        missing.push("requirements of the lab");
    }
    let parts =
        [("missing", &missing), ("refused variables", &refused)].into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> = parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
    if parts.is_empty() {
        return Ok(());
    }
    Err(CommandError::Text(ErrorKind::Missing, parts.join("; ")))
}

fn credentials(context: &Context, env: &BTreeMap<String, String>, interrupt: &Interrupt) -> Prerequisite {
    let region = context.var("AWS_REGION").or(context.var("AWS_DEFAULT_REGION")).unwrap_or("us-east-1");
    let ask = Invocation {
        prefix: vec![],
        program: aws::PROGRAM.into(),
        args: aws::caller_identity(region),
        dir: context.cwd.clone(),
        env: BTreeMap::new(),
    };
    prerequisites::credentials(&ask, env, interrupt)
}

fn print(report: &Report, findings: &[Prerequisite]) {
    let mut rows = vec![["", "tool", "version", "found at", "what to do"].map(String::from).to_vec()];
    for finding in findings {
        let at = finding.at.as_ref().map_or("-".to_string(), |at| at.display().to_string());
        let version = if finding.version.is_empty() { "-".to_string() } else { finding.version.clone() };
        let (sign, advice) = match &finding.problem {
            None => ("ok", String::new()),
            // It exists but is unsuitable. It needs repair, which need not mean another one.
            Some(problem) if finding.at.is_some() => ("UNFIT", finding.complaint(problem)),
            Some(problem) => ("MISSING", finding.complaint(problem)),
        };
        rows.push(vec![sign.into(), finding.name.clone(), version, at, advice]);
    }
    report.table(&rows);
}
