//! A typed reader over one HCL block. It takes attributes and blocks by name, and reports every value that does not fit.
//!
//! Each call declares a name once: what it is called, what it means, which values it takes and its default. The JSON Schema
//! and the reference are recorded from the same calls.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use super::diagnostic::{Refusal, SourceText};
use super::form::{Choice, Doc, Form, Holds, ShownDefault};
use super::nearest::nearest;
use super::reading::{Presence, Reading};
use super::rules::{Rule, language as is};
use super::tree::{Attribute, Block, Body};
use super::value::{Data, Evaluated, MapEntry, mismatch, text, whole_number};
use super::vocabulary::{Word, full_name};

/// Reads one block's body.
pub(super) struct BlockReader<'a> {
    pub source: &'a SourceText<'a>,
    /// Records the names that are read, to list the language.
    recorded: Option<&'a RefCell<Vec<Word>>>,
    /// The block's contents; `None` if the block is absent, and everything in it has its default.
    body: Option<&'a Body>,
    /// The block's path, such as `haproxy.stats`; empty for the cluster's own.
    path: String,
    /// The place of the block's name in the text.
    pub at: Range<usize>,
}

impl<'a> BlockReader<'a> {
    /// Returns a reader of the cluster's block. `at` is the place of its name.
    pub fn cluster(source: &'a SourceText<'a>, body: &'a Body, at: Range<usize>) -> Self {
        BlockReader { source, recorded: None, body: Some(body), path: String::new(), at }
    }

    /// Returns every name that `read` asks for, once each, in that order. Together they are the language.
    pub fn words(source: &SourceText, body: &Body, read: impl FnOnce(&BlockReader)) -> Vec<Word> {
        let recorded = RefCell::default();
        read(&BlockReader { recorded: Some(&recorded), ..BlockReader::cluster(source, body, 0..0) });
        let mut words: Vec<Word> = vec![];
        for word in recorded.into_inner() {
            if !words.iter().any(|known| known.path == word.path && known.doc.name == word.doc.name) {
                words.push(word);
            }
        }
        words
    }

    fn record(&self, doc: Doc, form: impl FnOnce() -> Form) {
        if let Some(recorded) = self.recorded {
            recorded.borrow_mut().push(Word { path: self.path.clone(), doc, form: form() });
        }
    }

    /// Returns whether the blueprint has the block at all.
    pub fn is_present(&self) -> bool {
        self.body.is_some()
    }

    /// Reports a problem of `name` in this block.
    pub fn report(&self, name: &str, at: &Range<usize>, refusal: Refusal) {
        self.source.refused(at, refusal.within(&full_name(&self.path, name)));
    }

