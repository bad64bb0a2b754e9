//! Which decision made which line: the files are generated anew with one decision taken otherwise, and what differs is its work.
//!
//! So there is no second list of who made what, that could be wrong.

use std::collections::{BTreeMap, BTreeSet};

use similar::{DiffTag, TextDiff};

use super::generate;
use crate::cluster::Cluster;
use crate::cluster::decision::Decision;
use crate::cluster::perturb::perturbed;
use crate::fileset::FileSet;

/// Decisions by file and line.
#[derive(Debug)]
pub struct Provenance<'a> {
    lines: BTreeMap<(String, usize), Vec<&'a Decision>>,
    decisions: usize,
}

/// What made a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Maker<'a> {
    /// These decisions.
    Decisions(Vec<&'a Decision>),
    /// Nearly all of them: it carries the hash of what an image is made from.
    ContentHash,
    /// None: it is the same in every cluster, but for names.
    Template,
}

/// Finds out what each decision of a cluster changes in its files.
pub fn provenance<'a>(cluster: &'a Cluster, files: &FileSet) -> Provenance<'a> {
    let mut lines: BTreeMap<(String, usize), Vec<&Decision>> = BTreeMap::new();
    for decision in &cluster.decisions {
        let Some(other) = perturbed(cluster, decision) else { continue };
        let others = generate(&other);
        for (path, file) in files.iter() {
            let other = others.get(path.as_str()).map_or("", |file| &file.text);
            if other == file.text {
                continue;
            }
            for line in changed(&file.text, other) {
                lines.entry((path.as_str().to_string(), line)).or_default().push(decision);
            }
        }
    }
    Provenance { lines, decisions: cluster.decisions.len() }
}

/// Lines of the text, from 1, that are not in the other one.
fn changed(text: &str, other: &str) -> BTreeSet<usize> {
    TextDiff::from_lines(text, other)
        .ops()
        .iter()
        .filter(|op| matches!(op.tag(), DiffTag::Delete | DiffTag::Replace))
        .flat_map(|op| op.old_range().map(|line| line + 1))
        .collect()
}

impl<'a> Provenance<'a> {
    /// What made a line, counted from 1.
    pub fn of(&self, path: &str, line: usize) -> Maker<'a> {
        match self.lines.get(&(path.to_string(), line)) {
            None => Maker::Template,
            Some(made) if self.is_hash(made) => Maker::ContentHash,
            Some(made) => Maker::Decisions(made.clone()),
        }
    }

    /// The decisions at work in the files of a folder.
    pub fn within(&self, folder: &str) -> Vec<&'a Decision> {
        let here = |path: &str| path.rsplit_once('/').is_some_and(|(above, _)| above == folder);
        let lines = self.lines.iter().filter(|((path, _), made)| here(path) && !self.is_hash(made));
        let mut found: Vec<&Decision> = vec![];
        for decision in lines.flat_map(|(_, made)| made) {
            if !found.iter().any(|known| known.name == decision.name) {
                found.push(decision);
            }
        }
        found
    }

    /// A dozen decisions may share a line; a third of all of them only share a hash.
    fn is_hash(&self, made: &[&Decision]) -> bool {
        made.len() * 3 > self.decisions
    }
}
