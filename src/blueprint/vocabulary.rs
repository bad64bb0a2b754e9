//! The names of the language, and what is reported about a name that is not among them.

use std::ops::Range;

use super::diagnostic::SourceText;
use super::form::{Doc, Form, Holds};
use super::nearest::nearest;
use super::rules::language as is;
use super::tree::Body;

/// A name that a block may hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    /// The path of the block that holds it; empty for the cluster's own.
    pub path: String,
    pub doc: Doc,
    pub form: Form,
}

impl Word {
    pub fn is_block(&self) -> bool {
        matches!(self.form.holds, Holds::Block { .. })
    }

    /// Returns the name with its block's path, such as `haproxy.stats.port`.
    pub fn full_name(&self) -> String {
        full_name(&self.path, self.doc.name)
    }
}

/// Reports each name in the body, and in the blocks within, that is not in the language.
pub(super) fn report_unknown(source: &SourceText, body: &Body, path: &str, language: &[Word]) {
    let find = |name: &str| language.iter().find(|word| word.path == path && word.doc.name == name);
    for attribute in body.attributes.iter().filter(|attribute| !source.is_reported(&attribute.at)) {
        match find(&attribute.name) {
            Some(word) if word.is_block() => {
                let help = format!("write `{} {{ … }}`, without `=`", attribute.name);
                let problem = format!("`{}` is a block", word.full_name());
                source.report(&is::KIND, &attribute.at, problem, help);
            }
            Some(_) => {}
            None => report(source, path, &attribute.name, &attribute.at, language),
        }
    }
    for block in &body.blocks {
        match find(&block.name) {
            Some(word) if !word.is_block() => {
                let help = format!("write `{} = …`, with `=`", block.name);
                source.report(&is::KIND, &block.at, format!("`{}` is an attribute", word.full_name()), help);
            }
            Some(word) => report_unknown(source, &block.body, &word.full_name(), language),
            None => report(source, path, &block.name, &block.at, language),
        }
    }
}

fn report(source: &SourceText, path: &str, name: &str, at: &Range<usize>, language: &[Word]) {
    let here = || language.iter().filter(|word| word.path == path).map(|word| word.doc.name);
    let elsewhere: Vec<&str> =
        language.iter().filter(|word| word.doc.name == name).map(|word| word.path.as_str()).collect();
    let help = if let Some(meant) = nearest(name, here()) {
        format!("did you mean `{meant}`?")
    } else if !elsewhere.is_empty() {
        let places: Vec<_> = elsewhere.iter().map(|p| if p.is_empty() { "the cluster itself" } else { p }).collect();
        format!("move it: `{name}` belongs in {}", places.join(" or "))
    } else {
        format!("valid names here: {}", here().collect::<Vec<_>>().join(", "))
    };
    source.report(&is::UNKNOWN_NAME, at, format!("`{}` is unknown", full_name(path, name)), help);
}

/// Returns a name with its block's path, such as `haproxy.stats.port`.
pub(super) fn full_name(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}
