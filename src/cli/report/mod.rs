//! The only code that prints: results to standard output, everything else to standard error.

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

use super::error::{CommandError, ErrorKind};
use crate::system::{Context, Interrupt, terminal};

pub use feed::Feed;
pub use history::History;
pub use killed::tell_of_killed;
pub use page::{PageOf, render};
use screen::Screen;
pub use stream::Stream;
pub use unwritten::Unwritten;
pub use view::RunView;

/// What an error calls standard output.
const RESULT: &str = "the result to standard output";

/// Prints the output of one command.
#[derive(Debug)]
pub struct Report {
    color_out: bool,
    color_err: bool,
    live: bool,
    screen: Mutex<Screen>,
    /// Locked while a question is open.
    question: Mutex<()>,
    voice: OnceLock<OutputMode>,
    unwritten: Arc<Unwritten>,
}

/// How much is printed, and who reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputMode {
    /// Print only results and errors.
    pub quiet: bool,
    /// Standard output is read by a program, so results for people go to standard error.
    pub stream: bool,
}

/// How a word is highlighted.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// Success.
    Good,
    /// Failure.
    Bad,
    /// Needs attention.
    Warn,
    /// Less important.
    Dim,
    /// More important.
    Bold,
}

impl Report {
    /// Makes a report. Colours need a terminal and respect `NO_COLOR` (<https://no-color.org>); live lines need a capable terminal.
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

    /// Sets how much is printed. Only the first call has an effect.
    pub fn speak(&self, voice: OutputMode) {
        let _ = self.voice.set(voice);
    }

    fn voice(&self) -> OutputMode {
        self.voice.get().copied().unwrap_or_default()
    }

    /// Prints a line of the result.
    pub fn line(&self, text: &str) {
        if self.voice().stream {
            return self.note(text);
        }
        self.unwritten.note(RESULT, writeln!(io::stdout(), "{text}"));
    }

    /// Returns the record of failed writes, which all who write for a command share.
    pub fn unwritten(&self) -> &Arc<Unwritten> {
        &self.unwritten
    }

    /// Flushes the result.
    ///
    /// # Errors
    /// If any output of the command could not be written.
    pub fn finish(&self) -> Result<(), CommandError> {
        self.unwritten.note(RESULT, io::stdout().flush());
        match self.unwritten.first() {
            None => Ok(()),
            Some(what) => Err(CommandError::Text(ErrorKind::Unwritten, what)),
        }
    }

    /// Prints a table of the result. The first row is the head.
    pub fn table(&self, rows: &[Vec<String>]) {
        for (i, line) in table::table(rows).iter().enumerate() {
            self.line(&if i == 0 { self.on_out(Style::Bold, line) } else { line.clone() });
        }
    }

    /// Prints a unified diff.
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

    /// Prints a line about the progress, unless the user asked for quiet.
    pub fn note(&self, text: &str) {
        if !self.voice().quiet {
            self.say(text);
        }
    }

    /// Prints a line to standard error in any case.
    pub fn say(&self, text: &str) {
        self.screen().print(text);
    }

    /// Prints a warning.
    pub fn warning(&self, text: &str) {
        self.say(&format!("{}: {text}", self.on_err(Style::Warn, "warning")));
    }

    /// Prints the error that ended the command.
    pub fn failure(&self, failure: &CommandError) {
        let text = failure.to_string();
        if !text.is_empty() {
            self.say(&format!("{}: {text}", self.on_err(Style::Bad, "error")));
        }
    }

    /// Asks a question and returns the answer; `None` at the end of the input or at an interrupt. Other output waits meanwhile.
    pub fn ask(&self, question: &str, interrupt: &Interrupt) -> Option<String> {
        let _alone = self.question.lock().unwrap_or_else(PoisonError::into_inner);
        self.screen().prompt(&format!("{question} "));
        // The screen is not locked meanwhile: those who print go on with their work.
        let answer = terminal::read_line(interrupt);
        self.screen().answered();
        answer
    }

    /// Returns whether live lines can be shown.
    pub fn is_live(&self) -> bool {
        // Live lines would erase the lines for a program on the same terminal.
        self.live && !self.voice().quiet && !(self.voice().stream && terminal::stdout_is_terminal())
    }

    fn set_live(&self, lines: Vec<String>) {
        self.screen().set_live(lines);
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Highlights a word for standard output.
    pub fn on_out(&self, style: Style, text: &str) -> String {
        paint(self.color_out && !self.voice().stream, style, text)
    }

    /// Highlights a word for standard error.
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
