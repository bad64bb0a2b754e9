//! Standard error: lines that stay and, on a terminal, live lines below them.

use std::io::{self, Write};
use std::sync::Arc;

use super::Unwritten;
use crate::system::terminal;

/// The lines on the screen.
#[derive(Debug, Default)]
pub struct Screen {
    unwritten: Arc<Unwritten>,
    live: Vec<String>,
    drawn: usize,
    /// Lines that wait for the user's answer; `None` while no question is open.
    held: Option<Vec<String>>,
}

impl Screen {
    /// Makes an empty screen, which records failed writes in `unwritten`.
    pub fn new(unwritten: &Arc<Unwritten>) -> Self {
        Screen { unwritten: Arc::clone(unwritten), ..Screen::default() }
    }

    /// Prints a line that stays.
    pub fn print(&mut self, text: &str) {
        if let Some(held) = &mut self.held {
            return held.push(text.to_string());
        }
        let mut out = self.erase();
        out.push_str(text);
        out.push('\n');
        out.push_str(&self.draw());
        self.put(&out);
    }

    /// Prints a question, for the user to answer on the same line. Until [`Screen::answered`], all other lines wait.
    pub fn prompt(&mut self, text: &str) {
        let out = self.erase() + text;
        self.put(&out);
        self.held = Some(vec![]);
    }

    /// Prints the lines that waited for the answer.
    pub fn answered(&mut self) {
        self.held.take().unwrap_or_default().iter().for_each(|line| self.print(line));
    }

    /// Replaces the live lines.
    pub fn set_live(&mut self, lines: Vec<String>) {
        if self.held.is_some() {
            self.live = lines;
            return;
        }
        let mut out = self.erase();
        self.live = lines;
        out.push_str(&self.draw());
        self.put(&out);
    }

    /// Returns the control sequence that erases the live lines: move up to the first and clear from there.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            n => format!("\x1b[{n}A\r\x1b[J"),
        }
    }

    fn put(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let written = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        self.unwritten.note("messages to standard error", written);
    }

    fn draw(&mut self) -> String {
        // A wrapped line would take two rows, and erasing would miss one.
        let (rows, columns) = terminal::size();
        // Lines that scrolled away could not be erased.
        let lines = &self.live[..self.live.len().min(rows.saturating_sub(1))];
        let most = columns.saturating_sub(1);
        self.drawn = lines.len();
        lines.iter().map(|line| line.chars().take(most).collect::<String>() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;

    #[test]
    fn while_a_question_is_open_nothing_blocks_and_nothing_is_printed() {
        let mut screen = Screen::default();
        screen.prompt("");
        screen.print("");
        screen.set_live(vec!["moves".into()]);
        assert_eq!((screen.held.as_ref().map(Vec::len), screen.drawn), (Some(1), 0));
        screen.answered();
        assert_eq!((screen.held.is_none(), screen.drawn), (true, 1));
    }
}
