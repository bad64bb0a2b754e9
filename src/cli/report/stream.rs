//! Prints events for programs: one JSON object per line on standard output.

use std::io::{self, Write};
use std::sync::Arc;

use super::Unwritten;
use super::feed::Listener;
use crate::run::events::{Event, TimedEvent};

/// Prints events.
pub struct Stream {
    /// Records failed writes.
    pub unwritten: Arc<Unwritten>,
    /// Whether to include the tools' output.
    pub output: bool,
}

impl Listener for Stream {
    fn hear(&mut self, said: &TimedEvent) {
        if matches!(said.event, Event::Output { .. }) && !self.output {
            return;
        }
        let line = serde_json::to_string(said).unwrap_or_default();
        self.unwritten.note("events to standard output", writeln!(io::stdout(), "{line}"));
    }
}
