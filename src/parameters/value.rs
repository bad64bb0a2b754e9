//! What a text means to a parameter.

use super::number;
use super::{Kind, Parameter};

/// A value as the server keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// On or off.
    Bool(bool),
    /// In the parameter's own unit; rounded where it is a whole number.
    Number(f64),
    /// One of the parameter's words, as pg_settings spells it.
    Word(&'static str),
    /// As it was written.
    Text(String),
}

impl Value {
    /// Returns the text that means this value to PostgreSQL and to Patroni, which knows fewer spellings of words;
    /// `written` where that is one already.
    pub fn text(&self, written: &str) -> String {
        match self {
            Value::Bool(true) => "on".into(),
            Value::Bool(false) => "off".into(),
            Value::Word(word) => (*word).into(),
            Value::Number(_) | Value::Text(_) => written.into(),
        }
    }
}

/// Why a text is no value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Neither on nor off.
    NotBool,
    /// No number at its start.
    NotNumber,
    /// A unit, and the parameter has none.
    HasUnit,
    /// A unit that the parameter does not take.
    UnknownUnit,
    /// Below the least value or above the most.
    OutOfBounds,
    /// None of the parameter's words.
    NotWord,
}

/// PostgreSQL's `parse_bool`: on, off, 1, 0, and any beginning of true, false, yes and no, in any case.
pub fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    match () {
        () if begins("true", 1) || begins("yes", 1) || text == "on" || text == "1" => Some(true),
        () if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0" => Some(false),
        () => None,
    }
}

impl Parameter {
    /// Reads a text as PostgreSQL does.
    ///
    /// # Errors
    /// Where a server with this value in its configuration does not start.
    pub fn read(&self, text: &str) -> Result<Value, Unreadable> {
        match self.kind {
            Kind::Bool => boolean(text).map(Value::Bool).ok_or(Unreadable::NotBool),
            Kind::Enum => self.word(text).map(Value::Word).ok_or(Unreadable::NotWord),
            Kind::Integer | Kind::Real => self.number(text).map(Value::Number),
            Kind::String | Kind::Shown => Ok(Value::Text(text.to_string())),
        }
    }

    /// The word as pg_settings spells it. Some that PostgreSQL takes pg_settings hides (`config_enum_entry.hidden`): other
    /// spellings of on and off, `debug`, `info`, and the names that wal_level had before 9.6.
    fn word(&self, text: &str) -> Option<&'static str> {
        let listed = |wanted: &str| self.words().find(|word| word.eq_ignore_ascii_case(wanted));
        let hidden = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => listed("on"),
            "false" | "no" | "0" => listed("off"),
            "debug" => listed("debug2"),
            "info" => listed("notice").and(Some("info")),
            "archive" | "hot_standby" if self.name == "wal_level" => listed("replica"),
            _ => None,
        };
        listed(text).or(hidden)
    }

    fn number(&self, text: &str) -> Result<f64, Unreadable> {
        let whole = self.kind == Kind::Integer;
        let read = if whole { number::integer(text) } else { number::real(text) };
        let (number, rest) = read.ok_or(Unreadable::NotNumber)?;
        let unit = number::unit(rest);
        let number = match unit {
            "" => number,
            _ if self.unit.is_empty() => return Err(Unreadable::HasUnit),
            unit => number::convert(number, unit, self.unit).ok_or(Unreadable::UnknownUnit)?,
        };
        let number = if whole { number.round_ties_even() } else { number };
        let bound = |text: &str, otherwise: f64| text.parse().unwrap_or(otherwise);
        match (bound(self.least, f64::MIN)..=bound(self.most, f64::MAX)).contains(&number) {
            true => Ok(number),
            false => Err(Unreadable::OutOfBounds),
        }
    }
}
