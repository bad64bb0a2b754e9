//! A run that was killed has no end and no page: the next one gives it both.

use std::io;
use std::path::{Path, PathBuf};

use super::story::KILLED;
use super::{history, page};
use crate::run::events::Event;

/// Ends the stories of runs that were killed, and writes their pages; answers where these are. `ends` says of a run and its stage how
/// the tools ended that went on without it.
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
            let last = if stage.line.is_empty() { vec![] } else { vec![format!("it was at: {}", stage.line)] };
            let text = [vec!["was under way when the run was killed".into()], last, ends(&run, &stage.id)].concat();
            events.push(Event::Notice { stage: stage.id.clone(), text: text.join("; ") });
        }
        let error = format!("killed; found by the run {by}, which goes on from there");
        events.push(Event::RunEnded { exit_code: KILLED, error: error.clone() });
        history::conclude(logs, &run, &events)?;
        for event in events {
            if let Event::Notice { stage, text } = event {
                story.notices.push((stage, text));
            }
        }
        // When it was killed nobody knows: its time is over with the last that it said.
        story.ended = Some((KILLED, error));
        pages.push(page::write(logs, &story)?);
    }
    Ok(pages)
}
