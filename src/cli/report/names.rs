//! The names of the files that a run leaves in the folder of logs, beside the logs of its stages.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::system::clock;

const EVENTS: &str = "-events.jsonl";
const PAGE: &str = "-report.html";

/// Returns the name of a run, made of the time and the process that runs it. Names sort in the order of the runs: Linux
/// counts processes up to 4,194,304 (proc(5), `pid_max`), and two runs can begin in one second.
pub fn run(begun: SystemTime, pid: u32) -> String {
    format!("{}-{pid:07}", clock::stamp(begun))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_in_the_order_of_the_runs() {
        let at = |second, pid| run(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second), pid);
        assert!(at(1, 998) < at(1, 1003) && at(1, 4_194_304) < at(2, 7));
    }
}
