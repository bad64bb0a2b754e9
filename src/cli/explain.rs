//! `pgherd explain`: the whole story of a rule, or the chain of reasons behind a value.

use super::args;
use super::blueprints;
use super::failure::Failure;
use super::report::{Report, Style};
use crate::blueprint::rules;
use crate::cluster::check::story::story;
use crate::cluster::decision::Decision;
use crate::system::Context;

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::Explain) -> Result<(), Failure> {
    let what = options.what.trim();
    if let Some(rule) = rules::find(&what.to_uppercase()) {
        let kind = match (rule.severity.name(), rule.acceptable) {
            ("error", true) => "error, unless the blueprint accepts it",
            (name, _) => name,
        };
        report.line(&report.on_out(Style::Bold, &format!("{} ({kind}): {}", rule.code, rule.title)));
        report.line(&format!("\n{}", story(rule.code)));
        return Ok(());
    }
    if what.to_uppercase().starts_with("PGH") {
        let codes: Vec<&str> = rules::every().map(|rule| rule.code).collect();
        return Err(Failure::usage(format!("{what} is no rule's code\n  there are {}", codes.join(", "))));
    }
    let loaded = blueprints::load_one(context, report, &options.blueprint, &options.variables)?;
    let all = &loaded.cluster.decisions;
    let wanted = what.to_lowercase();
    let exact: Vec<&Decision> =
        all.iter().filter(|d| d.name.rsplit('.').next() == Some(&wanted) || d.name == wanted).collect();
    let found: Vec<&Decision> =
        if exact.is_empty() { all.iter().filter(|d| d.name.to_lowercase().contains(&wanted)).collect() } else { exact };
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "nothing that is derived is called {what:?}\n  `pgherd check --decisions {}` shows all that is",
            options.blueprint.display()
        )));
    }
    for decision in found {
        tell(report, all, decision, 0);
    }
    Ok(())
}

/// A decision, and below it those that it follows from.
fn tell(report: &Report, all: &[Decision], decision: &Decision, depth: usize) {
    let indent = "    ".repeat(depth);
    report.line(&format!("{indent}{} = {}", report.on_out(Style::Bold, &decision.name), decision.value));
    report.line(&format!("{indent}    {}", decision.why));
    report.line(&format!("{indent}    source: {}", decision.source));
    for name in &decision.from {
        match all.iter().find(|other| other.name == *name && other.name != decision.name) {
            Some(other) => tell(report, all, other, depth + 1),
            None => report.line(&format!("{indent}    blueprint: {name}")),
        }
    }
}
