//! A run for later: its events in a file beside its logs.

use std::io::{self, Write};
use std::path::Path;

use super::feed::Listener;
use crate::run::events::{Event, Said};
use crate::system::files;

/// What its name ends with.
const SUFFIX: &str = "-events.jsonl";

/// Writes events down.
pub struct History {
    file: Box<dyn Write + Send>,
}

impl History {
    /// Of the run of this name, in the folder of logs.
    pub fn begin(logs: &Path, run: &str) -> io::Result<Self> {
        files::make_dirs(logs)?;
        Ok(History { file: Box::new(files::append(&logs.join(format!("{run}{SUFFIX}")))?) })
    }
}

impl Listener for History {
    fn hear(&mut self, said: &Said) {
        // What the tools print is in their logs.
        if matches!(said.event, Event::Output { .. }) {
            return;
        }
        let line = serde_json::to_string(said).unwrap_or_default();
        // A full disk must not end a run that changes machines.
        let _ = self.file.write_all(format!("{line}\n").as_bytes());
    }
}
