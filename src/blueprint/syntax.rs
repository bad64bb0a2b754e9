//! What people get wrong in HCL's syntax, in words.

use std::ops::Range;

use hcl_edit::parser::Error;

use super::diagnostic::{BYTE_ORDER_MARK, Refusal, SourceText};
use super::rules::language as is;

const TOO_DEEP: &str = "this nests too deep";

/// Reports the parser's complaint, at the place where the mistake was made if that can be told.
///
/// After a mistake of syntax nothing can be said about the rest of a file, so this is the last of its problems.
pub(super) fn report(source: &SourceText, error: &Error) {
    let offset = offset(source.text, error);
    // The parser only notices at the end what was opened and not closed.
    if let Some(flaw) = unpaired(source.text).filter(|flaw| flaw.noticed <= offset) {
        return source.report(&is::UNCLOSED, &flaw.at, flaw.problem, flaw.help);
    }
    if let Some(number) = unreadable_number(source.text, offset) {
        let problem = "a number that is larger than any that counts here".to_string();
        let help = "write one of at most 19 digits; what is counted in thousands of gigabytes has a larger unit".into();
        return source.refused(&number, Refusal { rule: &is::SYNTAX, problem, help });
    }
    let width = source.text.get(offset..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    source.refused(&(offset..offset + width), explain(source.text, offset, error.message()));
}

/// Where the parser stopped. At the end of the text it names the last byte, and a column behind it.
fn offset(text: &str, error: &Error) -> usize {
    let at = error.location();
    let before = &text.as_bytes()[..at.offset().min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let line = text.as_bytes().get(line_start..=at.offset()).map(String::from_utf8_lossy);
    if line.is_some_and(|line| at.column() > line.chars().count()) { text.len() } else { at.offset() }
}

/// The first number of what begins at this byte that the parser cannot hold. It stops at its line's begin, not at the number.
fn unreadable_number(text: &str, offset: usize) -> Option<Range<usize>> {
    let begin = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let (mut depth, mut quoted, mut at) = (0_usize, false, begin);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => quoted ^= !text[..at].ends_with('\\'),
            _ if quoted => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            '#' => return None,
            '\n' if depth == 0 => return None,
            c if c.is_ascii_digit() && !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                let number = number(&text[at..]);
                let whole = number.bytes().all(|b| b.is_ascii_digit());
                if (whole && number.parse::<u64>().is_err()) || number.parse().is_ok_and(f64::is_infinite) {
                    return Some(at..at + number.len());
                }
                at += number.len();
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// The digits that a text begins with, with a fraction and an exponent.
fn number(text: &str) -> &str {
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['-', '+']));
        let exponent = digits(end + 1 + sign);
        end = if exponent > end + 1 + sign { exponent } else { end };
    }
    &text[..end]
}

