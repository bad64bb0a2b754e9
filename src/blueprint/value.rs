//! The values of a blueprint's attributes, after their expressions are evaluated.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use hcl_edit::Number;

use super::diagnostic::{Refusal, refuse};
use super::rules::language as is;

/// A value and its place in the text. The result of an expression has the place of the expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluated {
    pub at: Range<usize>,
    pub data: Data,
}

/// The types of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Evaluated>),
    Map(Vec<MapEntry>),
    /// A word without quotes, usually meant as text.
    Word(String),
    Heredoc,
    /// An expression that could not be evaluated. The problem has been reported.
    Refused,
}

/// A key of a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MapEntry {
    pub key: String,
    pub key_at: Range<usize>,
    pub value: Evaluated,
}

impl Evaluated {
    pub fn new(at: Range<usize>, data: Data) -> Self {
        Evaluated { at, data }
    }

    /// Returns a copy of the value, placed at `at` together with everything in it.
    pub fn moved(&self, at: &Range<usize>) -> Evaluated {
        let data = match &self.data {
            Data::List(items) => Data::List(items.iter().map(|item| item.moved(at)).collect()),
            Data::Map(entries) => {
                let entry =
                    |e: &MapEntry| MapEntry { key: e.key.clone(), key_at: at.clone(), value: e.value.moved(at) };
                Data::Map(entries.iter().map(entry).collect())
            }
            data => data.clone(),
        };
        Evaluated::new(at.clone(), data)
    }

    pub fn is_refused(&self) -> bool {
        self.data == Data::Refused
    }

    /// Returns the number of elements and characters that a copy of the value takes.
    pub fn weight(&self) -> usize {
        1 + match &self.data {
            Data::Text(text) => text.len(),
            Data::List(items) => items.iter().map(Evaluated::weight).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.weight()).sum(),
            _ => 0,
        }
    }
}

impl Data {
    /// Returns the type's name as messages use it.
    pub fn name(&self) -> &'static str {
        match self {
            Data::Null => "null",
            Data::Bool(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
            Data::Word(_) => "a bare word",
            Data::Heredoc => "a heredoc",
            Data::Refused => "nothing",
        }
    }
}

/// Returns the value's text, or refuses a value that is not text.
pub(super) fn text(value: &Evaluated) -> Result<&str, Refusal> {
    match &value.data {
        Data::Text(text) => Ok(text),
        Data::Number(number) => mismatch(value, "text", &format!("write it in quotes: \"{number}\"")),
        Data::Bool(flag) => mismatch(value, "text", &format!("write it in quotes: \"{flag}\"")),
        _ => mismatch(value, "text", "write text in double quotes"),
    }
}

/// Returns a whole number within bounds, or refuses the value.
pub(super) fn whole_number(value: &Evaluated, bounds: &RangeInclusive<u32>, unit: &str) -> Result<u32, Refusal> {
    let (low, high) = (bounds.start(), bounds.end());
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let help = match unit.trim() {
        "s" => format!("write a whole number of seconds from {low} to {high}, without quotes and unit"),
        "GiB" | "MiB" => format!("write a whole number of{unit} from {low} to {high}, without quotes and unit"),
        _ => format!("write a whole number from {low} to {high}"),
    };
    match &value.data {
        Data::Number(number) if number.is_f64() => refuse(&is::TYPE, format!("{number} is not a whole number"), help),
        Data::Number(number) => match number.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n) if bounds.contains(&n) => Ok(n),
            _ => refuse(&is::BOUNDS, format!("{number} is not within {low} to {high}{unit}"), help),
        },
        Data::Text(text) if text.parse::<u32>().is_ok() => {
            mismatch(value, "a whole number", &format!("write {text} without quotes"))
        }
        _ => mismatch(value, "a whole number", &help),
    }
}

/// Refuses a value of another type than the one expected.
pub(super) fn mismatch<T>(value: &Evaluated, expected: impl Display, help: &str) -> Result<T, Refusal> {
    match &value.data {
        Data::Null => refuse(&is::TYPE, "null is not a value here", "remove the line to use the default"),
        Data::Word(word) => {
            let quoted = help.contains("quotes") && !help.contains("without");
            let help = if quoted { format!("write \"{word}\"") } else { help.to_string() };
            refuse(&is::BARE_WORD, format!("`{word}` without quotes is not a value"), help)
        }
        data => refuse(&is::TYPE, format!("expected {expected}, not {}", data.name()), help),
    }
}
