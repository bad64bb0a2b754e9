//! A typed reader over one HCL body: it takes attributes and blocks by name, and reports everything that does not fit.

use std::ops::{Range, RangeInclusive};

use super::diagnostic::{Refusal, SourceText};
use super::form::{Form, Holds, Shown};
use super::rules::language as is;
use super::tree::{Attribute, Block, Body};
use super::value::{Data, Evaluated, MapEntry, mismatch, text, whole_number};
use super::vocabulary::{Kind, Vocabulary, Word, full_name};

/// Reads one block's body.
pub(super) struct BlockReader<'a> {
    pub source: &'a SourceText<'a>,
    vocabulary: &'a Vocabulary,
    /// `None` where the block is absent: everything in it then has its default.
    body: Option<&'a Body>,
    /// Such as `haproxy.stats`; empty for the cluster's own.
    path: String,
    /// The block's name in the text.
    pub at: Range<usize>,
}

/// A value, and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Reading<T> {
    pub value: T,
    /// Where it stands; for a default, the name of its block.
    pub at: Range<usize>,
    pub presence: Presence,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing was written.
    Default,
    /// The blueprint says so.
    Set,
    /// What was written was refused, and reported: rules across attributes have nothing to add.
    Refused,
}

impl<T> Reading<T> {
    pub fn is_refused(&self) -> bool {
        self.presence == Presence::Refused
    }

    pub fn is_set(&self) -> bool {
        self.presence == Presence::Set
    }

    pub fn set_at(value: T, at: Range<usize>) -> Self {
        Reading { value, at, presence: Presence::Set }
    }
}

impl<'a> BlockReader<'a> {
    /// Reads the cluster's block with `read`, then reports what in it nobody asked for.
    /// `at` is where its name stands.
    pub fn cluster<T>(source: &SourceText, body: &Body, at: Range<usize>, read: impl FnOnce(&BlockReader) -> T) -> T {
        let vocabulary = Vocabulary::default();
        let result = read(&BlockReader { source, vocabulary: &vocabulary, body: Some(body), path: String::new(), at });
        vocabulary.report_unknown(source, body, "");
        result
    }

    /// What `read` asks a cluster's body for: the language.
    pub fn words(source: &SourceText, body: &Body, read: impl FnOnce(&BlockReader)) -> Vec<Word> {
        let vocabulary = Vocabulary::default();
        read(&BlockReader { source, vocabulary: &vocabulary, body: Some(body), path: String::new(), at: 0..0 });
        vocabulary.words()
    }

    /// Whether the block is there at all.
    pub fn is_present(&self) -> bool {
        self.body.is_some()
    }

    /// Notes a problem of `name` in this block.
    pub fn report(&self, name: &str, at: &Range<usize>, refusal: Refusal) {
        self.source.refused(at, refusal.within(&self.full(name)));
    }

