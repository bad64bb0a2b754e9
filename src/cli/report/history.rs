//! A run for later: its events in a file beside its logs, and what earlier ones of the same folder say.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::Unwritten;
use super::feed::Listener;
use super::names;
use super::story::Story;
use crate::run::events::{Event, Said};
use crate::system::{clock, files};

/// Writes events down.
pub struct History {
    file: Box<dyn Write + Send>,
    path: PathBuf,
    unwritten: Arc<Unwritten>,
}

impl History {
    /// Of the run of this name, in the folder of logs.
    pub fn begin(logs: &Path, run: &str, unwritten: &Arc<Unwritten>) -> Result<Self> {
        let path = names::events(logs, run);
        let opened = files::make_dirs(logs).and_then(|()| files::append(&path));
        let file = Box::new(opened.with_context(|| format!("cannot write in {}", logs.display()))?);
        Ok(History { file, path, unwritten: Arc::clone(unwritten) })
    }
}

impl Listener for History {
    fn hear(&mut self, said: &Said) {
        // What the tools print is in their logs.
        if matches!(said.event, Event::Output { .. }) {
            return;
        }
        let line = serde_json::to_string(said).unwrap_or_default();
        // A full disk must not end a run that changes machines; when it is over, it is said.
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        self.unwritten.note(&self.path.display().to_string(), written);
    }
}

/// The stories of the runs before this one, the last first; no more than `most` of the same verb.
pub fn earlier(logs: &Path, this: &Story, most: usize) -> Vec<Story> {
    let names = files::list(logs).unwrap_or_default();
    let runs = names.iter().rev().filter_map(|name| names::run_of_events(name)).filter(|run| **run < *this.begun.run);
    runs.filter_map(|run| read(&names::events(logs, run)))
        .filter(|story| story.begun.verb == this.begun.verb)
        .take(most)
        .collect()
}

/// The runs that wrote events and no page: those that were killed, at the latest between their last word and their page.
pub fn pageless(logs: &Path) -> Vec<Story> {
    let names = files::list(logs).unwrap_or_default();
    let runs = names.iter().filter_map(|name| names::run_of_events(name));
    runs.filter(|run| !files::exists(&names::page(logs, run)))
        .filter_map(|run| read(&names::events(logs, run)))
        .collect()
}

/// Says in the events of a run what it could not say itself.
pub fn conclude(logs: &Path, run: &str, events: &[Event]) -> io::Result<()> {
    let path = names::events(logs, run);
    let at = clock::rfc3339(clock::now());
    for event in events {
        files::append_line(&path, &serde_json::to_string(&Said { at: at.clone(), event: event.clone() })?)?;
    }
    Ok(())
}

/// A line that was cut off, or that a newer pgherd wrote, was never said.
fn read(path: &Path) -> Option<Story> {
    let bytes = files::read(path).ok()??;
    let mut story = Story::default();
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    lines.for_each(|said| story.hear(&said));
    (!story.begun.run.is_empty()).then_some(story)
}
