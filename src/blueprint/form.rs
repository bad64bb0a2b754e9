//! What an attribute holds, as the readers ask for it: its type, bounds and default.

use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::model::{Access, Base};

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub holds: Holds,
    /// What it is where nothing is written, if that is one value.
    pub default: Option<Value>,
    pub required: bool,
}

/// The types of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    /// A block: nothing of its own.
    Block,
    Text,
    /// One of these texts.
    OneOf(Vec<&'static str>),
    /// A whole number; the unit reads behind it.
    Whole {
        bounds: RangeInclusive<u32>,
        unit: String,
    },
    Boolean,
    /// Such as `"30s"`.
    Time,
    /// A list of texts.
    Texts,
    /// Names with a text each.
    TextMap,
    /// Names with a text, a number or true or false each.
    ScalarMap,
    /// Names with a text each, or the names alone.
    TextMapOrTexts,
}

impl Form {
    pub fn of(holds: Holds) -> Self {
        Form { holds, default: None, required: false }
    }

    pub fn or(self, default: &impl Shown) -> Self {
        Form { default: default.shown(), ..self }
    }

    pub fn required(self) -> Self {
        Form { required: true, default: None, ..self }
    }
}

/// A default that can be shown.
pub(super) trait Shown {
    /// As a blueprint would write it; `None` where it is no single value.
    fn shown(&self) -> Option<Value>;
}

impl Shown for String {
    fn shown(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl Shown for u32 {
    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Shown for bool {
    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Shown for Ipv4Net {
    fn shown(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl Shown for Base {
    fn shown(&self) -> Option<Value> {
        Some(self.name().into())
    }
}

impl Shown for Access {
    fn shown(&self) -> Option<Value> {
        Some(self.name().into())
    }
}

impl<T> Shown for Option<T> {
    fn shown(&self) -> Option<Value> {
        None
    }
}