    /// Reads the inner block, or an empty one if it is absent.
    pub fn block<T>(&self, doc: Doc, read: impl FnOnce(&BlockReader<'a>) -> T) -> T {
        let name = doc.name;
        self.record(doc, || Form::of(Holds::Block { label: None }));
        let mut blocks = self.blocks().filter(|b| b.name == name);
        let first = blocks.next();
        if let Some(first) = first {
            let line = self.source.line(first.at.start);
            for again in blocks {
                let help = format!("merge it into the one on line {line}");
                self.source.report(&is::BLOCK_TWICE, &again.at, format!("a second `{name}` block"), help);
            }
            if let Some((_, at)) = first.labels.first() {
                let problem = format!("`{name}` takes no label");
                self.source.report(&is::LABEL, at, problem, format!("write `{name} {{ … }}`"));
            }
        }
        let at = first.map_or_else(|| self.at.clone(), |block| block.at.clone());
        let path = full_name(&self.path, name);
        read(&BlockReader { body: first.map(|block| &block.body), path, at, ..*self })
    }

    /// Reads every block of this name. Each has one label; `label` describes it, and `example` is a valid one.
    pub fn labelled(
        &self,
        doc: Doc,
        label: &'static str,
        example: &str,
        mut read: impl FnMut(&BlockReader<'a>, &'a str, Range<usize>),
    ) {
        let name = doc.name;
        self.record(doc, || Form::of(Holds::Block { label: Some(label) }));
        for block in self.blocks().filter(|b| b.name == name) {
            match block.labels.as_slice() {
                [(label, label_at)] => {
                    let (path, at) = (full_name(&self.path, name), block.at.clone());
                    read(&BlockReader { body: Some(&block.body), path, at, ..*self }, label, label_at.clone());
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

    /// Reads a text. `parse` returns its meaning, or refuses it.
    pub fn parsed<T: ShownDefault>(
        &self,
        doc: Doc,
        default: T,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let form = Form::of(Holds::Text).or(&default);
        self.value(doc, form, default, |value| parse(text(value)?))
    }

    /// Reads one of a few words. `unknown` refuses any other.
    pub fn choice<T: Choice>(&self, doc: Doc, default: T, unknown: impl Fn(&str) -> Refusal) -> Reading<T> {
        let form = Form::of(Holds::OneOf(T::words())).or(&default);
        self.value(doc, form, default, |value| {
            let word = text(value)?;
            T::named(word).ok_or_else(|| unknown(word))
        })
    }

    /// Reads a text without a default. Returns `None` if it is not set.
    pub fn optional<T>(&self, doc: Doc, parse: impl Fn(&str) -> Result<T, Refusal>) -> Reading<Option<T>> {
        self.parsed(doc, None, |written| parse(written).map(Some))
    }

    /// Reads a text that must be set; `example` is a valid one.
    pub fn required<T: Default>(
        &self,
        doc: Doc,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let mut reading = self.value(doc, Form::of(Holds::Text).required(), T::default(), |value| parse(text(value)?));
        if reading.is_default() {
            reading.presence = Presence::Refused;
            let problem = format!("`{}` is missing", full_name(&self.path, doc.name));
            self.source.report(&is::MISSING, &self.at, problem, format!("write {} = {example:?}", doc.name));
        }
        reading
    }

    /// Reads a whole number within bounds. Messages print the unit behind it, such as `GiB`.
    pub fn integer(&self, doc: Doc, default: u32, bounds: RangeInclusive<u32>, unit: &'static str) -> Reading<u32> {
        let form = Form::of(Holds::Whole { bounds: bounds.clone(), unit }).or(&default);
        self.value(doc, form, default, |value| whole_number(value, &bounds, unit))
    }

    /// Reads `true` or `false`.
    pub fn boolean(&self, doc: Doc, default: bool) -> Reading<bool> {
        self.value(doc, Form::of(Holds::Boolean).or(&default), default, |value| match value.data {
            Data::Bool(flag) => Ok(flag),
            _ => mismatch(value, "true or false", "write true or false, without quotes"),
        })
    }

    /// Reads a list of texts, each with its meaning and place. Items that are refused are reported and left out.
    pub fn list<T>(&self, doc: Doc, parse: impl Fn(&str) -> Result<T, Refusal>) -> Reading<Option<Vec<Reading<T>>>> {
        self.list_of(doc, Form::of(Holds::Texts), parse)
    }

    /// Reads a list of texts that must be set. The caller reports a missing list.
    pub fn required_list<T>(
        &self,
        doc: Doc,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<Option<Vec<Reading<T>>>> {
        self.list_of(doc, Form::of(Holds::Texts).required(), parse)
    }

    fn list_of<T>(
        &self,
        doc: Doc,
        form: Form,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Reading<Option<Vec<Reading<T>>>> {
        let mut count = 0;
        let mut reading = self.value(doc, form, None, |value| {
            count = if let Data::List(items) = &value.data { items.len() } else { 0 };
            self.items(doc.name, value, &parse).map(Some)
        });
        if reading.value.as_ref().is_some_and(|items| items.len() < count) {
            reading.presence = Presence::Refused;
        }
        reading
    }

    /// Returns the items of a value that is a list of texts.
    pub fn items<T>(
        &self,
        name: &'static str,
        value: &Evaluated,
        parse: &impl Fn(&str) -> Result<T, Refusal>,
    ) -> Result<Vec<Reading<T>>, Refusal> {
        let Data::List(items) = &value.data else {
            return mismatch(value, "a list", &format!("write {name} = [\"…\", \"…\"]"));
        };
        let mut readings = vec![];
        for item in items.iter().filter(|item| !item.is_refused()) {
            let at = item.at.clone();
            match text(item).and_then(parse) {
                Ok(value) => readings.push(Reading::set_at(value, at)),
                Err(refusal) => self.report(name, &at, refusal),
            }
        }
        Ok(readings)
    }

    /// Reads a map and returns its entries in their order.
    pub fn map(&self, doc: Doc, holds: Holds) -> Vec<&'a MapEntry> {
        let help = format!("write {} = {{ name = value }}", doc.name);
        self.value(doc, Form::of(holds), vec![], |value| match &value.data {
            Data::Map(entries) => Ok(Self::entries(entries)),
            _ => mismatch(value, "a map", &help),
        })
        .value
    }

    /// Returns a map's entries, except those whose expression was refused already.
    pub fn entries(entries: &'a [MapEntry]) -> Vec<&'a MapEntry> {
        entries.iter().filter(|entry| !entry.value.is_refused()).collect()
    }

    /// Reads an attribute of any form. `convert` returns the meaning of its value, or refuses it.
    pub fn value<T>(
        &self,
        doc: Doc,
        form: Form,
        default: T,
        convert: impl FnOnce(&'a Evaluated) -> Result<T, Refusal>,
    ) -> Reading<T> {
        let name = doc.name;
        self.record(doc, || form);
        let Some(attribute) = self.attributes().find(|a| a.name == name && !a.left_out) else {
            return Reading { value: default, at: self.at.clone(), presence: Presence::Default };
        };
        let at = attribute.value.at.clone();
        if attribute.value.is_refused() {
            return Reading { value: default, at, presence: Presence::Refused };
        }
        match convert(&attribute.value) {
            Ok(value) => Reading::set_at(value, at),
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
}

/// Returns a refusal of a word that is not among an attribute's choices.
pub(super) fn unknown_choice<T: Choice>(rule: &'static Rule, word: &str) -> Refusal {
    let words = T::words();
    let help = match nearest(word, words.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"? Valid values are {}", words.join(", ")),
        None => format!("write one of {}", words.join(", ")),
    };
    Refusal { rule, problem: format!("`{word}` is not a valid value"), help }
}
