//! `pgherd explain`: the whole story of a rule, or the chain of reasons behind a value or a line of a generated file.

use std::collections::BTreeSet;

use super::args;
use super::blueprints::{self, Loaded};
use super::failure::Failure;
use super::report::{Report, Style};
use super::trace;
use crate::blueprint::Places;
use crate::blueprint::rules;
use crate::cluster::check::story::story;
use crate::cluster::decision::Decision;
use crate::fileset::{FileSet, manifest};
use crate::generate::provenance::{Maker, provenance};
use crate::system::Context;
use crate::tools::invocation::quote;

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
    // A file may begin with these letters, too.
    if what.to_uppercase().strip_prefix("PGH").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let codes: Vec<&str> = rules::every().map(|rule| rule.code).collect();
        return Err(Failure::usage(format!("{what} is not the code of a rule\n  there are {}", codes.join(", "))));
    }
    let blueprint = match &options.blueprint {
        Some(path) => path.clone(),
        None => blueprints::only(context, &format!("pgherd explain {}", quote(what)), what)?,
    };
    let loaded = blueprints::load_one(context, report, &blueprint, &options.variables)?;
    let all = &loaded.cluster.decisions;
    let set = loaded.files();
    if what.split(':').next().is_some_and(|path| path.ends_with(manifest::PATH)) {
        report.line(
            "the manifest: the hash of every file as `gen` wrote it; whatever makes a line of a file has a part in it",
        );
        return Ok(());
    }
    if let Some((path, line)) = place(&set, what)? {
        if let Some(other) = folder(what, &path).filter(|folder| *folder != loaded.cluster.name) {
            let (shown, name) = (blueprint.display(), &loaded.cluster.name);
            return Err(Failure::usage(format!(
                "that file is of {other:?}, and {shown} describes {name:?}\n  name the blueprint of {other:?} behind it"
            )));
        }
        return explain_file(report, &loaded, &set, &path, line);
    }
    let wanted = what.to_lowercase();
    let exact: Vec<&Decision> =
        all.iter().filter(|d| d.name.rsplit('.').next() == Some(&wanted) || d.name == wanted).collect();
    let mut found = exact;
    if found.is_empty() {
        found = all.iter().filter(|d| d.name.to_lowercase().contains(&wanted)).collect();
    }
    // An address or a port, as it stands in a file.
    if found.is_empty() {
        found = all.iter().filter(|d| d.value == what || d.value.split(' ').next() == Some(what)).collect();
    }
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "nothing that is derived is called {what:?}\n  `pgherd check --decisions {}` shows all that is",
            blueprint.display()
        )));
    }
    let mut teller = Teller::new(report, &loaded);
    found.into_iter().for_each(|decision| teller.tell(decision, 0));
    Ok(())
}

/// Tells decisions, each with those that it follows from below it, and those with the blueprint's lines.
struct Teller<'a> {
    report: &'a Report,
    loaded: &'a Loaded,
    places: Places<'a>,
    told: BTreeSet<&'a str>,
}

impl<'a> Teller<'a> {
    fn new(report: &'a Report, loaded: &'a Loaded) -> Self {
        Teller { report, loaded, places: Places::of("", &loaded.text), told: BTreeSet::new() }
    }

    /// A decision that has been told is only named again.
    fn tell(&mut self, decision: &'a Decision, depth: usize) {
        let indent = "    ".repeat(depth);
        let line = |text: &str| self.report.line(&format!("{indent}{text}"));
        let head = format!("{} = {}", self.report.on_out(Style::Bold, &decision.name), decision.value);
        if !self.told.insert(&decision.name) {
            return line(&format!("{head} (above)"));
        }
        line(&head);
        line(&format!("    {}", decision.why));
        line(&format!("    source: {}", decision.source));
        for name in &decision.from {
            match self.loaded.cluster.decisions.iter().find(|other| other.name == *name && other.name != decision.name)
            {
                Some(other) => self.tell(other, depth + 1),
                None => {
                    let place = trace::place(self.loaded, &self.places, name);
                    self.report.line(&format!("{indent}    {place}"));
                }
            }
        }
    }
}

/// `FILE` or `FILE:LINE` of the generated files; the end of a path will do where only one file has it.
fn place(files: &FileSet, what: &str) -> Result<Option<(String, Option<usize>)>, Failure> {
    let (path, line) = match what.rsplit_once(':') {
        Some((path, line)) => match line.parse() {
            Ok(line) => (path, Some(line)),
            Err(_) => return Ok(None),
        },
        None => (what, None),
    };
    let ends =
        |known: &str| known == path || path.ends_with(&format!("/{known}")) || known.ends_with(&format!("/{path}"));
    let found: Vec<&str> = files.iter().map(|(known, _)| known.as_str()).filter(|known| ends(known)).collect();
    match found[..] {
        [] => Ok(None),
        _ if found.contains(&path) => Ok(Some((path.to_string(), line))),
        [only] => Ok(Some((only.to_string(), line))),
        _ => {
            Err(Failure::usage(format!("{path}: several files have that name; name one of\n  {}", found.join("\n  "))))
        }
    }
}

/// The folder of a cluster that a path names before the file in it.
fn folder<'a>(what: &'a str, path: &str) -> Option<&'a str> {
    let (before, _) = what.split_once(path)?;
    before.strip_suffix('/')?.rsplit('/').next().filter(|folder| !matches!(*folder, "" | "." | ".."))
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
        Maker::Decisions(made) => {
            let mut teller = Teller::new(report, loaded);
            made.into_iter().for_each(|decision| teller.tell(decision, 0));
        }
        Maker::ContentHash => {
            report.line("the hash of what an image is made from: every file and setting in it has a part in it")
        }
        Maker::Template => {
            report.line("no value of the blueprint makes it, but the cluster's name where that stands in it: it is so in every cluster of this kind")
        }
    }
    Ok(())
}
