//! A typed reader over one HCL body: it takes attributes and blocks by name, and reports everything that does not fit.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body};

use super::diagnostic::{Refusal, Source, refuse};
use super::document::is_written;
use super::validate::names::nearest;

/// Reads one block's body. What nobody has asked for when the reading is over is unknown, and reported.
pub(super) struct Reader<'a> {
    pub source: &'a Source<'a>,
    /// `None` where the block is absent: everything in it then has its default.
    body: Option<&'a Body>,
    /// Such as `haproxy.stats`; empty for the cluster's own.
    path: String,
    /// The block's name in the text.
    pub at: Range<usize>,
    asked: RefCell<Vec<(&'static str, Kind)>>,
}

/// How a name is written.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Attribute,
    Block,
}

/// A value, and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub value: T,
    /// Where it stands; for a default, the name of its block.
    pub at: Range<usize>,
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nothing was written.
    Default,
    /// The blueprint says so.
    Written,
    /// What was written was refused, and reported: rules across attributes have nothing to add.
    Refused,
}

impl<T> Found<T> {
    pub fn refused(&self) -> bool {
        self.origin == Origin::Refused
    }

    pub fn written(&self) -> bool {
        self.origin == Origin::Written
    }

    pub fn written_at(value: T, at: Range<usize>) -> Self {
        Found { value, at, origin: Origin::Written }
    }
}

/// A key of a map attribute and its value.
pub(super) struct Entry<'a> {
    pub key: String,
    pub key_at: Range<usize>,
    pub value: &'a Expression,
}

impl<'a> Reader<'a> {
    /// Reads a block with `read`, then reports what is unknown in it.
    pub fn read<T>(
        source: &'a Source<'a>,
        block: Option<&'a Block>,
        path: String,
        parent: &Range<usize>,
        read: impl FnOnce(&Reader<'a>) -> T,
    ) -> T {
        let at = block.and_then(|b| b.ident.span()).unwrap_or_else(|| parent.clone());
        let reader = Reader { source, body: block.map(|b| &b.body), path, at, asked: RefCell::default() };
        let result = read(&reader);
        reader.report_unknown();
        result
    }

    /// Whether the block is there at all.
    pub fn is_present(&self) -> bool {
        self.body.is_some()
    }

    /// Notes a problem of `name` in this block.
    pub fn report(&self, name: &str, at: &Range<usize>, refusal: Refusal) {
        self.source.report(at, format!("{}: {}", self.full(name), refusal.problem), refusal.help);
    }

    /// Reads the inner block `name` (or, where it is absent, an empty one).
    pub fn block<T>(&self, name: &'static str, read: impl FnOnce(&Reader<'a>) -> T) -> T {
        self.asked.borrow_mut().push((name, Kind::Block));
        let mut blocks = self.blocks().filter(|b| b.ident.as_str() == name);
        let first = blocks.next();
        if let Some(first) = first {
            let line = self.source.line(span(&first.ident).start);
            for again in blocks {
                let problem = format!("a second `{name}` block");
                self.source.report(&span(&again.ident), problem, format!("merge it into the one of line {line}"));
            }
            if let Some(label) = first.labels.first() {
                let at = label.span().unwrap_or_else(|| span(&first.ident));
                self.source.report(
                    &at,
                    format!("`{name}` takes no name of its own"),
                    format!("write `{name} {{ … }}`"),
                );
            }
        }
        Reader::read(self.source, first, self.full(name), &self.at, read)
    }

    /// Text that means something: `parse` says what, or refuses.
    pub fn parsed<T>(&self, name: &'static str, default: T, parse: impl Fn(&str) -> Result<T, Refusal>) -> Found<T> {
        self.value(name, default, |expr| parse(text(expr)?))
    }

