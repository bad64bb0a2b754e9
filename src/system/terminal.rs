//! The terminal, if there is one at the other end of the standard streams.

use std::io::{self, IsTerminal};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Interrupt;

/// Returns whether a person can be asked a question.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Returns whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Returns whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Reads one line, trimmed; returns `None` at the end of the input or at an interrupt.
pub fn read_line(interrupt: &Interrupt) -> Option<String> {
    let (send, receive) = mpsc::channel();
    // A read cannot be cancelled, so it gets its own thread. After an interrupt the process ends soon, and the thread with it.
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).is_ok_and(|n| n > 0);
        let _ = send.send(read.then_some(line));
    });
    loop {
        match receive.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return line.map(|l| l.trim().to_string()),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) if interrupt.is_raised() => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Returns the rows and columns of standard error; 24 and 80 if they are unknown.
pub fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (usize::from(size.ws_row), usize::from(size.ws_col)),
        _ => (24, 80),
    }
}
