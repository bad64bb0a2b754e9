//! Leads from a line of a generated file back to the lines of the blueprint behind it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::blueprints::Loaded;
use crate::blueprint::Places;
use crate::cluster::Module;
use crate::cluster::decision::Decision;
use crate::fileset::FileSet;
use crate::generate::provenance::{Maker, Provenance, provenance_in};

/// At most this many lines of the blueprint are named.
const MOST: usize = 4;
/// A value with fewer characters is in a message by chance.
const TELLING: usize = 4;

/// Returns the lines of the blueprint behind a line, as `FILE:LINE: text`, as far as a tool's message tells.
pub fn trace(loaded: &Loaded, file: &str, line: Option<usize>, message: &str) -> Vec<String> {
    let set = loaded.files();
    let found = provenance_in(&loaded.cluster, &set, folder(file));
    let mut made = line.map_or(vec![], |line| makers(&set, &found, file, line));
    if made.is_empty() {
        made = named(&found, folder(file), message);
    }
    let mut paths = BTreeSet::new();
    made.iter().for_each(|decision| leaves(&loaded.cluster.decisions, decision, &mut paths));
    if paths.is_empty() {
        paths.extend(Module::at(file).map(|module| module.block().to_string()));
    }
    let places = Places::of("", &loaded.text);
    paths.iter().take(MOST).map(|path| place(loaded, &places, path)).collect()
}

/// Returns where the blueprint sets an attribute, or says that it does not.
pub fn place(loaded: &Loaded, places: &Places, path: &str) -> String {
    let shown = loaded.file.display();
    match places.line(path) {
        Some((line, text)) => format!("{shown}:{line}: {text}"),
        None => format!("{shown}: {path} is not set; using the default"),
    }
}

/// Returns the decisions behind a line, counted from 1. Where it only refers to Terraform's locals, those behind the locals.
pub fn makers<'a>(set: &FileSet, found: &Provenance<'a>, file: &str, line: usize) -> Vec<&'a Decision> {
    if let Maker::Decisions(made) = found.of(file, line) {
        return made;
    }
    let text = set.get(file).and_then(|file| file.text.lines().nth(line.checked_sub(1)?)).unwrap_or_default();
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut made: Vec<&Decision> = vec![];
    for local in text.split("local.").skip(1).map(word) {
        for (path, file) in set.iter().filter(|(path, _)| path.folder() == folder(file)) {
            for line in definition(&file.text, &local).into_iter().flatten() {
                if let Maker::Decisions(more) = found.of(path.as_str(), line) {
                    made.extend(more);
                }
            }
        }
    }
    let mut known = BTreeSet::new();
    made.retain(|decision| known.insert(&decision.name));
    made
}

/// Returns the lines, counted from 1, that define a local: one, or a block up to the line that closes it. The files are formatted as
/// `terraform fmt` does, so that line is indented as the first one is.
fn definition(text: &str, local: &str) -> Option<RangeInclusive<usize>> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = (1..).zip(text.lines());
    let defines = |line: &str| line.split_once(" =").is_some_and(|(name, _)| name.trim() == local);
    let (first, line) = lines.find(|(_, line)| defines(line))?;
    if !line.ends_with(['{', '[', '(']) {
        return Some(first..=first);
    }
    let closes = |end: &str| indent(end) == indent(line);
    let last = lines.find(|(_, line)| !line.is_empty() && closes(line)).map_or(first, |(last, _)| last);
    Some(first..=last)
}

/// Returns the decisions at work in a directory whose value a message names.
fn named<'a>(found: &Provenance<'a>, folder: &str, message: &str) -> Vec<&'a Decision> {
    let names = |decision: &&Decision| {
        // AWS names the region in every message.
        decision.name != "region" && decision.value.len() >= TELLING && message.contains(&decision.value)
    };
    found.within(folder).into_iter().filter(names).collect()
}

/// Collects the attributes of the blueprint that a decision follows from.
fn leaves(all: &[Decision], decision: &Decision, paths: &mut BTreeSet<String>) {
    for name in &decision.from {
        match all.iter().find(|other| other.name == *name && other.name != decision.name) {
            Some(other) => leaves(all, other, paths),
            None => drop(paths.insert(name.clone())),
        }
    }
}

/// Returns the folder of a generated file; empty for the cluster's own.
pub fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::definition;

    #[test]
    fn a_local_is_defined_by_a_line_or_a_block() {
        let text = "locals {\n  one  = 1\n  many = {\n    one = 2\n\n    b   = 3\n  }\n  last = [\n    4,\n  ]\n}\n";
        assert_eq!(
            [definition(text, "one"), definition(text, "many"), definition(text, "last")],
            [Some(2..=2), Some(3..=7), Some(8..=10)]
        );
        assert_eq!(definition(text, "none"), None);
    }
}
