//! The names of the files that a run leaves in the folder of logs, beside the logs of its stages.

use std::path::{Path, PathBuf};

const EVENTS: &str = "-events.jsonl";
const PAGE: &str = "-report.html";

/// Returns the path of a run's events, one JSON object a line.
pub fn events(logs: &Path, run: &str) -> PathBuf {
    logs.join(format!("{run}{EVENTS}"))
}

/// Returns the run whose events a file holds; `None` if it is another kind of file.
pub fn run_of_events(name: &str) -> Option<&str> {
    name.strip_suffix(EVENTS)
}

/// Returns the path of a run's HTML page, which is written when the run ends.
pub fn page(logs: &Path, run: &str) -> PathBuf {
    logs.join(format!("{run}{PAGE}"))
}
