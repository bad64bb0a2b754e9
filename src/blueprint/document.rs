//! The HCL as written: its syntax, with the place of everything in it.

use std::ops::Range;

use hcl_edit::parser::{Error, parse_body};
use hcl_edit::structure::Body;

use super::diagnostic::Source;

/// No blueprint comes near this; what is larger is another file.
const MAX_BYTES: usize = 256 * 1024;
/// Repeated names that are pointed out in one go.
const MAX_REPEATED: usize = 32;
/// Shortest name that has room for a replacement: an underscore and two digits.
const SHORTEST_REPLACED: usize = 3;

/// Parses the text, or reports why it is not HCL.
///
/// hcl-edit ends at a repeated name, as at any mistake of syntax; so that the rest of the file is read too, the repeated
/// name is reported and the parse is done again with a name of the same length in its place. See [`is_written`].
pub(super) fn parse(source: &Source) -> Option<Body> {
    if source.text.len() > MAX_BYTES {
        let problem = format!("the file has {} bytes, and no blueprint is longer than {MAX_BYTES}", source.text.len());
        source.report(&(0..0), problem, "name a blueprint: a file that holds one `cluster \"<name>\" { … }`");
        return None;
    }
    let mut text = source.text.to_string();
    for round in 0.. {
        let error = match parse_body(&text) {
            Ok(body) => return Some(body),
            Err(error) => error,
        };
        let Some(name) = repeated_name(&text, &error) else {
            syntax::report(source, &error);
            return None;
        };
        let written = &source.text[name.clone()];
        source.report(&name, format!("`{written}` is set twice in this block"), "keep one of the two");
        if round == MAX_REPEATED || name.len() < SHORTEST_REPLACED {
            return None;
        }
        let replacement = format!("{round:_>width$}", width = name.len());
        text.replace_range(name, &replacement);
    }
    None
}

/// Whether this name stands so in the text, and not in place of a repeated one that was reported already.
pub(super) fn is_written(source: &Source, name: &str, at: &Range<usize>) -> bool {
    source.text.get(at.clone()).is_some_and(|written| written.trim_matches('"') == name)
}

/// Where the name that the parser found repeated stands, if that was its complaint.
fn repeated_name(text: &str, error: &Error) -> Option<Range<usize>> {
    error.message().contains("found redefined").then_some(())?;
    let quoted = text[error.location().offset()..].starts_with('"');
    let start = error.location().offset() + usize::from(quoted);
    let is_end = |c: char| if quoted { c == '"' } else { !c.is_alphanumeric() && c != '_' && c != '-' };
    let length = text[start..].find(is_end)?;
    Some(start..start + length)
}

/// What people get wrong in HCL's syntax, in words.
mod syntax {
    use super::{Error, Source};

    /// Reports the parser's complaint.
    pub fn report(source: &Source, error: &Error) {
        let text = source.text;
        let offset = offset(text, error);
        let rest = text.get(offset..).unwrap_or_default();
        if rest.trim().is_empty()
            && let Some(open) = unclosed(text)
        {
            let close = if text[open..].starts_with('[') { ']' } else { '}' };
            let problem = format!("this `{}` is never closed", &text[open..=open]);
            source.report(&(open..open + 1), problem, format!("write the `{close}` that ends it"));
            return;
        }
        let (problem, help) = explain(text, offset, rest, error.message());
        let width = rest.chars().next().map_or(0, char::len_utf8);
        source.report(&(offset..offset + width), problem, help);
    }

    /// Where the parser stopped. At the end of the text it names the last byte, and a column behind it.
    fn offset(text: &str, error: &Error) -> usize {
        let at = error.location();
        let line_start =
            text.as_bytes()[..at.offset().min(text.len())].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let last = text.as_bytes().get(line_start..=at.offset()).map(String::from_utf8_lossy);
        if last.is_some_and(|last| at.column() > last.chars().count()) { text.len() } else { at.offset() }
    }

    fn explain(text: &str, offset: usize, rest: &str, message: &str) -> (String, String) {
        let line_start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let before = text.get(line_start..offset).unwrap_or_default();
        let next = rest.chars().next();
        let found = match next {
            Some('\n' | '\r') => "the end of the line".to_string(),
            Some(c) => format!("`{}`", c.escape_debug()),
            None => "the end of the file".to_string(),
        };
        let help = if message.contains("nested levels") || message.contains("chained binary") {
            "write the values out: a blueprint nests three blocks deep at most"
        } else if matches!(next, Some('“' | '”' | '‘' | '’' | '\'')) {
            "write text in plain double quotes: \"text\""
        } else if matches!(next, Some(':')) {
            "write `name = value`"
        } else if matches!(next, Some(',')) {
            "leave the comma out: attributes end with their line; commas belong inside `[ ]` and `{ }` values"
        } else if before.contains('{') && message.contains("block body") {
            "write each attribute and inner block on a line of its own: a block in one line holds one attribute at most"
        } else if before.trim_end().ends_with('=') {
            "write a value behind `=`: \"text\", a number, true, false, or a list such as [\"a\", \"b\"]"
        } else if before.trim_end().ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(char::is_alphabetic) {
            "write a number without its unit"
        } else if message.contains("newline") {
            "write each attribute on a line of its own, as `name = value`"
        } else {
            "write `name = value` for an attribute, `name { … }` for a block; text stands in double quotes"
        };
        (format!("{found} is not valid HCL here ({message})"), help.to_string())
    }

    /// Where the innermost bracket stands that nothing closes.
    fn unclosed(text: &str) -> Option<usize> {
        let mut open = vec![];
        let mut quoted = false;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            match c {
                '\\' if quoted => drop(chars.next()),
                '"' | '\n' if quoted => quoted = false,
                _ if quoted => {}
                '"' => quoted = true,
                '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
                '/' if chars.peek().is_some_and(|(_, c)| *c == '/') => {
                    while chars.next_if(|(_, c)| *c != '\n').is_some() {}
                }
                '{' | '[' => open.push(i),
                '}' | ']' => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }
}
