//! The values of parameters: the one place that reads, compares and prints them.
//!
//! A value is read by its parameter's type and base unit, as PostgreSQL's `parse_and_validate_value` (guc.c) does.

mod list;
mod number;
mod unit;

pub use list::{libraries, library, list};
pub use unit::units;

use super::{Kind, Parameter, newest};

/// A value as the server keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// On or off.
    Bool(bool),
    /// A number in the parameter's base unit, rounded if the parameter is a whole number.
    Number(f64),
    /// One of the parameter's words, as `SHOW` spells it.
    Word(&'static str),
    /// The names of a list.
    List(Vec<String>),
    /// The text as it was written.
    Text(String),
}

/// Why a text is not a value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The text is neither on nor off.
    NotBool,
    /// The text does not begin with a number.
    NotNumber,
    /// The number has a unit, and the parameter has none.
    HasUnit,
    /// The parameter does not take this unit.
    UnknownUnit,
    /// The number is below the parameter's minimum or above its maximum.
    OutOfBounds,
    /// The text is not one of the parameter's words.
    NotWord,
    /// The text is not a list of names.
    NotList,
}

/// Reads a boolean as PostgreSQL's `parse_bool` does: on, off, 1, 0, or any prefix of true, false, yes and no, in any case.
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
    /// Fails if a server with this value in its configuration would not start.
    pub fn read(&self, text: &str) -> Result<Value, Unreadable> {
        match self.kind {
            Kind::Bool => boolean(text).map(Value::Bool).ok_or(Unreadable::NotBool),
            Kind::Enum => self.word(text).map(Value::Word).ok_or(Unreadable::NotWord),
            Kind::Integer | Kind::Real => self.number(text).map(Value::Number),
            Kind::String if list::is_list(self.name) => {
                list::read(self.name, text).map(Value::List).ok_or(Unreadable::NotList)
            }
            Kind::String | Kind::Shown => Ok(Value::Text(text.to_string())),
        }
    }

    /// Returns the spelling of a value that both PostgreSQL and Patroni read; Patroni knows fewer spellings of words. Keeps `written`
    /// for numbers and texts.
    pub fn spell(&self, value: &Value, written: &str) -> String {
        match value {
            Value::Bool(_) | Value::Word(_) => self.show(value),
            Value::Number(_) | Value::List(_) | Value::Text(_) => written.into(),
        }
    }

    /// Prints a value as `SHOW` does: numbers in the largest unit that divides them evenly, and modes of files in octal.
    pub fn show(&self, value: &Value) -> String {
        match value {
            Value::Bool(true) => "on".into(),
            Value::Bool(false) => "off".into(),
            Value::Word(word) => (*word).into(),
            Value::Number(mode) if self.is_mode() => format!("{:04o}", *mode as u32),
            Value::Number(number) => unit::show(*number, self.unit),
            Value::List(names) => names.join(", "),
            Value::Text(text) => text.clone(),
        }
    }

    /// Returns whether the number is a file's mode, which PostgreSQL prints in octal (`show_unix_socket_permissions`, `show_log_file_mode`).
    pub fn is_mode(&self) -> bool {
        matches!(self.name, "unix_socket_permissions" | "log_file_mode")
    }

    /// Returns the word that `SHOW` prints. PostgreSQL takes some words that pg_settings does not list (`config_enum_entry.hidden`): other
    /// spellings of on and off, `debug`, `info`, and wal_level's names before 9.6. Of two words with one meaning, `SHOW` prints the first.
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
        match listed(text).or(hidden) {
            Some("on") if self.name == "wal_compression" => listed("pglz"),
            word => word,
        }
    }

    fn number(&self, text: &str) -> Result<f64, Unreadable> {
        let whole = self.kind == Kind::Integer;
        let read = if whole { number::integer(text) } else { number::real(text) };
        let (number, rest) = read.ok_or(Unreadable::NotNumber)?;
        let number = match unit::trim(rest) {
            "" => number,
            name if self.unit.is_empty() && unit::is_known(name) => return Err(Unreadable::HasUnit),
            _ if self.unit.is_empty() => return Err(Unreadable::NotNumber),
            name => unit::convert(number, name, self.unit).ok_or(Unreadable::UnknownUnit)?,
        };
        let number = if whole { number.round_ties_even() } else { number };
        let bound = |text: &str, otherwise: f64| text.parse().unwrap_or(otherwise);
        match (bound(self.least, f64::MIN)..=bound(self.most, f64::MAX)).contains(&number) {
            true => Ok(number),
            false => Err(Unreadable::OutOfBounds),
        }
    }
}

/// Reads a number in the parameter's base unit. Returns `None` if the text is not a number of this parameter.
pub fn number(name: &str, text: &str) -> Option<f64> {
    // The newest major has the widest bounds; units never changed.
    match newest(name)?.read(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

/// Reads a number in another unit than the parameter's own.
fn number_in(name: &str, text: &str, unit: &str) -> Option<f64> {
    let one = unit::convert(1.0, unit, newest(name)?.unit)?;
    Some(number(name, text)? / one)
}

/// Reads a size in kB. A negative size means no limit, where the parameter allows that.
pub fn kib(name: &str, text: &str) -> Option<i64> {
    number_in(name, text, "kB").map(|kib| kib as i64)
}

/// Reads a time in milliseconds. Returns `None` for a negative number, which means no limit.
pub fn milliseconds(name: &str, text: &str) -> Option<u32> {
    number_in(name, text, "ms").filter(|ms| *ms >= 0.0).map(|ms| ms as u32)
}

/// Reads a count. Returns `None` for a negative number.
pub fn count(name: &str, text: &str) -> Option<u32> {
    number(name, text).filter(|number| *number >= 0.0).map(|number| number as u32)
}

#[cfg(test)]
mod tests;
