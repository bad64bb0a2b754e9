//! Parses HCL into a syntax tree, with the place of each element.

use std::ops::Range;

use hcl_edit::parser::{Error, parse_body};
use hcl_edit::structure::Body;

use super::diagnostic::SourceText;
use super::rules::language as is;
use super::syntax;

/// The largest blueprint, in bytes. A larger file is most likely not a blueprint.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most repeated names that are reported at once.
const MAX_REPEATED: usize = 32;
/// The shortest name that can be replaced, which takes an underscore and two digits.
const SHORTEST_REPLACED: usize = 3;

/// Parses the text, or reports why it is not HCL.
///
/// hcl-edit stops at a repeated name, as at any syntax error. To read the rest of the file as well, this reports the repeated
/// name, replaces it with another one of the same length and parses again. Readers skip the replaced names:
/// [`SourceText::is_reported`].
pub(super) fn parse(source: &SourceText) -> Option<Body> {
    if source.text.len() > MAX_BYTES {
        let problem = format!("the file is longer than {MAX_BYTES} bytes, the limit of a blueprint");
        source.report(
            &is::TOO_LARGE,
            &(0..0),
            problem,
            "pass a blueprint, which is a file with one `cluster \"<name>\" { … }` block",
        );
        return None;
    }
    let mut text = source.text.to_string();
    for round in 0.. {
        let error = match parse_body(&text) {
            Ok(body) => return Some(body),
            Err(error) => error,
        };
        let Some(at) = repeated_name(&text, &error) else {
            syntax::report(source, &error);
            return None;
        };
        let written = source.text[at.clone()].trim_matches('"').to_string();
        source.report(&is::SET_TWICE, &at, format!("`{written}` is set twice in this block"), "remove one of the two");
        if round == MAX_REPEATED || written.len() < SHORTEST_REPLACED {
            return None;
        }
        let start = at.start + usize::from(text[at.clone()].starts_with('"'));
        text.replace_range(start..start + written.len(), &format!("{round:_>width$}", width = written.len()));
    }
    None
}

/// Returns the place of a repeated name, including its quotes, if that is the parser's error.
fn repeated_name(text: &str, error: &Error) -> Option<Range<usize>> {
    error.message().contains("found redefined").then_some(())?;
    let start = error.location().offset();
    let rest = text.get(start..)?;
    let length = match rest.strip_prefix('"') {
        Some(quoted) => quoted.find('"')? + 2,
        None => rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')?,
    };
    Some(start..start + length)
}