    /// The same where absent and `None` are one.
    pub fn optional<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, Refusal>) -> Found<Option<T>> {
        self.parsed(name, None, |written| parse(written).map(Some))
    }

    /// The same for an attribute that has no default; `example` is one that would do.
    pub fn required<T: Default>(
        &self,
        name: &'static str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Found<T> {
        let mut found = self.parsed(name, T::default(), parse);
        if found.origin == Origin::Default {
            found.origin = Origin::Refused;
            self.source.report(
                &self.at,
                format!("`{}` is missing", self.full(name)),
                format!("write {name} = {example:?}"),
            );
        }
        found
    }

    /// A whole number within bounds; `unit` reads behind it, such as `GiB`.
    pub fn integer(&self, name: &'static str, default: u32, bounds: RangeInclusive<u32>, unit: &str) -> Found<u32> {
        self.value(name, default, |expr| whole_number(expr, &bounds, unit))
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &'static str, default: bool) -> Found<bool> {
        self.value(name, default, |expr| match expr {
            Expression::Bool(value) => Ok(*value.value()),
            other => mismatch(other, "true or false", "write true or false, without quotes"),
        })
    }

    /// A list of texts, each with its meaning and its place; those refused are reported and left out.
    pub fn list<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Found<Option<Vec<Found<T>>>> {
        self.value(name, None, |expr| self.items(name, expr, &parse).map(Some))
    }

    /// What an expression holds if it is a list of texts.
    pub fn items<T>(
        &self,
        name: &'static str,
        expr: &Expression,
        parse: &impl Fn(&str) -> Result<T, Refusal>,
    ) -> Result<Vec<Found<T>>, Refusal> {
        let Expression::Array(array) = expr else {
            return mismatch(expr, "a list", &format!("write {name} = [\"…\", \"…\"]"));
        };
        let mut found = vec![];
        for item in array.iter() {
            let at = span(item);
            match text(item).and_then(parse) {
                Ok(value) => found.push(Found::written_at(value, at)),
                Err(refusal) => self.report(name, &at, refusal),
            }
        }
        Ok(found)
    }

    /// A map's entries, in their order.
    pub fn map(&self, name: &'static str) -> Vec<Entry<'a>> {
        let help = format!("write {name} = {{ name = value }}");
        self.value(name, vec![], |expr| match expr {
            Expression::Object(_) => Ok(self.entries(name, expr)),
            other => mismatch(other, "a map", &help),
        })
        .value
    }

    /// The entries of a map expression; keys that are no plain text are reported and left out.
    pub fn entries(&self, name: &'static str, expr: &'a Expression) -> Vec<Entry<'a>> {
        let Expression::Object(object) = expr else { return vec![] };
        let mut entries = vec![];
        for (key, value) in object.iter() {
            let (key, key_at) = match key {
                ObjectKey::Ident(ident) => (Ok(ident.as_str()), span(ident)),
                ObjectKey::Expression(expr) => (text(expr), span(expr)),
            };
            match key {
                Ok(key) if !is_written(self.source, key, &key_at) => {}
                Ok(key) => entries.push(Entry { key: key.to_string(), key_at, value: value.expr() }),
                Err(_) => self.report(
                    name,
                    &key_at,
                    Refusal { problem: "a name is plain text".into(), help: "write the name in double quotes".into() },
                ),
            }
        }
        entries
    }

    /// The expression of an attribute, as it stands.
    pub fn value<T>(
        &self,
        name: &'static str,
        default: T,
        convert: impl FnOnce(&'a Expression) -> Result<T, Refusal>,
    ) -> Found<T> {
        self.asked.borrow_mut().push((name, Kind::Attribute));
        let Some(attribute) = self.attributes().find(|a| a.key.as_str() == name) else {
            return Found { value: default, at: self.at.clone(), origin: Origin::Default };
        };
        let at = span(&attribute.value);
        match convert(&attribute.value) {
            Ok(value) => Found { value, at, origin: Origin::Written },
            Err(refusal) => {
                self.report(name, &at, refusal);
                Found { value: default, at, origin: Origin::Refused }
            }
        }
    }

    fn attributes(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.body.into_iter().flat_map(|body| body.attributes())
    }

    fn blocks(&self) -> impl Iterator<Item = &'a Block> + use<'a> {
        self.body.into_iter().flat_map(|body| body.blocks())
    }

    fn full(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn report_unknown(&self) {
        for attribute in self.attributes() {
            let (name, at) = (attribute.key.as_str(), span(&attribute.key));
            if is_written(self.source, name, &at) {
                self.report_if_unknown(name, &at, Kind::Attribute);
            }
        }
        for block in self.blocks() {
            self.report_if_unknown(block.ident.as_str(), &span(&block.ident), Kind::Block);
        }
    }

    fn report_if_unknown(&self, name: &str, at: &Range<usize>, kind: Kind) {
        let asked = self.asked.borrow();
        if asked.contains(&(name, kind)) {
            return;
        }
        let full = self.full(name);
        match (asked.iter().any(|(known, _)| *known == name), kind) {
            (true, Kind::Attribute) => {
                self.source.report(at, format!("`{full}` is a block"), format!("write `{name} {{ … }}`, without `=`"))
            }
            (true, Kind::Block) => {
                self.source.report(at, format!("`{full}` is an attribute"), format!("write `{name} = …`, with `=`"))
            }
            (false, _) => {
                let known = || asked.iter().map(|(known, _)| *known);
                let help = match nearest(name, known()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
                };
                self.source.report(at, format!("`{full}` is unknown"), help);
            }
        }
    }
}

/// The text of an expression that is one.
pub(super) fn text(expr: &Expression) -> Result<&str, Refusal> {
    match expr {
        Expression::String(text) => Ok(text.value()),
        Expression::Number(number) => mismatch(expr, "text", &format!("write it in quotes: \"{}\"", number.value())),
        Expression::Bool(value) => mismatch(expr, "text", &format!("write it in quotes: \"{}\"", value.value())),
        other => mismatch(other, "text", "write text in double quotes"),
    }
}

/// A whole number within bounds.
pub(super) fn whole_number(expr: &Expression, bounds: &RangeInclusive<u32>, unit: &str) -> Result<u32, Refusal> {
    let (low, high) = (bounds.start(), bounds.end());
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let help = format!("write a whole number from {low} to {high}");
    match expr {
        Expression::Number(number) => match number.value().as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n) if bounds.contains(&n) => Ok(n),
            _ => refuse(format!("{} is not within {low} to {high}{unit}", number.value()), help),
        },
        Expression::String(text) if text.parse::<u32>().is_ok() => {
            mismatch(expr, "a whole number", &format!("write {} without quotes", text.value()))
        }
        other => mismatch(other, "a whole number", &help),
    }
}

/// Refuses an expression of another type than the one expected.
pub(super) fn mismatch<T>(expr: &Expression, expected: impl Display, help: &str) -> Result<T, Refusal> {
    let found = match expr {
        Expression::Null(_) => return refuse("null is no value here", "leave the line out for the default"),
        Expression::Variable(word) => {
            let word = word.as_str();
            let help = if help.contains("quotes") && !help.contains("without") {
                format!("write \"{word}\"")
            } else {
                help.into()
            };
            return refuse(format!("the bare word `{word}` is no value"), help);
        }
        Expression::Bool(_) => "true or false",
        Expression::Number(_) => "a number",
        Expression::String(_) => "text",
        Expression::Array(_) => "a list",
        Expression::Object(_) => "a map",
        Expression::HeredocTemplate(_) => "a heredoc",
        Expression::StringTemplate(_) => {
            return refuse("a template is not evaluated here", "write the text out; a literal `${` is written `$${`");
        }
        _ => return refuse("an expression is not evaluated here", "write the value out"),
    };
    refuse(format!("expected {expected}, not {found}"), help)
}

/// Where a part of the document stands. The parser gives every part its place.
pub(super) fn span(part: &impl Span) -> Range<usize> {
    part.span().unwrap_or_default()
}
