//! The only printer: results on standard output, everything said on the way on standard error.

mod feed;
mod history;
mod killed;
pub mod names;
mod page;
mod screen;
mod story;
mod stream;
pub mod summary;
mod table;
mod unwritten;
mod view;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::failure::{Failure, Kind};
use crate::system::{Context, Interrupt, terminal};

pub use feed::Feed;
pub use history::History;
pub use killed::tell_of_killed;
pub use page::PageOf;
use screen::Screen;
pub use stream::Stream;
pub use unwritten::Unwritten;
pub use view::View;

/// What standard output is for.
const RESULT: &str = "the result to standard output";

/// Prints for one command.
#[derive(Debug)]
pub struct Report {
    color_out: bool,
    color_err: bool,
    live: bool,
    screen: Mutex<Screen>,
    /// Held while a question is open.
    question: Mutex<()>,
    voice: OnceLock<Voice>,
    unwritten: Arc<Unwritten>,
}

/// How much is said, and who reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Voice {
    /// Only results and what went wrong.
    pub quiet: bool,
    /// Standard output belongs to a program: results are for people, so they are said on standard error.
    pub stream: bool,
}

/// How a word is set off.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// Well.
    Good,
    /// Ill.
    Bad,
    /// Look here.
    Warn,
    /// Less important.
    Dim,
    /// More important.
    Bold,
}

impl Report {
    /// Colours only on a terminal, and never against `NO_COLOR` (<https://no-color.org>); lines that change only on a terminal that can.
    pub fn new(context: &Context) -> Self {
        let unwritten = Arc::<Unwritten>::default();
        let able = context.var("TERM") != Some("dumb");
        let color = able && context.var("NO_COLOR").is_none();
        Report {
            color_out: color && terminal::stdout_is_terminal(),
            color_err: color && terminal::stderr_is_terminal(),
            live: able && terminal::stderr_is_terminal(),
            screen: Mutex::new(Screen::new(&unwritten)),
            question: Mutex::default(),
            voice: OnceLock::new(),
            unwritten,
        }
    }

    /// Says how much is said; once.
    pub fn speak(&self, voice: Voice) {
        let _ = self.voice.set(voice);
    }

    fn voice(&self) -> Voice {
        self.voice.get().copied().unwrap_or_default()
    }

    /// A line of the result.
    pub fn line(&self, text: &str) {
        if self.voice().stream {
            return self.note(text);
        }
        self.unwritten.note(RESULT, writeln!(io::stdout(), "{text}"));
    }

    /// What could not be written; everybody who writes on a command's behalf notes it there.
    pub fn unwritten(&self) -> &Arc<Unwritten> {
        &self.unwritten
    }

    /// Writes out what is left of the result. A result that is lost, in whole or in part, is a failure.
    pub fn finish(&self) -> Result<(), Failure> {
        self.unwritten.note(RESULT, io::stdout().flush());
        match self.unwritten.first() {
            None => Ok(()),
            Some(what) => Err(Failure::Text(Kind::Unwritten, what)),
        }
    }

    /// A table of the result; the first row is its head.
    pub fn table(&self, rows: &[Vec<String>]) {
        for (i, line) in table::table(rows).iter().enumerate() {
            self.line(&if i == 0 { self.on_out(Style::Bold, line) } else { line.clone() });
        }
    }

    /// A unified diff.
    pub fn diff(&self, diff: &str) {
        for line in diff.lines() {
            let style = match line.as_bytes().first() {
                _ if line.starts_with("---") || line.starts_with("+++") => Some(Style::Bold),
                Some(b'+') => Some(Style::Good),
                Some(b'-') => Some(Style::Bad),
                Some(b'@') => Some(Style::Dim),
                _ => None,
            };
            match style {
                Some(style) => self.line(&self.on_out(style, line)),
                None => self.line(line),
            }
        }
    }

    /// Something said on the way.
    pub fn note(&self, text: &str) {
        if !self.voice().quiet {
            self.say(text);
        }
    }

    /// Something that is said in any case.
    pub fn say(&self, text: &str) {
        self.screen().print(text);
    }

    /// Something to look at.
    pub fn warning(&self, text: &str) {
        self.say(&format!("{}: {text}", self.on_err(Style::Warn, "warning")));
    }

    /// What ended the command.
    pub fn failure(&self, failure: &Failure) {
        let text = failure.to_string();
        if !text.is_empty() {
            self.say(&format!("{}: {text}", self.on_err(Style::Bad, "error")));
        }
    }

    /// Asks; `None` at the end of the input or at an interrupt. Nothing else is printed meanwhile.
    pub fn ask(&self, question: &str, interrupt: &Interrupt) -> Option<String> {
        let _alone = self.question.lock().unwrap_or_else(PoisonError::into_inner);
        self.screen().prompt(&format!("{question} "));
        // Whoever tells of something meanwhile is not kept from its work.
        let answer = terminal::read_line(interrupt);
        self.screen().answered();
        answer
    }

    /// Whether lines can change.
    pub fn is_live(&self) -> bool {
        // Lines for a program on the same screen would be erased.
        self.live && !self.voice().quiet && !(self.voice().stream && terminal::stdout_is_terminal())
    }

    fn set_live(&self, lines: Vec<String>) {
        self.screen().set_live(lines);
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A word for standard output.
    pub fn on_out(&self, style: Style, text: &str) -> String {
        paint(self.color_out && !self.voice().stream, style, text)
    }

    /// A word for standard error.
    pub fn on_err(&self, style: Style, text: &str) -> String {
        paint(self.color_err, style, text)
    }
}

fn paint(color: bool, style: Style, text: &str) -> String {
    let code = match style {
        Style::Good => "32",
        Style::Bad => "31",
        Style::Warn => "33",
        Style::Dim => "2",
        Style::Bold => "1",
    };
    if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}
