//! `pgherd explain`: the whole story of a rule, or the chain of reasons behind a value or a line of a generated file.

use super::args;
use super::blueprints::{self, Loaded};
use super::failure::Failure;
use super::report::{Report, Style};
use crate::blueprint::rules;
use crate::cluster::check::story::story;
use crate::cluster::decision::Decision;
use crate::fileset::FileSet;
use crate::generate::provenance::{Maker, provenance};
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
    let set = loaded.files();
    if let Some((path, line)) = place(&set, what) {
        return explain_file(report, &loaded, &set, &path, line);
    }
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

/// `FILE` or `FILE:LINE` of the generated files; the end of a path will do where only one file has it.
fn place(files: &FileSet, what: &str) -> Option<(String, Option<usize>)> {
    let (path, line) = match what.rsplit_once(':') {
        Some((path, line)) => (path, Some(line.parse().ok()?)),
        None => (what, None),
    };
    let ends =
        |known: &str| known == path || path.ends_with(&format!("/{known}")) || known.ends_with(&format!("/{path}"));
    let mut found = files.iter().map(|(known, _)| known.as_str()).filter(|known| ends(known));
    match (found.next(), found.next()) {
        (Some(only), None) => Some((only.to_string(), line)),
        _ => None,
    }
}

/// What made a line, with its reasons; or, of each line of a file that a decision made, which.
fn explain_file(
    report: &Report,
    loaded: &Loaded,
    set: &FileSet,
    path: &str,
    line: Option<usize>,
) -> Result<(), Failure> {
    let text: &str = set.get(path).map_or("", |file| &file.text);
    let found = provenance(&loaded.cluster, set);
    let Some(number) = line else {
        for (number, text) in (1..).zip(text.lines()) {
            if let Maker::Decisions(made) = found.of(path, number) {
                let names: Vec<&str> = made.iter().map(|decision| decision.name.as_str()).collect();
                report.line(&format!("{number}: {}\n    {}", text.trim(), names.join(", ")));
            }
        }
        return Ok(());
    };
    let Some(written) = number.checked_sub(1).and_then(|before| text.lines().nth(before)) else {
        return Err(Failure::usage(format!("{path} has {} lines", text.lines().count())));
    };
    report.line(&report.on_out(Style::Dim, &format!("{path}:{number}: {}", written.trim())));
    match found.of(path, number) {
        Maker::Decisions(made) => made.into_iter().for_each(|one| tell(report, &loaded.cluster.decisions, one, 0)),
        Maker::ContentHash => {
            report.line("the hash of what an image is made from: every file and setting in it has a part in it")
        }
        Maker::Template => report.line("the same in every cluster, but for names; the comment above it says why"),
    }
    Ok(())
}
