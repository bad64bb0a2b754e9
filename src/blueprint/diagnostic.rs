//! Diagnostics: what is wrong with a blueprint, where, and what to write instead.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::rules::{Rule, Severity};

/// The longest excerpt of a line, in characters. A longer line is cut around the reported place.
const EXCERPT_CHARS: usize = 120;

/// The longest problem or help, in characters. Only a quoted value can make one longer.
const MESSAGE_CHARS: usize = 1000;

/// The byte-order mark that some Windows editors put before UTF-8 text.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// One problem of a blueprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The effect of the problem.
    pub severity: Severity,
    /// The code of the violated rule, such as `PGH001`. `pgherd explain` describes it.
    pub code: &'static str,
    /// The blueprint's file name, as the caller gave it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub help: String,
    /// The line of the blueprint, and a line of carets under the place.
    excerpt: [String; 2],
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [text, carets] = &self.excerpt;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (severity, code) = (self.severity.name(), self.code);
        writeln!(f, "{}:{}:{}: {severity}[{code}]: {}", self.file, self.line, self.column, self.problem)?;
        writeln!(f, " {margin} |\n {number} | {text}\n {margin} | {carets}")?;
        write!(f, "help: {}", self.help)
    }
}

impl std::error::Error for Diagnostic {}

/// Why a value is refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub rule: &'static Rule,
    pub problem: String,
    pub help: String,
}

impl Refusal {
    /// Prefixes the problem with the name of the refused attribute.
    pub fn within(self, name: &str) -> Self {
        Refusal { problem: format!("{name}: {}", self.problem), ..self }
    }
}

/// Returns a [`Refusal`] as an error.
pub(super) fn refuse<T>(
    rule: &'static Rule,
    problem: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal { rule, problem: problem.into(), help: help.into() })
}

/// A file's text and the problems found in it so far.
pub(super) struct SourceText<'a> {
    file: &'a str,
    /// The text without a byte-order mark.
    pub text: &'a str,
    found: RefCell<Vec<(Range<usize>, Refusal)>>,
}

impl<'a> SourceText<'a> {
    /// Takes a file's text. A leading byte-order mark is removed and not counted in positions.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        SourceText { file, text, found: RefCell::default() }
    }

    /// Records a problem at this byte range.
    pub fn report(&self, rule: &'static Rule, at: &Range<usize>, problem: impl Into<String>, help: impl Into<String>) {
        self.refused(at, Refusal { rule, problem: problem.into(), help: help.into() });
    }

    /// Records a refusal at this byte range.
    pub fn refused(&self, at: &Range<usize>, refusal: Refusal) {
        self.found.borrow_mut().push((at.clone(), refusal));
    }

    /// Returns whether a problem was already recorded at the start of this byte range.
    pub fn is_reported(&self, at: &Range<usize>) -> bool {
        self.found.borrow().iter().any(|(reported, _)| reported.start == at.start)
    }

    /// Returns the line, counted from 1, that contains this byte.
    pub fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset.min(self.text.len())].iter().filter(|b| **b == b'\n').count() + 1
    }

    /// Returns all recorded problems in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut found = self.found.take();
        found.sort_by_key(|(at, _)| at.start);
        // The body of a `for` may be reported once for each iteration.
        found.dedup();
        found.into_iter().map(|(at, refusal)| self.diagnostic(at, refusal)).collect()
    }

    /// Builds the diagnostic for a refusal at this byte range.
    pub fn diagnostic(&self, at: Range<usize>, Refusal { rule, problem, help }: Refusal) -> Diagnostic {
        let start = floor_char_boundary(self.text, at.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |newline| start + newline);
        let end = floor_char_boundary(self.text, at.end).clamp(start, line_end);
        let before = self.text[line_start..start].chars().count();
        let width = self.text[start..end].chars().count();
        Diagnostic {
            severity: rule.severity,
            code: rule.code,
            file: self.file.to_string(),
            line: self.line(start),
            column: before + 1,
            problem: masked(&shortened(&problem)),
            help: masked(&shortened(&help)),
            excerpt: excerpt(&self.text[line_start..line_end], before, width),
        }
    }
}

/// Returns the line, and carets under `width` characters that follow the first `before`.
fn excerpt(line: &str, before: usize, width: usize) -> [String; 2] {
    let skip = if before + width < EXCERPT_CHARS { 0 } else { before.saturating_sub(EXCERPT_CHARS / 2) };
    let shown: String = line.trim_end_matches('\r').chars().skip(skip).take(EXCERPT_CHARS).collect();
    let shown = masked(&shown);
    let indent = before - skip;
    let width = width.clamp(1, EXCERPT_CHARS.saturating_sub(indent).max(1));
    let mut carets = String::new();
    let mut chars = shown.chars();
    // Tabs stay tabs, so that the caret is under its character at any tab width. Some letters are two columns wide.
    for c in chars.by_ref().take(indent) {
        carets.extend(std::iter::repeat_n(if c == '\t' { c } else { ' ' }, columns(c)));
    }
    carets.extend(std::iter::repeat_n(' ', indent.saturating_sub(shown.chars().count())));
    let under: usize = chars.take(width).map(columns).sum();
    carets.extend(std::iter::repeat_n('^', under.max(1)));
    [shown, carets]
}

/// Returns the width of a character in terminal columns. A tab counts as one.
fn columns(c: char) -> usize {
    if c == '\t' { 1 } else { c.width().unwrap_or_default() }
}

/// Replaces control characters, direction marks and invisible characters. A message may quote a value, and a terminal would
/// interpret them.
fn masked(text: &str) -> String {
    let obeyed = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns the text, without its middle if it is too long.
fn shortened(text: &str) -> Cow<'_, str> {
    let chars = text.chars().count();
    if chars <= MESSAGE_CHARS {
        return text.into();
    }
    let head: String = text.chars().take(MESSAGE_CHARS / 2).collect();
    let tail: String = text.chars().skip(chars - MESSAGE_CHARS / 4).collect();
    format!("{head} … {tail}").into()
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}
