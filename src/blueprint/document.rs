//! The HCL as written: its syntax, with the place of everything in it.

use std::ops::Range;

use hcl_edit::parser::{Error, parse_body};
use hcl_edit::structure::Body;

use super::diagnostic::SourceText;
use super::rules::language as is;
use super::syntax;

/// No blueprint comes near this; what is larger is another file.
pub const MAX_BYTES: usize = 64 * 1024;
/// Repeated names that are pointed out in one go.
const MAX_REPEATED: usize = 32;
/// Shortest name that has room for a replacement: an underscore and two digits.
const SHORTEST_REPLACED: usize = 3;

/// Parses the text, or reports why it is not HCL.
///
/// hcl-edit ends at a repeated name, as at any mistake of syntax; so that the rest of the file is read too, the repeated
/// name is reported and the parse is done again with a name of the same length in its place. Readers pass over what was
/// reported so: [`SourceText::is_reported`].
pub(super) fn parse(source: &SourceText) -> Option<Body> {
    if source.text.len() > MAX_BYTES {
        let problem = format!("the file is longer than {MAX_BYTES} bytes, and no blueprint is");
        source.report(
            &is::TOO_LARGE,
            &(0..0),
            problem,
            "name a blueprint: a file that holds one `cluster \"<name>\" { … }`",
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

/// Where the name that the parser found repeated stands, its quotes included, if that was its complaint.
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
