//! Completes the records of killed runs: the next run adds their end and writes their report.

use std::io;
use std::path::{Path, PathBuf};

use super::story::KILLED;
use super::{history, page};
use crate::run::events::Event;

/// Completes the records of killed runs, writes their reports, and returns the paths of these. `ends` returns, for a run and its stage,
/// how the tools ended that kept running without it.
pub fn tell_of_killed(logs: &Path, by: &str, ends: impl Fn(&str, &str) -> Vec<String>) -> io::Result<Vec<PathBuf>> {
    let mut pages = vec![];
    for mut story in history::pageless(logs) {
        if story.ended.is_some() {
            pages.push(page::write(logs, &story)?);
            continue;
        }
        let run = story.begun.run.clone();
        let mut events = vec![];
        for stage in story.stages.iter().filter(|stage| stage.running_since().is_some()) {
            let last = if stage.line.is_empty() { vec![] } else { vec![format!("last output: {}", stage.line)] };
            let text = [vec!["was running when the run was killed".into()], last, ends(&run, &stage.id)].concat();
            events.push(Event::Notice { stage: stage.id.clone(), text: text.join("; ") });
        }
        let error = format!("killed; run {by} found it and continues from there");
        events.push(Event::RunEnded { exit_code: KILLED, error: error.clone() });
        history::conclude(logs, &run, &events)?;
        for event in events {
            if let Event::Notice { stage, text } = event {
                story.notices.push((stage, text));
            }
        }
        // Nobody knows when it was killed, so its time ends with its last event.
        story.ended = Some((KILLED, error));
        pages.push(page::write(logs, &story)?);
    }
    Ok(pages)
}
