//! Explains HCL syntax errors.

use std::ops::Range;

use hcl_edit::parser::Error;

use super::diagnostic::{BYTE_ORDER_MARK, Refusal, SourceText};
use super::rules::language as is;

const TOO_DEEP: &str = "this is nested too deeply";

/// Reports the parser's error, at the place of the mistake if it can be determined.
///
/// The parser stops at a syntax error, so this is always the last problem of a file.
pub(super) fn report(source: &SourceText, error: &Error) {
    let offset = offset(source.text, error);
    // The parser notices an unclosed bracket or quote only at the end of the file.
    if let Some(flaw) = unpaired(source.text).filter(|flaw| flaw.noticed <= offset) {
        return source.report(&is::UNCLOSED, &flaw.at, flaw.problem, flaw.help);
    }
    if let Some(number) = unreadable_number(source.text, offset) {
        let problem = "this number is too large".to_string();
        let help = "write a number of at most 19 digits, or use a larger unit, such as GB instead of kB".into();
        return source.refused(&number, Refusal { rule: &is::SYNTAX, problem, help });
    }
    if let Some(word) = suffixed_number(source.text, offset) {
        let (number, whole) = (&source.text[word.start..offset], &source.text[word.clone()]);
        let problem = format!("`{whole}` is neither a number nor text in quotes");
        let help = format!("write the number alone ({number}), or the whole value in double quotes (\"{whole}\")");
        return source.refused(&word, Refusal { rule: &is::SYNTAX, problem, help });
    }
    let width = source.text.get(offset..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    source.refused(&(offset..offset + width), explain(source.text, offset, error.message()));
}

/// Returns the byte offset at which the parser stopped. At the end of the text the parser reports the last byte, with a column after it.
fn offset(text: &str, error: &Error) -> usize {
    let at = error.location();
    let before = &text.as_bytes()[..at.offset().min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let line = text.as_bytes().get(line_start..=at.offset()).map(String::from_utf8_lossy);
    if line.is_some_and(|line| at.column() > line.chars().count()) { text.len() } else { at.offset() }
}

/// Returns the first number that the parser cannot represent, from the start of this offset's line on. The parser
/// reports the start of the line, not the number.
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

/// Returns the number with a unit, such as `100GB`, in the middle of which the parser stopped.
fn suffixed_number(text: &str, offset: usize) -> Option<Range<usize>> {
    let (before, rest) = (text.get(..offset)?, text.get(offset..)?);
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '%';
    let start = before.rfind(|c| !in_word(c)).map_or(0, |at| at + 1);
    let end = offset + rest.find(|c| !in_word(c)).unwrap_or(rest.len());
    let begins = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    (end > offset && before.get(start..).is_some_and(begins)).then_some(start..end)
}

/// Returns the number at the start of a text: digits, a fraction and an exponent.
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

/// Explains the error at this offset from the text around it.
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
            (TOO_DEEP.to_string(), "write the values themselves; blueprint blocks are at most three levels deep")
        }
        Some(BYTE_ORDER_MARK) => (
            "the file contains a byte-order mark (U+FEFF, invisible) that is not at its beginning".into(),
            "delete it; it is usually left over from joining two files",
        ),
        Some('“' | '”' | '‘' | '’' | '\'') => {
            (format!("{found} cannot start a text"), "write text in plain double quotes: \"text\"")
        }
        Some(':') => ("`:` does not set a value".into(), "write `name = value`"),
        Some(',') => (
            "an attribute must not be followed by a comma".into(),
            "remove the comma; an attribute ends at the end of its line",
        ),
        Some('}' | ']') if before.is_empty() || before.ends_with(['}', ']']) => {
            (format!("{found} does not close anything"), "remove it")
        }
        _ if before.matches('{').count() > before.matches('}').count() => (
            match next {
                Some('\n' | '\r') if !before.ends_with('{') => {
                    "a block with an attribute on its first line must end on that line".to_string()
                }
                _ => format!("a block on one line can hold only one attribute and no inner block, but found {found}"),
            },
            "write each attribute and each inner block on a line of its own",
        ),
        _ if before.ends_with('=') => (
            format!("expected a value, but found {found}"),
            "write \"text\", a number, true, false, or a list such as [\"a\", \"b\"]",
        ),
        Some(c) if before.ends_with(|c: char| c.is_ascii_digit()) && (c.is_alphabetic() || c == '%') => {
            ("unexpected characters follow the number".into(), "write only the number, or write text in double quotes")
        }
        _ if message.contains("newline") && !before.is_empty() => (
            format!("expected the end of the line, but found {found}"),
            "write each attribute on a line of its own, as `name = value`",
        ),
        _ if message.contains("expected `]`")
            && before.ends_with(|c: char| c.is_alphanumeric() || "\"]})".contains(c)) =>
        {
            (format!("expected a comma, but found {found}"), "separate the items of a list with commas")
        }
        _ => (
            format!("{found} is not valid HCL here ({message})"),
            "write `name = value` for an attribute or `name { … }` for a block, and text in double quotes",
        ),
    };
    let rule = if problem == TOO_DEEP { &is::TOO_LARGE } else { &is::SYNTAX };
    Refusal { rule, problem, help: help.into() }
}

/// A quote or bracket that is not closed.
struct Flaw {
    at: Range<usize>,
    /// A parser error at this offset or later is caused by this flaw.
    noticed: usize,
    problem: String,
    help: String,
}

/// Returns the first unclosed quote or bracket.
fn unpaired(text: &str) -> Option<Flaw> {
    let mut open: Vec<(usize, char)> = vec![];
    // A bracket whose closing one has a different indentation: most likely its own closing bracket was forgotten.
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

/// Skips quoted text. Returns a flaw if the line ends before the closing quote.
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
        help: "write the closing `\"` on the same line".into(),
    })
}

fn never_closed(at: usize, opened: char, noticed: usize) -> Flaw {
    let close = if opened == '[' { ']' } else { '}' };
    let problem = format!("this `{opened}` is never closed");
    Flaw { at: at..at + 1, noticed, problem, help: format!("write the closing `{close}`") }
}

/// Returns the white space at the start of this offset's line.
fn indentation(text: &str, offset: usize) -> &str {
    let line = &text[text[..offset].rfind('\n').map_or(0, |newline| newline + 1)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
