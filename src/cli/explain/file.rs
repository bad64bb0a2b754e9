//! A generated file, or one line of it: which decisions made it.

use super::printer::DecisionPrinter;
use crate::cli::blueprints::Loaded;
use crate::cli::error::CommandError;
use crate::cli::report::{Report, Style};
use crate::cli::trace;
use crate::cluster::decision::Decision;
use crate::fileset::{FileSet, manifest};
use crate::generate::provenance::{Maker, Provenance, provenance_in};

/// Explains `FILE` or `FILE:LINE`; returns whether `what` names a generated file at all.
pub fn explain(report: &Report, loaded: &Loaded, what: &str) -> Result<bool, CommandError> {
    if what.split(':').next().is_some_and(|path| path.ends_with(manifest::PATH)) {
        report.line(
            "This is the manifest. It holds the hash of every file that `gen` wrote, so whatever changes a file changes the manifest.",
        );
        return Ok(true);
    }
    let set = loaded.files();
    let Some((path, line)) = place(&set, what)? else { return Ok(false) };
    if let Some(other) = folder(what, &path).filter(|folder| *folder != loaded.cluster.name) {
        let (shown, name) = (loaded.file.display(), &loaded.cluster.name);
        return Err(CommandError::usage(format!(
            "that file belongs to cluster {other:?}, but {shown} describes cluster {name:?}\n  pass the blueprint of {other:?} as the second argument"
        )));
    }
    let found = provenance_in(&loaded.cluster, &set, trace::folder(&path));
    match line {
        Some(line) => explain_line(report, loaded, &set, &found, &path, line)?,
        None => explain_whole(report, &set, &found, &path),
    }
    Ok(true)
}

/// `FILE` or `FILE:LINE` of the generated files; the end of a path will do where only one file has it.
fn place(files: &FileSet, what: &str) -> Result<Option<(String, Option<usize>)>, CommandError> {
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
        _ => Err(CommandError::usage(format!(
            "{path}: several files have this name\n  name one of {}",
            found.join(", ")
        ))),
    }
}

/// Returns the cluster's folder that a path names before the file in it.
fn folder<'a>(what: &'a str, path: &str) -> Option<&'a str> {
    let (before, _) = what.split_once(path)?;
    before.strip_suffix('/')?.rsplit('/').next().filter(|folder| !matches!(*folder, "" | "." | ".."))
}

/// Prints each line of a file that depends on decisions, with their names.
fn explain_whole(report: &Report, set: &FileSet, found: &Provenance, path: &str) {
    let text: &str = set.get(path).map_or("", |file| &file.text);
    let mut is_fixed = true;
    for (number, text) in (1..).zip(text.lines()) {
        let names = match found.of(path, number) {
            Maker::ContentHash => "the hash of what an image is made from".to_string(),
            _ => names(&trace::makers(set, found, path, number)),
        };
        if !names.is_empty() {
            report.line(&format!("{number}: {}\n    {names}", text.trim()));
            is_fixed = false;
        }
    }
    if is_fixed {
        report.line("No line of this file depends on the blueprint, apart from the cluster's name.");
    }
}

fn names(decisions: &[&Decision]) -> String {
    decisions.iter().map(|decision| decision.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Prints the decisions behind a line, with their reasons.
fn explain_line<'a>(
    report: &'a Report,
    loaded: &'a Loaded,
    set: &FileSet,
    found: &Provenance<'a>,
    path: &str,
    number: usize,
) -> Result<(), CommandError> {
    let text: &str = set.get(path).map_or("", |file| &file.text);
    let Some(written) = number.checked_sub(1).and_then(|before| text.lines().nth(before)) else {
        return Err(CommandError::usage(format!(
            "{path} has no line {number}; its lines are 1 to {}",
            text.lines().count()
        )));
    };
    report.line(&report.on_out(Style::Dim, &format!("{path}:{number}: {}", written.trim())));
    if found.of(path, number) == Maker::ContentHash {
        report.line(
            "This is the hash of what an image is made from. Every file and setting in the image contributes to it.",
        );
        return Ok(());
    }
    let made = trace::makers(set, found, path, number);
    if made.is_empty() {
        report.line("This line does not depend on the blueprint, apart from the cluster's name.");
    }
    let mut printer = DecisionPrinter::new(report, loaded);
    made.into_iter().for_each(|decision| printer.tell(decision));
    Ok(())
}
