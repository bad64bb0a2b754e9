//! Locates a blueprint's attributes, for rules that are checked after the blueprint was read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Attribute, Body, Structure};

use super::diagnostic::{Diagnostic, Refusal, SourceText};
use super::rules::Rule;
use super::span::span;
use super::vocabulary::full_name;

/// A blueprint's text, and the place of each of its attributes and blocks by path, such as `haproxy.stats.port`,
/// `postgres.settings.work_mem` or `accept.PGH003`.
pub struct Places<'a> {
    source: SourceText<'a>,
    by_path: BTreeMap<String, Range<usize>>,
    /// The first of those that differ in their blocks' labels alone, such as `network.subnet.id`.
    first: BTreeMap<String, Range<usize>>,
    /// The paths of maps with computed keys, such as `settings = merge(…)`.
    computed: BTreeSet<String>,
}

impl<'a> Places<'a> {
    /// Locates everything in a blueprint that was read without an error. `file_name` is only used in diagnostics.
    pub fn of(file_name: &'a str, text: &'a str) -> Self {
        let source = SourceText::new(file_name, text);
        let mut places = Places { source, by_path: BTreeMap::new(), first: BTreeMap::new(), computed: BTreeSet::new() };
        if let Ok(body) = parse_body(places.source.text)
            && let Some(cluster) = body.blocks().find(|block| block.ident.as_str() == "cluster")
        {
            places.by_path.insert(String::new(), span(&cluster.ident));
            places.add(&cluster.body, "", "");
        }
        places
    }

    /// Returns the line number, counted from 1, and the text of the line that sets this path. For a key of a map with
    /// computed keys, that is the map's line; of several blocks with labels, that of the first, unless the path names a label.
    pub fn line(&self, path: &str) -> Option<(usize, &'a str)> {
        let path = path.to_lowercase();
        let map =
            || self.by_path.get(path.rsplit_once('.').map(|(map, _)| map).filter(|map| self.computed.contains(*map))?);
        let at = self.by_path.get(&path).or_else(|| self.first.get(&path)).or_else(map)?.start;
        let text = self.source.text;
        let number = text[..at].matches('\n').count() + 1;
        Some((number, text.lines().nth(number - 1)?.trim()))
    }

    /// Builds a diagnostic at this path, or at the nearest enclosing block if the path is not set.
    pub fn diagnostic(&self, path: &str, rule: &'static Rule, problem: &str, help: &str) -> Diagnostic {
        let path = path.to_lowercase();
        let mut at = path.as_str();
        let place = loop {
            match self.by_path.get(at) {
                Some(place) => break place.clone(),
                None if at.is_empty() => break 0..0,
                None => at = at.rsplit_once('.').map_or("", |(around, _)| around),
            }
        };
        self.source.diagnostic(place, Refusal { rule, problem: problem.into(), help: help.into() })
    }
}

impl Places<'_> {
    /// Takes in what a body sets; `path` leads to it, `unlabelled` leaves the labels of its blocks out.
    fn add(&mut self, body: &Body, path: &str, unlabelled: &str) {
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => self.add_attribute(attribute, path, unlabelled),
                Structure::Block(block) => {
                    let mut path = full_name(path, &block.ident);
                    let unlabelled = full_name(unlabelled, &block.ident);
                    let mut at = span(&block.ident);
                    if let Some(label) = block.labels.first() {
                        path = full_name(&path, label.as_str());
                        at = span(label);
                    }
                    self.add(&block.body, &path, &unlabelled);
                    self.insert(&path, &unlabelled, at);
                }
            }
        }
    }

    fn add_attribute(&mut self, attribute: &Attribute, path: &str, unlabelled: &str) {
        let (path, unlabelled) = (full_name(path, &attribute.key), full_name(unlabelled, &attribute.key));
        let object = attribute.value.as_object();
        for (key, value) in object.into_iter().flat_map(Object::iter) {
            if let Some(key) = plain(key) {
                self.insert(&full_name(&path, key), &full_name(&unlabelled, key), span(value.expr()));
            }
        }
        if object.is_none_or(|object| object.iter().any(|(key, _)| plain(key).is_none())) {
            self.computed.insert(path.to_lowercase());
        }
        self.insert(&path, &unlabelled, span(&attribute.value));
    }

    fn insert(&mut self, path: &str, unlabelled: &str, at: Range<usize>) {
        self.first.entry(unlabelled.to_lowercase()).or_insert_with(|| at.clone());
        self.by_path.insert(path.to_lowercase(), at);
    }
}

/// Returns a key that is written out; `None` if it is computed.
fn plain(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(ident) => Some(ident.as_str()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.value()),
        ObjectKey::Expression(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::validate::LANGUAGE;

    /// Wraps a line into the blocks of a path, which have labels or not.
    fn blueprint(path: &str, line: &str, label: &str) -> String {
        let blocks = path.split('.').filter(|block| !block.is_empty());
        let open: String = blocks.clone().map(|block| format!("{block}{label} {{\n")).collect();
        format!("cluster \"herd\" {{\n{open}{line}\n{}}}\n", "}\n".repeat(blocks.count()))
    }

    #[test]
    fn every_attribute_and_block_that_is_set_is_found() {
        assert!(LANGUAGE.len() > 60, "only {} names were found", LANGUAGE.len());
        for word in LANGUAGE.iter() {
            let (path, name) = (word.full_name(), word.doc.name);
            let line = if word.is_block() { format!("{name} {{}}") } else { format!("{name} = 1") };
            for label in ["", " \"label\""] {
                let text = blueprint(&word.path, &line, label);
                let found = Places::of("", &text).line(&path).map(|(_, found)| found.to_string());
                assert_eq!(found.as_deref(), Some(line.as_str()), "{path} in\n{text}");
                assert_eq!(Places::of("", &blueprint(&word.path, "", label)).line(&path), None, "{path} is not set");
            }
        }
    }

    #[test]
    fn of_blocks_with_labels_a_path_finds_its_own_or_the_first() {
        let text = "cluster \"herd\" {\nnetwork {\nsubnet \"A\" {\nid = 1\n}\nsubnet \"b\" {\nid = 2\n}\n}\ntags = { Team = \"x\" }\n}";
        let places = Places::of("", text);
        let line = |path| places.line(path).map(|(number, _)| number);
        assert_eq!([line("network.subnet.A.id"), line("network.subnet.b.id")], [Some(4), Some(7)]);
        assert_eq!([line("network.subnet"), line("network.subnet.id")], [Some(3), Some(4)]);
        assert_eq!([line("tags.Team"), line("tags.other"), line("network.subnet.c")], [Some(10), None, None]);
    }
}
