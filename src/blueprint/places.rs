//! Locates a blueprint's attributes, for rules that are checked after the blueprint was read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Body, Structure};

use super::diagnostic::{Diagnostic, Refusal, SourceText};
use super::rules::Rule;
use super::tree::span;
use super::vocabulary::full_name;

/// A blueprint's text, and the place of each of its attributes and blocks by path, such as `haproxy.stats.port`,
/// `postgres.settings.work_mem` or `accept.PGH003`.
pub struct Places<'a> {
    source: SourceText<'a>,
    by_path: BTreeMap<String, Range<usize>>,
    /// The paths of maps with computed keys, such as `settings = merge(…)`.
    computed: BTreeSet<String>,
}

impl<'a> Places<'a> {
    /// Locates everything in a blueprint that was read without an error. `file_name` is only used in diagnostics.
    pub fn of(file_name: &'a str, text: &'a str) -> Self {
        let source = SourceText::new(file_name, text);
        let (mut by_path, mut computed) = (BTreeMap::new(), BTreeSet::new());
        if let Ok(body) = parse_body(source.text)
            && let Some(cluster) = body.blocks().find(|block| block.ident.as_str() == "cluster")
        {
            by_path.insert(String::new(), span(&cluster.ident));
            add(&mut by_path, &mut computed, &cluster.body, "");
        }
        Places { source, by_path, computed }
    }

    /// Returns the line number, counted from 1, and the text of the line that sets this path. For a key of a map with
    /// computed keys, that is the map's line.
    pub fn line(&self, path: &str) -> Option<(usize, &'a str)> {
        let map =
            || self.by_path.get(path.rsplit_once('.').map(|(map, _)| map).filter(|map| self.computed.contains(*map))?);
        let at = self.by_path.get(path).or_else(map)?.start;
        let text = self.source.text;
        let number = text[..at].matches('\n').count() + 1;
        Some((number, text.lines().nth(number - 1)?.trim()))
    }

    /// Builds a diagnostic at this path, or at the nearest enclosing block if the path is not set.
    pub fn diagnostic(&self, path: &str, rule: &'static Rule, problem: &str, help: &str) -> Diagnostic {
        let mut at = path;
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

fn add(by_path: &mut BTreeMap<String, Range<usize>>, computed: &mut BTreeSet<String>, body: &Body, path: &str) {
    for structure in body.iter() {
        match structure {
            Structure::Attribute(attribute) => {
                let path = full_name(path, &attribute.key);
                if let Expression::Object(object) = &attribute.value {
                    for (key, value) in object.iter() {
                        let key = match key {
                            ObjectKey::Ident(ident) => ident.as_str(),
                            ObjectKey::Expression(Expression::String(text)) => text.value(),
                            ObjectKey::Expression(_) => continue,
                        };
                        by_path.insert(full_name(&path, &key.to_lowercase()), span(value.expr()));
                    }
                }
                if !matches!(&attribute.value, Expression::Object(object) if object.iter().all(|(key, _)| is_plain(key)))
                {
                    computed.insert(path.clone());
                }
                by_path.insert(path, span(&attribute.value));
            }
            Structure::Block(block) => {
                let mut path = full_name(path, &block.ident);
                let mut at = span(&block.ident);
                if let Some(label) = block.labels.first() {
                    path = full_name(&path, label.as_str());
                    at = span(label);
                }
                add(by_path, computed, &block.body, &path);
                by_path.insert(path, at);
            }
        }
    }
}

fn is_plain(key: &ObjectKey) -> bool {
    matches!(key, ObjectKey::Ident(_) | ObjectKey::Expression(Expression::String(_)))
}
