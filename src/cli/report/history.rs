//! The recorded events of runs, in files next to their logs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::Unwritten;
use super::feed::Listener;
use super::names;
use super::story::Story;
use crate::run::events::{Event, TimedEvent};
use crate::system::{clock, files};

/// Records the events of a run.
pub struct History {
    file: Box<dyn Write + Send>,
    path: PathBuf,
    unwritten: Arc<Unwritten>,
}

impl History {
    /// Starts the record of a run in the directory of logs.
    pub fn begin(logs: &Path, run: &str, unwritten: &Arc<Unwritten>) -> Result<Self> {
        let path = names::events(logs, run);
        let opened = files::make_dirs(logs).and_then(|()| files::append(&path));
        let file = Box::new(opened.with_context(|| format!("cannot write to {}", logs.display()))?);
        Ok(History { file, path, unwritten: Arc::clone(unwritten) })
    }
}

impl Listener for History {
    fn hear(&mut self, said: &TimedEvent) {
        // The tools' output is in their logs.
        if matches!(said.event, Event::Output { .. }) {
            return;
        }
        let line = serde_json::to_string(said).unwrap_or_default();
        // A full disk must not stop a run that changes machines; the error is reported at the end.
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        self.unwritten.note(&self.path.display().to_string(), written);
    }
}

/// Returns the stories of earlier runs of the same verb, latest first, `most` at the most.
pub fn earlier(logs: &Path, this: &Story, most: usize) -> Vec<Story> {
    let names = files::list(logs).unwrap_or_default();
    let runs = names.iter().rev().filter_map(|name| names::run_of_events(name)).filter(|run| **run < *this.begun.run);
    runs.filter_map(|run| read(&names::events(logs, run)))
        .filter(|story| story.begun.verb == this.begun.verb)
        .take(most)
        .collect()
}

/// Returns the stories of runs that have no report: they were killed before they could write it.
pub fn pageless(logs: &Path) -> Vec<Story> {
    let names = files::list(logs).unwrap_or_default();
    let runs = names.iter().filter_map(|name| names::run_of_events(name));
    runs.filter(|run| !files::exists(&names::page(logs, run)))
        .filter_map(|run| read(&names::events(logs, run)))
        .collect()
}

/// Adds events to the record of a run that was killed.
pub fn conclude(logs: &Path, run: &str, events: &[Event]) -> io::Result<()> {
    let path = names::events(logs, run);
    let at = clock::rfc3339(clock::now());
    for event in events {
        files::append_line(&path, &serde_json::to_string(&TimedEvent { at: at.clone(), event: event.clone() })?)?;
    }
    Ok(())
}

/// Reads a record. Lines that were cut off, or that a newer pgherd wrote, are skipped.
fn read(path: &Path) -> Option<Story> {
    let bytes = files::read(path).ok()??;
    let mut story = Story::default();
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    lines.for_each(|said| story.hear(&said));
    (!story.begun.run.is_empty()).then_some(story)
}
