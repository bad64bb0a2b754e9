//! What the language knows about each of its names: the one declaration that reading, the JSON Schema and the reference
//! share. A reader passes it along with the name that it asks for.

use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use serde_json::Value;

/// The name of an attribute or block, and what the reference says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doc {
    pub name: &'static str,
    /// What it means, in Markdown.
    pub text: &'static str,
    /// The default in words, in Markdown; empty where the default is one value, which the reference then shows.
    pub default: &'static str,
}

/// Creates the documentation of a name.
pub(super) const fn doc(name: &'static str, text: &'static str) -> Doc {
    Doc { name, text, default: "" }
}

impl Doc {
    /// Describes a default that is not one fixed value.
    pub const fn by_default(self, default: &'static str) -> Doc {
        Doc { default, ..self }
    }
}

/// What a name holds, and its default.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub holds: Holds,
    /// The default, if it is one value.
    pub default: Option<Value>,
    pub required: bool,
}

/// The types of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    /// A block. With a label, there is one block for each label; this says what the label is, such as `zone`.
    Block {
        label: Option<&'static str>,
    },
    Text,
    /// One of these texts.
    OneOf(Vec<&'static str>),
    /// A whole number. Messages print the unit behind it.
    Whole {
        bounds: RangeInclusive<u32>,
        unit: &'static str,
    },
    Boolean,
    /// `true`, `false` or this text.
    BooleanOr(&'static str),
    /// A duration, such as `"30s"`.
    Time,
    /// A list of texts.
    Texts,
    /// A map of texts.
    TextMap,
    /// A map whose values are texts, numbers or booleans.
    ScalarMap,
    /// A map of texts, or a list of its keys.
    TextMapOrTexts,
}

impl Form {
    pub fn of(holds: Holds) -> Self {
        Form { holds, default: None, required: false }
    }

    pub fn or(self, default: &impl ShownDefault) -> Self {
        Form { default: default.shown(), ..self }
    }

    pub fn required(self) -> Self {
        Form { required: true, default: None, ..self }
    }
}

/// The values of an attribute that takes one of a few words.
pub(super) trait Choice: Copy + 'static {
    const ALL: &'static [Self];

    /// Returns the word that a blueprint uses.
    fn word(self) -> &'static str;

    /// Returns every word.
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|choice| choice.word()).collect()
    }

    /// Finds the choice that a word names.
    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }
}

/// A default that the reference can show.
pub(super) trait ShownDefault {
    /// Returns the default as a blueprint would write it; `None` if it is not one value.
    fn shown(&self) -> Option<Value>;
}

impl ShownDefault for String {
    fn shown(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl ShownDefault for u32 {
    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl ShownDefault for bool {
    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl ShownDefault for Ipv4Net {
    fn shown(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl<T: Choice> ShownDefault for T {
    fn shown(&self) -> Option<Value> {
        Some(self.word().into())
    }
}

impl<T> ShownDefault for Option<T> {
    fn shown(&self) -> Option<Value> {
        None
    }
}
