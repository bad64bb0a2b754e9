//! The result of reading an attribute.

use std::ops::Range;

/// An attribute's value, and its origin.
#[derive(Debug, Clone)]
pub(super) struct Reading<T> {
    pub value: T,
    /// The place of the value in the text; for a default, the place of the block's name.
    pub at: Range<usize>,
    pub presence: Presence,
}

/// Whether the blueprint sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// The attribute is not set, and the value is the default.
    Default,
    /// The attribute is set.
    Set,
    /// The attribute is set to a value that was refused and reported. The value is the default, and rules across attributes are not
    /// checked.
    Refused,
}

impl<T> Reading<T> {
    /// Returns a value that the blueprint sets at this place.
    pub fn set_at(value: T, at: Range<usize>) -> Self {
        Reading { value, at, presence: Presence::Set }
    }

    pub fn is_default(&self) -> bool {
        self.presence == Presence::Default
    }

    pub fn is_set(&self) -> bool {
        self.presence == Presence::Set
    }

    pub fn is_refused(&self) -> bool {
        self.presence == Presence::Refused
    }
}
