//! `pgherd explain`: the whole story of a rule, or the chain of reasons behind a value or a line of a generated file.

mod file;
mod printer;

use super::args;
use super::blueprints;
use super::error::CommandError;
use super::report::{Report, Style};
use crate::blueprint::rules::{self, Rule};
use crate::cluster::check::story::story;
use crate::cluster::decision::Decision;
use crate::system::Context;
use crate::tools::invocation::quote;
use printer::DecisionPrinter;

/// The start of every rule's code; alone, it asks for all rules.
const PREFIX: &str = "PGH";
/// How many rules a message proposes for an unknown code.
const NEAREST: usize = 3;

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::ExplainArgs) -> Result<(), CommandError> {
    let what = options.what.trim();
    if let Some(rule) = rules::find(&what.to_uppercase()) {
        tell_rule(report, rule);
        return Ok(());
    }
    if what.to_uppercase() == PREFIX {
        rules::every()
            .for_each(|rule| report.line(&format!("{}  {:<7}  {}", rule.code, rule.severity.name(), rule.title)));
        return Ok(());
    }
    // A file may begin with these letters, too.
    if let Some(number) = what.to_uppercase().strip_prefix(PREFIX)
        && number.starts_with(|c: char| c.is_ascii_digit())
    {
        let nearest: Vec<String> =
            nearest(number).iter().map(|rule| format!("\n  {}: {}", rule.code, rule.title)).collect();
        return Err(CommandError::usage(format!(
            "no rule has the code {what}; `pgherd explain {PREFIX}` lists all rules. The nearest codes are{}",
            nearest.concat()
        )));
    }
    let blueprint = match &options.blueprint {
        Some(path) => path.clone(),
        None => blueprints::only(context, &format!("pgherd explain {}", quote(what)), what)?,
    };
    let loaded = blueprints::load_one(context, report, &blueprint, &options.variables)?;
    if file::explain(report, &loaded, what)? {
        return Ok(());
    }
    let found = find(&loaded.cluster.decisions, what);
    if found.is_empty() {
        return Err(CommandError::usage(format!(
            "{what:?} is neither a value of this cluster nor one of its generated files\n  `pgherd check --decisions {}` lists the values, and \
             `pgherd schema --format markdown` all attributes of the language",
            blueprint.display()
        )));
    }
    let mut printer = DecisionPrinter::new(report, &loaded);
    found.into_iter().for_each(|decision| printer.tell(decision));
    Ok(())
}

/// Returns the rules whose numbers are most like an unknown one: by the fewest mistyped digits, then by the smallest difference.
fn nearest(number: &str) -> Vec<&'static Rule> {
    let value = number.parse::<u64>().unwrap_or(u64::MAX);
    let distance = |rule: &&Rule| {
        let known = rule.code.trim_start_matches(PREFIX);
        (strsim::damerau_levenshtein(known, number), known.parse::<u64>().unwrap_or(0).abs_diff(value))
    };
    let mut rules: Vec<&Rule> = rules::every().collect();
    rules.sort_by_key(distance);
    rules.truncate(NEAREST);
    rules
}

fn tell_rule(report: &Report, rule: &Rule) {
    let severity = match (rule.severity.name(), rule.acceptable) {
        ("error", true) => "error, unless the blueprint accepts it",
        (name, _) => name,
    };
    report.line(&report.on_out(Style::Bold, &format!("{} ({severity}): {}", rule.code, rule.title)));
    report.line(&format!("\n{}", story(rule.code)));
}

/// Finds decisions by their name or its last part; where there is none, by a part of their name; then by their value, such as an
/// address or a port.
fn find<'a>(all: &'a [Decision], what: &str) -> Vec<&'a Decision> {
    let wanted = what.to_lowercase();
    let is_called = |d: &&Decision| d.name.rsplit('.').next() == Some(&wanted) || d.name == wanted;
    let is_about = |d: &&Decision| d.name.to_lowercase().contains(&wanted);
    let has_value = |d: &&Decision| d.value == what || d.value.split(' ').next() == Some(what);
    let mut found: Vec<&Decision> = all.iter().filter(is_called).collect();
    if found.is_empty() {
        found = all.iter().filter(is_about).collect();
    }
    if found.is_empty() {
        found = all.iter().filter(has_value).collect();
    }
    found
}
