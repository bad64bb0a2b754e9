//! The place of each part of a document.

use std::ops::Range;

use hcl_edit::Span;

/// Returns the place of a part of the document. The parser records one for every part.
pub(super) fn span(part: &impl Span) -> Range<usize> {
    part.span().unwrap_or_default()
}