/// What is wrong at this place, by what stands there and before it.
fn explain(text: &str, offset: usize, message: &str) -> Refusal {
    let line_start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let before = text.get(line_start..offset).unwrap_or_default().trim_end();
    let next = text.get(offset..).and_then(|rest| rest.chars().next());
    let found = match next {
        Some('\n' | '\r') => "the end of the line".to_string(),
        Some(c @ ('\'' | '"')) => format!("`{c}`"),
        Some(c) => format!("`{}`", c.escape_debug()),
        None => "the end of the file".to_string(),
    };
    let (problem, help) = match next {
        _ if message.contains("nested levels") || message.contains("chained binary") => {
            (TOO_DEEP.to_string(), "write the values out: a blueprint nests three blocks deep at most")
        }
        Some(BYTE_ORDER_MARK) => (
            "a byte-order mark (U+FEFF, invisible) inside the file".into(),
            "delete it: it belongs at the beginning of a file or nowhere; joining two files leaves one behind",
        ),
        Some('“' | '”' | '‘' | '’' | '\'') => {
            (format!("{found} does not begin text"), "write text in plain double quotes: \"text\"")
        }
        Some(':') => ("`:` does not set a value".into(), "write `name = value`"),
        Some(',') => (
            "a comma after an attribute".into(),
            "leave it out: an attribute ends with its line; commas belong inside `[ ]` and `{ }` values",
        ),
        Some('}' | ']') if before.is_empty() || before.ends_with(['}', ']']) => {
            (format!("nothing is open that {found} could close"), "leave it out")
        }
        _ if before.matches('{').count() > before.matches('}').count() => (
            format!("{found} does not fit into a block of one line"),
            "write each attribute and inner block on a line of its own: a block in one line holds one attribute at most",
        ),
        _ if before.ends_with('=') => {
            (format!("{found} is no value"), "write \"text\", a number, true, false, or a list such as [\"a\", \"b\"]")
        }
        Some(c) if before.ends_with(|c: char| c.is_ascii_digit()) && (c.is_alphabetic() || c == '%') => {
            ("a number with something after it".into(), "write the number alone, or text in double quotes")
        }
        _ if message.contains("newline") && !before.is_empty() => (
            format!("{found} is where the line should end"),
            "write each attribute on a line of its own, as `name = value`",
        ),
        _ if message.contains("expected `]`")
            && before.ends_with(|c: char| c.is_alphanumeric() || "\"]})".contains(c)) =>
        {
            (format!("{found} is where a comma should be"), "write a comma between two items of a list")
        }
        _ => (
            format!("{found} is not HCL here ({message})"),
            "write `name = value` for an attribute, `name { … }` for a block; text goes in double quotes",
        ),
    };
    let rule = if problem == TOO_DEEP { &is::TOO_LARGE } else { &is::SYNTAX };
    Refusal { rule, problem, help: help.into() }
}

/// Something opened that is not closed.
struct Flaw {
    at: Range<usize>,
    /// From where on a complaint of the parser's is about this.
    noticed: usize,
    problem: String,
    help: String,
}

/// The first quote or bracket that has no partner.
fn unpaired(text: &str) -> Option<Flaw> {
    let mut open: Vec<(usize, char)> = vec![];
    // A bracket closed at another indentation than its own: most likely the one whose partner was forgotten.
    let mut suspect = None;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                if let Some(flaw) = unclosed_text(text, i, &mut chars) {
                    return Some(flaw);
                }
            }
            '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '/' if text[i..].starts_with("//") => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '{' | '[' => open.push((i, c)),
            '}' | ']' => {
                let (at, opened) = open.pop()?;
                if (opened == '{') != (c == '}') {
                    return Some(never_closed(at, opened, i));
                }
                if suspect.is_none() && indentation(text, at) != indentation(text, i) {
                    suspect = Some((at, opened));
                }
            }
            _ => {}
        }
    }
    let (at, opened) = open.last().map(|last| suspect.unwrap_or(*last))?;
    Some(never_closed(at, opened, text.trim_end().len()))
}

/// Passes over text in quotes, or says that its line ends first.
fn unclosed_text(text: &str, start: usize, chars: &mut std::iter::Peekable<std::str::CharIndices>) -> Option<Flaw> {
    while let Some((_, c)) = chars.next_if(|(_, c)| *c != '\n') {
        match c {
            '"' => return None,
            '\\' => drop(chars.next_if(|(_, c)| *c != '\n')),
            _ => {}
        }
    }
    let end = chars.peek().map_or(text.len(), |(newline, _)| *newline);
    Some(Flaw {
        at: start..end,
        noticed: text[..start].rfind('\n').map_or(0, |newline| newline + 1),
        problem: "this text has no closing quote".into(),
        help: "write the `\"` that ends it, on the same line".into(),
    })
}

fn never_closed(at: usize, opened: char, noticed: usize) -> Flaw {
    let close = if opened == '[' { ']' } else { '}' };
    let problem = format!("this `{opened}` is never closed");
    Flaw { at: at..at + 1, noticed, problem, help: format!("write the `{close}` that ends it") }
}

/// The white space that begins the line of this byte.
fn indentation(text: &str, offset: usize) -> &str {
    let line = &text[text[..offset].rfind('\n').map_or(0, |newline| newline + 1)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
