//! What is wrong with a blueprint, where, and what to write instead.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use unicode_width::UnicodeWidthChar;

use super::rules::Rule;

/// Longest excerpt of a line; more is cut around the place that matters.
const EXCERPT_CHARS: usize = 120;

/// Longest problem or help; a rule's own words are far shorter, but they may show a value.
const MESSAGE_CHARS: usize = 1000;

/// What Windows' editors put before a text in UTF-8.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// What becomes of a blueprint that has the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is generated.
    Error,
    /// It is said.
    Warning,
}

impl Severity {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One problem of a blueprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that it breaks, such as `PGH001`: `pgherd explain` tells its story.
    pub code: &'static str,
    /// The blueprint's file, as it was named to us.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub help: String,
    /// The line as written, and a line of carets under the place.
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

/// A refusal of a value: what is wrong with it and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub rule: &'static Rule,
    pub problem: String,
    pub help: String,
}

impl Refusal {
    /// With the name of what was refused before it.
    pub fn within(self, name: &str) -> Self {
        Refusal { problem: format!("{name}: {}", self.problem), ..self }
    }
}

/// Refuses: the short way to write a [`Refusal`].
pub(super) fn refuse<T>(
    rule: &'static Rule,
    problem: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal { rule, problem: problem.into(), help: help.into() })
}

/// A file's text, and what was found wrong with it so far.
pub(super) struct SourceText<'a> {
    file: &'a str,
    /// Without a byte-order mark.
    pub text: &'a str,
    found: RefCell<Vec<(Range<usize>, Refusal)>>,
}

impl<'a> SourceText<'a> {
    /// Takes a file's text. A byte-order mark at its begin belongs to the encoding: no place counts it, and nobody sees it.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        SourceText { file, text, found: RefCell::default() }
    }

    /// Notes a problem at these bytes of the text.
    pub fn report(&self, rule: &'static Rule, at: &Range<usize>, problem: impl Into<String>, help: impl Into<String>) {
        self.refused(at, Refusal { rule, problem: problem.into(), help: help.into() });
    }

    /// Notes why these bytes of the text were refused.
    pub fn refused(&self, at: &Range<usize>, refusal: Refusal) {
        self.found.borrow_mut().push((at.clone(), refusal));
    }

    /// Whether a problem of what stands at these bytes was noted already.
    pub fn is_reported(&self, at: &Range<usize>) -> bool {
        self.found.borrow().iter().any(|(reported, _)| reported.start == at.start)
    }

    /// The line (from 1) that holds this byte.
    pub fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset.min(self.text.len())].iter().filter(|b| **b == b'\n').count() + 1
    }

    /// Everything that was reported, in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut found = self.found.take();
        found.sort_by_key(|(at, _)| at.start);
        // What a `for` makes may be wrong in the same way each time.
        found.dedup();
        found.into_iter().map(|(at, refusal)| self.diagnostic(at, refusal)).collect()
    }

    /// The refusal of what stands at these bytes.
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

/// The line, and carets under `width` characters from `before` on.
fn excerpt(line: &str, before: usize, width: usize) -> [String; 2] {
    let skip = if before + width < EXCERPT_CHARS { 0 } else { before.saturating_sub(EXCERPT_CHARS / 2) };
    let shown: String = line.trim_end_matches('\r').chars().skip(skip).take(EXCERPT_CHARS).collect();
    let shown = masked(&shown);
    let indent = before - skip;
    let width = width.clamp(1, EXCERPT_CHARS.saturating_sub(indent).max(1));
    let mut carets = String::new();
    let mut chars = shown.chars();
    // Tabs stay tabs, so that the caret stands under its character whatever a tab's width; some letters are two columns wide.
    for c in chars.by_ref().take(indent) {
        carets.extend(std::iter::repeat_n(if c == '\t' { c } else { ' ' }, columns(c)));
    }
    carets.extend(std::iter::repeat_n(' ', indent.saturating_sub(shown.chars().count())));
    let under: usize = chars.take(width).map(columns).sum();
    carets.extend(std::iter::repeat_n('^', under.max(1)));
    [shown, carets]
}

/// How many columns of a terminal a character takes; a tab is one, whatever it is there.
fn columns(c: char) -> usize {
    if c == '\t' { 1 } else { c.width().unwrap_or_default() }
}

/// Without what a terminal would obey (controls, and marks that turn the direction of writing or show nothing): a value may hold
/// it, and stand in what is said of it.
fn masked(text: &str) -> String {
    let obeyed = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// A text that a value has made very long, without its middle.
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
