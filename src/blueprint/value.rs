//! What a blueprint's attributes hold, once every expression was evaluated.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use hcl_edit::Number;

use super::diagnostic::{Refusal, refuse};
use super::rules::language as is;

/// A value, and where it stands. What an expression makes stands where the expression does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub at: Range<usize>,
    pub kind: Kind,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
    Map(Vec<Entry>),
    /// A word without quotes: people write it for text.
    Word(String),
    Heredoc,
    /// An expression that cannot be evaluated, which was reported.
    Refused,
}

/// A key of a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub key_at: Range<usize>,
    pub value: Value,
}

impl Value {
    pub fn new(at: Range<usize>, kind: Kind) -> Self {
        Value { at, kind }
    }

    /// The same value, as if it stood there with all that is in it.
    pub fn moved(&self, at: &Range<usize>) -> Value {
        let kind = match &self.kind {
            Kind::List(items) => Kind::List(items.iter().map(|item| item.moved(at)).collect()),
            Kind::Map(entries) => {
                let entry = |e: &Entry| Entry { key: e.key.clone(), key_at: at.clone(), value: e.value.moved(at) };
                Kind::Map(entries.iter().map(entry).collect())
            }
            kind => kind.clone(),
        };
        Value::new(at.clone(), kind)
    }

    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// How many parts and characters it has: what it costs to copy.
    pub fn weight(&self) -> usize {
        1 + match &self.kind {
            Kind::Text(text) => text.len(),
            Kind::List(items) => items.iter().map(Value::weight).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.weight()).sum(),
            _ => 0,
        }
    }
}

impl Kind {
    /// What it is, in words.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Word(_) => "a bare word",
            Kind::Heredoc => "a heredoc",
            Kind::Refused => "nothing",
        }
    }
}

/// The text of a value that is one.
pub(super) fn text(value: &Value) -> Result<&str, Refusal> {
    match &value.kind {
        Kind::Text(text) => Ok(text),
        Kind::Number(number) => mismatch(value, "text", &format!("write it in quotes: \"{number}\"")),
        Kind::Bool(flag) => mismatch(value, "text", &format!("write it in quotes: \"{flag}\"")),
        _ => mismatch(value, "text", "write text in double quotes"),
    }
}

/// A whole number within bounds.
pub(super) fn whole_number(value: &Value, bounds: &RangeInclusive<u32>, unit: &str) -> Result<u32, Refusal> {
    let (low, high) = (bounds.start(), bounds.end());
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let help = format!("write a whole number from {low} to {high}");
    match &value.kind {
        Kind::Number(number) if number.is_f64() => refuse(&is::TYPE, format!("{number} is no whole number"), help),
        Kind::Number(number) => match number.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n) if bounds.contains(&n) => Ok(n),
            _ => refuse(&is::BOUNDS, format!("{number} is not within {low} to {high}{unit}"), help),
        },
        Kind::Text(text) if text.parse::<u32>().is_ok() => {
            mismatch(value, "a whole number", &format!("write {text} without quotes"))
        }
        _ => mismatch(value, "a whole number", &help),
    }
}

/// Refuses a value of another type than the one expected.
pub(super) fn mismatch<T>(value: &Value, expected: impl Display, help: &str) -> Result<T, Refusal> {
    match &value.kind {
        Kind::Null => refuse(&is::TYPE, "null is no value here", "leave the line out for the default"),
        Kind::Word(word) => {
            let quoted = help.contains("quotes") && !help.contains("without");
            let help = if quoted { format!("write \"{word}\"") } else { help.to_string() };
            refuse(&is::BARE_WORD, format!("the bare word `{word}` is no value"), help)
        }
        kind => refuse(&is::TYPE, format!("expected {expected}, not {}", kind.name()), help),
    }
}
