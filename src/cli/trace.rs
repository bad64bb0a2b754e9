//! From a line of a generated file back to the lines of the blueprint that made it so.

use std::collections::BTreeSet;

use super::blueprints::Loaded;
use crate::blueprint::Places;
use crate::cluster::Module;
use crate::cluster::decision::Decision;
use crate::fileset::FileSet;
use crate::generate::provenance::{Maker, Provenance, provenance};

/// So many places are named.
const MOST: usize = 4;
/// A value shorter than this is in a message by chance.
const TELLING: usize = 4;

/// `FILE:LINE: text` of what in the blueprint is behind a line, as far as a tool's message tells.
pub fn trace(loaded: &Loaded, file: &str, line: Option<usize>, message: &str) -> Vec<String> {
    let set = loaded.files();
    let found = provenance(&loaded.cluster, &set);
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

/// Where the blueprint says what an attribute is.
pub fn place(loaded: &Loaded, places: &Places, path: &str) -> String {
    let shown = loaded.file.display();
    match places.line(path) {
        Some((line, text)) => format!("{shown}:{line}: {text}"),
        None => format!("{shown}: {path}, which is not written: its default"),
    }
}

/// The decisions behind a line; where it refers to locals, behind these.
fn makers<'a>(set: &FileSet, found: &Provenance<'a>, file: &str, line: usize) -> Vec<&'a Decision> {
    if let Maker::Decisions(made) = found.of(file, line) {
        return made;
    }
    let text = set.get(file).and_then(|file| file.text.lines().nth(line.checked_sub(1)?)).unwrap_or_default();
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let locals: Vec<String> = text.split("local.").skip(1).map(word).collect();
    let mut made = vec![];
    for (path, file) in set.iter().filter(|(path, _)| folder(path.as_str()) == folder(file)) {
        let defines = |text: &str| locals.iter().any(|local| text.trim_start().starts_with(&format!("{local} ")));
        for (number, _) in (1..).zip(file.text.lines()).filter(|(_, text)| defines(text)) {
            if let Maker::Decisions(more) = found.of(path.as_str(), number) {
                made.extend(more);
            }
        }
    }
    made
}

/// The decisions at work in a folder whose value a message names.
fn named<'a>(found: &Provenance<'a>, folder: &str, message: &str) -> Vec<&'a Decision> {
    let names = |decision: &&Decision| {
        // AWS names the region in whatever it says.
        decision.name != "region" && decision.value.len() >= TELLING && message.contains(&decision.value)
    };
    found.within(folder).into_iter().filter(names).collect()
}

/// The attributes of the blueprint that a decision follows from.
fn leaves(all: &[Decision], decision: &Decision, paths: &mut BTreeSet<String>) {
    for name in &decision.from {
        match all.iter().find(|other| other.name == *name && other.name != decision.name) {
            Some(other) => leaves(all, other, paths),
            None => drop(paths.insert(name.clone())),
        }
    }
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}