    /// Reads the inner block `name` (or, where it is absent, an empty one).
    pub fn block<T>(&self, name: &'static str, read: impl FnOnce(&BlockReader<'a>) -> T) -> T {
        self.vocabulary.learn(&self.path, name, Kind::Block, Form::of(Holds::Block));
        let mut blocks = self.blocks().filter(|b| b.name == name);
        let first = blocks.next();
        if let Some(first) = first {
            let line = self.source.line(first.at.start);
            for again in blocks {
                let problem = format!("a second `{name}` block");
                self.source.report(
                    &is::BLOCK_TWICE,
                    &again.at,
                    problem,
                    format!("merge it into the one of line {line}"),
                );
            }
            if let Some((_, at)) = first.labels.first() {
                self.source.report(
                    &is::LABEL,
                    at,
                    format!("`{name}` takes no name of its own"),
                    format!("write `{name} {{ … }}`"),
                );
            }
        }
        let at = first.map_or_else(|| self.at.clone(), |block| block.at.clone());
        read(&BlockReader { body: first.map(|block| &block.body), path: self.full(name), at, ..*self })
    }

    /// Every block `name`, for blocks that are told apart by the label behind their name. `example` is a label that would
    /// do, `attributes` are what such a block may hold.
    pub fn labelled(
        &self,
        name: &'static str,
        example: &str,
        attributes: &[(&'static str, Form)],
        mut read: impl FnMut(&BlockReader<'a>, &'a str, Range<usize>),
    ) {
        let path = self.full(name);
        self.vocabulary.learn(&self.path, name, Kind::Block, Form::of(Holds::Block));
        for (attribute, form) in attributes {
            self.vocabulary.learn(&path, attribute, Kind::Attribute, form.clone());
        }
        for block in self.blocks().filter(|b| b.name == name) {
            match block.labels.as_slice() {
                [(label, label_at)] => {
                    let inner =
                        BlockReader { body: Some(&block.body), path: path.clone(), at: block.at.clone(), ..*self };
                    read(&inner, label, label_at.clone());
                }
                _ => self.source.report(
                    &is::LABEL,
                    &block.at,
                    format!("`{name}` needs one label"),
                    format!("write `{name} \"{example}\" {{ … }}`"),
                ),
            }
        }
    }

    /// Text that means something: `parse` says what, or refuses.
    pub fn parsed<T: Shown>(
        &self,
        name: &'static str,
        default: T,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let form = Form::of(Holds::Text).or(&default);
        self.value(name, form, default, |value| parse(text(value)?))
    }

    /// The same for text that is one of these.
    pub fn choice<T: Shown>(
        &self,
        name: &'static str,
        default: T,
        all: &[&'static str],
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let form = Form::of(Holds::OneOf(all.to_vec())).or(&default);
        self.value(name, form, default, |value| parse(text(value)?))
    }

    /// The same where absent and `None` are one.
    pub fn optional<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, Refusal>) -> Reading<Option<T>> {
        self.parsed(name, None, |written| parse(written).map(Some))
    }

    /// The same for an attribute that has no default; `example` is one that would do.
    pub fn required<T: Default>(
        &self,
        name: &'static str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let form = Form::of(Holds::Text).required();
        let mut found = self.value(name, form, T::default(), |value| parse(text(value)?));
        if found.presence == Presence::Default {
            found.presence = Presence::Refused;
            self.source.report(
                &is::MISSING,
                &self.at,
                format!("`{}` is missing", self.full(name)),
                format!("write {name} = {example:?}"),
            );
        }
        found
    }

    /// A whole number within bounds; `unit` reads behind it, such as `GiB`.
    pub fn integer(&self, name: &'static str, default: u32, bounds: RangeInclusive<u32>, unit: &str) -> Reading<u32> {
        let form = Form::of(Holds::Whole { bounds: bounds.clone(), unit: unit.to_string() }).or(&default);
        self.value(name, form, default, |value| whole_number(value, &bounds, unit))
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &'static str, default: bool) -> Reading<bool> {
        self.value(name, Form::of(Holds::Boolean).or(&default), default, |value| match value.data {
            Data::Bool(flag) => Ok(flag),
            _ => mismatch(value, "true or false", "write true or false, without quotes"),
        })
    }

    /// A list of texts, each with its meaning and its place; those refused are reported and left out.
    pub fn list<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<Option<Vec<Reading<T>>>> {
        let mut written = 0;
        let mut found = self.value(name, Form::of(Holds::Texts), None, |value| {
            written = if let Data::List(items) = &value.data { items.len() } else { 0 };
            self.items(name, value, &parse).map(Some)
        });
        if found.value.as_ref().is_some_and(|items| items.len() < written) {
            found.presence = Presence::Refused;
        }
        found
    }

    /// What a value holds if it is a list of texts.
    pub fn items<T>(
        &self,
        name: &'static str,
        value: &Evaluated,
        parse: &impl Fn(&str) -> Result<T, Refusal>,
    ) -> Result<Vec<Reading<T>>, Refusal> {
        let Data::List(items) = &value.data else {
            return mismatch(value, "a list", &format!("write {name} = [\"…\", \"…\"]"));
        };
        let mut found = vec![];
        for item in items.iter().filter(|item| !item.is_refused()) {
            let at = item.at.clone();
            match text(item).and_then(parse) {
                Ok(value) => found.push(Reading::set_at(value, at)),
                Err(refusal) => self.report(name, &at, refusal),
            }
        }
        Ok(found)
    }

    /// A map's entries, in their order.
    pub fn map(&self, name: &'static str, holds: Holds) -> Vec<&'a MapEntry> {
        let help = format!("write {name} = {{ name = value }}");
        self.value(name, Form::of(holds), vec![], |value| match &value.data {
            Data::Map(entries) => Ok(Self::entries(entries)),
            _ => mismatch(value, "a map", &help),
        })
        .value
    }

    /// The entries of a map but those whose value was refused already.
    pub fn entries(entries: &'a [MapEntry]) -> Vec<&'a MapEntry> {
        entries.iter().filter(|entry| !entry.value.is_refused()).collect()
    }

    /// The value of an attribute, as it is.
    pub fn value<T>(
        &self,
        name: &'static str,
        form: Form,
        default: T,
        convert: impl FnOnce(&'a Evaluated) -> Result<T, Refusal>,
    ) -> Reading<T> {
        self.vocabulary.learn(&self.path, name, Kind::Attribute, form);
        let Some(attribute) = self.attributes().find(|a| a.name == name && !a.left_out) else {
            return Reading { value: default, at: self.at.clone(), presence: Presence::Default };
        };
        let at = attribute.value.at.clone();
        if attribute.value.is_refused() {
            return Reading { value: default, at, presence: Presence::Refused };
        }
        match convert(&attribute.value) {
            Ok(value) => Reading { value, at, presence: Presence::Set },
            Err(refusal) => {
                self.report(name, &at, refusal);
                Reading { value: default, at, presence: Presence::Refused }
            }
        }
    }

    fn attributes(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.body.into_iter().flat_map(|body| &body.attributes)
    }

    fn blocks(&self) -> impl Iterator<Item = &'a Block> + use<'a> {
        self.body.into_iter().flat_map(|body| &body.blocks)
    }

    fn full(&self, name: &str) -> String {
        full_name(&self.path, name)
    }
}
