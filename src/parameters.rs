//! PostgreSQL's configuration parameters: which ones each major has, what they take, and what a value means.
//!
//! Every layer reads settings here, so that a blueprint, a calculation and a running cluster agree on what `010MB` is.

mod patroni;
pub mod value;

use std::sync::LazyLock;

/// The majors in the table.
pub const MAJORS: std::ops::RangeInclusive<u16> = 13..=18;

/// The parameters of these majors, from their own pg_settings: table.py and table.sql.
const TABLE: &str = include_str!("parameters/table.tsv");
/// The parameters that a major dropped.
const GONE: &str = include_str!("parameters/gone.tsv");

/// A type of parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// One of a few words.
    Enum,
    /// A text; the table does not know its form.
    String,
    /// A value that the server only shows; nobody can set it.
    Shown,
}

/// A parameter, as a span of consecutive majors has it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name in PostgreSQL's own spelling, which is not always in lower case.
    pub name: &'static str,
    /// The first major of the span.
    pub first: u16,
    /// The last major of the span.
    pub last: u16,
    /// Its type.
    pub kind: Kind,
    /// The base unit, which a number without a unit counts, such as `8kB`; empty for a plain number.
    pub unit: &'static str,
    /// The smallest number, in its base unit; empty for none.
    pub least: &'static str,
    /// The largest number, in its base unit; empty for none.
    pub most: &'static str,
    words: &'static str,
}

impl Parameter {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let mut next = || columns.next();
        let (name, first, last) = (next()?, next()?.parse().ok()?, next()?.parse().ok()?);
        let kind = match next()? {
            "bool" => Kind::Bool,
            "integer" => Kind::Integer,
            "real" => Kind::Real,
            "enum" => Kind::Enum,
            "string" => Kind::String,
            _ => Kind::Shown,
        };
        Some(Parameter { name, first, last, kind, unit: next()?, least: next()?, most: next()?, words: next()? })
    }

    /// Returns the words of an enum.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.words.split(',')
    }

    /// Returns the extension that it belongs to, or `None` for one of the server's own.
    pub fn extension(&self) -> Option<&'static str> {
        self.name.split_once('.').map(|(extension, _)| extension)
    }
}

/// The table, read once: a run looks up hundreds of names, and reading a row takes far longer than comparing its name.
static PARAMETERS: LazyLock<Vec<Parameter>> = LazyLock::new(|| TABLE.lines().filter_map(Parameter::parse).collect());

/// Returns every parameter, once for each span of majors that have it alike.
pub fn all() -> impl Iterator<Item = Parameter> {
    PARAMETERS.iter().copied()
}

/// Returns the spans of one name, in any case, the oldest first.
fn spans(name: &str) -> impl Iterator<Item = Parameter> {
    all().filter(move |parameter| parameter.name.eq_ignore_ascii_case(name))
}

/// Returns the parameter of this major.
pub fn of(name: &str, major: u16) -> Option<Parameter> {
    spans(name).find(|parameter| (parameter.first..=parameter.last).contains(&major))
}

/// Returns the parameter as the last major that has it has it.
pub fn newest(name: &str) -> Option<Parameter> {
    spans(name).last()
}

/// Returns the first and the last major that have a parameter of this name.
pub fn majors(name: &str) -> Option<(u16, u16)> {
    let first = spans(name).next()?.first;
    Some((first, newest(name)?.last))
}

/// A parameter that a major dropped.
#[derive(Debug, Clone, Copy)]
pub struct DroppedParameter {
    /// The last release that has it, such as `9.4`.
    pub last: &'static str,
    /// The parameter that replaced it; empty if none did.
    pub instead: &'static str,
    /// More that an operator should know; may be empty.
    pub note: &'static str,
}

/// Returns what became of a parameter, in lower case, that a major dropped.
pub fn gone(name: &str) -> Option<DroppedParameter> {
    let mut columns = GONE.lines().find(|line| line.split('\t').next() == Some(name))?.split('\t').skip(1);
    let mut next = || columns.next().unwrap_or_default();
    Some(DroppedParameter { last: next(), instead: next(), note: next() })
}

/// Returns whether two texts are the same value of a parameter of PostgreSQL or of Patroni. Compares the texts themselves if the
/// parameter is unknown, such as an extension's.
pub fn same(name: &str, one: &str, other: &str) -> bool {
    let alike = |parameter: Parameter| parameter.read(one).is_ok_and(|one| parameter.read(other) == Ok(one));
    one == other || spans(name).any(alike) || patroni::same(name, one, other)
}
