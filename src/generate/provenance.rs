//! Finds out which decision made which line. It generates the files again with one decision changed, and compares them.
//!
//! So there is no second list of decisions and lines that could be wrong.

use std::collections::{BTreeMap, BTreeSet};

use similar::{DiffTag, TextDiff};

use super::{for_machines, for_modules, generate};
use crate::cluster::decision::Decision;
use crate::cluster::{Cluster, Module};
use crate::fileset::{File, FileSet, RelPath};

/// The decisions behind each line of each file.
#[derive(Debug)]
pub struct Provenance<'a> {
    lines: BTreeMap<(String, usize), Vec<&'a Decision>>,
    hashes: BTreeSet<(String, usize)>,
}

/// What made a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Maker<'a> {
    /// These decisions.
    Decisions(Vec<&'a Decision>),
    /// Everything that an image is made from: the line contains its hash.
    ContentHash,
    /// No decision: every cluster with this file has this line, apart from names.
    Template,
}

/// Finds out what each decision of a cluster changes in its files.
pub fn provenance<'a>(cluster: &'a Cluster, files: &FileSet) -> Provenance<'a> {
    compared(cluster, files, generate)
}

/// Finds out what each decision changes in the files of one folder. It generates no more than these need, which takes a fraction of
/// the time for files of machines and of Terraform's modules.
pub fn provenance_in<'a>(cluster: &'a Cluster, files: &FileSet, folder: &str) -> Provenance<'a> {
    let is_here = |(path, _): (&RelPath, &File)| path.folder() == folder;
    if Module::ALL.iter().any(|module| module.folder() == folder) {
        // Every line with the hash of an image is known as such, so the hash may stay.
        return compared(cluster, files, |other| for_modules(other, files.images.clone()));
    }
    if for_machines(cluster).files.iter().any(is_here) {
        return compared(cluster, files, |other| for_machines(other).files);
    }
    provenance(cluster, files)
}

/// Compares the files with those that `again` generates for each cluster with one other decision. Only the files that `again`
/// generates for the cluster itself are compared.
fn compared<'a>(cluster: &'a Cluster, files: &FileSet, again: impl Fn(&Cluster) -> FileSet) -> Provenance<'a> {
    let generated = again(cluster);
    let mut lines: BTreeMap<(String, usize), Vec<&Decision>> = BTreeMap::new();
    for decision in cluster.decisions.iter() {
        let others = again(&decision.perturb(cluster));
        for (path, file) in files.iter().filter(|(path, _)| generated.get(path.as_str()).is_some()) {
            let other = others.get(path.as_str()).map_or("", |file| &file.text);
            if other == file.text {
                continue;
            }
            for line in changed(&file.text, other) {
                lines.entry((path.as_str().to_string(), line)).or_default().push(decision);
            }
        }
    }
    Provenance { lines, hashes: hashes(files) }
}

/// Returns the lines that contain the hash of an image, or of a file that goes into one.
fn hashes(files: &FileSet) -> BTreeSet<(String, usize)> {
    let images = files.images.iter().map(|image| image.hash.as_str());
    let contents = files.images.iter().flat_map(|image| image.contents.values().map(String::as_str));
    let known: BTreeSet<&str> = images.chain(contents).collect();
    let mut found = BTreeSet::new();
    for (path, file) in files.iter() {
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| known.contains(word)) {
                found.insert((path.as_str().to_string(), line));
            }
        }
    }
    found
}

/// Returns the lines of a text, counted from 1, that are not in the other one.
fn changed(text: &str, other: &str) -> BTreeSet<usize> {
    TextDiff::from_lines(text, other)
        .ops()
        .iter()
        .filter(|op| matches!(op.tag(), DiffTag::Delete | DiffTag::Replace))
        .flat_map(|op| op.old_range().map(|line| line + 1))
        .collect()
}

impl<'a> Provenance<'a> {
    /// Returns what made a line, counted from 1.
    pub fn of(&self, path: &str, line: usize) -> Maker<'a> {
        let place = (path.to_string(), line);
        match self.lines.get(&place) {
            _ if self.hashes.contains(&place) => Maker::ContentHash,
            None => Maker::Template,
            Some(made) => Maker::Decisions(made.clone()),
        }
    }

    /// Returns the decisions behind the files of a folder.
    pub fn within(&self, folder: &str) -> Vec<&'a Decision> {
        let here = |path: &str| path.rsplit_once('/').is_some_and(|(above, _)| above == folder);
        let lines = self.lines.iter().filter(|(place, _)| here(&place.0) && !self.hashes.contains(place));
        let mut found: Vec<&Decision> = vec![];
        for decision in lines.flat_map(|(_, made)| made) {
            if !found.iter().any(|known| known.name == decision.name) {
                found.push(decision);
            }
        }
        found
    }
}
