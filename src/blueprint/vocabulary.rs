//! The names that the readers ask for: the language itself, learnt while a blueprint is read. The rest is unknown.

use std::cell::RefCell;
use std::ops::Range;

use super::diagnostic::SourceText;
use super::form::Form;
use super::rules::language as is;
use super::tree::Body;

/// How a name is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Attribute,
    Block,
}

/// A name that a block may hold.
#[derive(Clone, PartialEq)]
pub(super) struct Word {
    /// The path of its block; empty for the cluster's own.
    pub path: String,
    pub name: &'static str,
    pub kind: Kind,
    /// What it holds, for an attribute.
    pub form: Form,
}

/// Every name that was asked for. Absent blocks are asked as well, so it is complete.
#[derive(Default)]
pub(super) struct Vocabulary(RefCell<Vec<Word>>);

impl Vocabulary {
    /// A block of this path may hold this name.
    pub fn learn(&self, path: &str, name: &'static str, kind: Kind, form: Form) {
        self.0.borrow_mut().push(Word { path: path.to_string(), name, kind, form });
    }

    /// What was learnt, in that order, each name once.
    pub fn words(self) -> Vec<Word> {
        let mut words: Vec<Word> = vec![];
        for word in self.0.into_inner() {
            if !words.iter().any(|known| known.path == word.path && known.name == word.name) {
                words.push(word);
            }
        }
        words
    }

    /// Reports each name in the body, and in the blocks within, that was never learnt.
    pub fn report_unknown(&self, source: &SourceText, body: &Body, path: &str) {
        for attribute in &body.attributes {
            if !self.knows(path, &attribute.name, Kind::Attribute) && !source.is_reported(&attribute.at) {
                self.report(source, path, &attribute.name, &attribute.at, Kind::Attribute);
            }
        }
        for block in &body.blocks {
            if self.knows(path, &block.name, Kind::Block) {
                self.report_unknown(source, &block.body, &full_name(path, &block.name));
            } else {
                self.report(source, path, &block.name, &block.at, Kind::Block);
            }
        }
    }

    fn knows(&self, path: &str, name: &str, kind: Kind) -> bool {
        self.0.borrow().iter().any(|word| word.path == path && word.name == name && word.kind == kind)
    }

    fn report(&self, source: &SourceText, path: &str, name: &str, at: &Range<usize>, kind: Kind) {
        let full = full_name(path, name);
        let words = self.0.borrow();
        let here = || words.iter().filter(|word| word.path == path).map(|word| word.name);
        let elsewhere = || words.iter().filter(|word| word.name == name).map(|word| word.path.as_str());
        if here().any(|known| known == name) {
            let (is, help) = match kind {
                Kind::Attribute => ("a block", format!("write `{name} {{ … }}`, without `=`")),
                Kind::Block => ("an attribute", format!("write `{name} = …`, with `=`")),
            };
            return source.report(&is::KIND, at, format!("`{full}` is {is}"), help);
        }
        let help = if let Some(meant) = nearest(name, here()) {
            format!("did you mean `{meant}`?")
        } else if elsewhere().next().is_some() {
            let places: Vec<_> = elsewhere().map(|p| if p.is_empty() { "the cluster itself" } else { p }).collect();
            format!("move it: `{name}` belongs in {}", places.join(" or "))
        } else {
            format!("known here: {}", here().collect::<Vec<_>>().join(", "))
        };
        source.report(&is::UNKNOWN_NAME, at, format!("`{full}` is unknown"), help);
    }
}

/// A name with its block's path, such as `haproxy.stats.port`.
pub(super) fn full_name(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// The known name that was meant: the nearest by edit distance, if it is near enough to be a slip of the hand.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase().replace('-', "_");
    (known.map(|name| (strsim::osa_distance(&written, &name.replace('-', "_")), name)))
        .filter(|(distance, name)| *distance < name.len().max(written.len()))
        .filter(|(distance, name)| *distance <= (name.len().max(written.len()) / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}
