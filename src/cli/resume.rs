//! The start and the end of a run: locks the directory, and finds what earlier runs left unfinished.

use std::path::Path;
use std::time::Duration;

use super::error::CommandError;
use super::report::tell_of_killed;
use super::session::Session;
use crate::run::journal::Entry;
use crate::run::{EarlierRuns, journal, keeper, log, require_room, temporary};
use crate::system::files::{self, Lock};
use crate::tools::terraform;
use crate::workspace::PRIVATE;

/// Time between two checks of the tools of a killed run.
const PAUSE: Duration = Duration::from_millis(200);

impl Session<'_> {
    /// Locks the cluster's directory for this run, waits for tools that still work there, and prints what earlier runs left unfinished.
    pub fn begin(&mut self) -> Result<Lock, CommandError> {
        require_room(self.work.dir()).map_err(CommandError::unwritable(self.work.dir()))?;
        let lock = self.take()?;
        let private = self.target.root.join(PRIVATE);
        let temporary = private.join("tmp");
        self.tidy().map_err(CommandError::unwritable(&temporary))?;
        let unfinished = self.say_unfinished(&private.join("logs"));
        self.past = Some(EarlierRuns { unfinished, is_first: self.journal.is_empty() });
        let logs = private.join("logs");
        log::prune(&private).map_err(CommandError::unwritable(&logs))?;
        let begun = self.journal.trim().and_then(|()| self.journal.begun("", journal::RUN));
        begun.map_err(CommandError::unwritable(self.journal.path()))?;
        Ok(lock)
    }

    /// Locks the cluster's directory, and waits for tools of a killed pgherd that still work there.
    pub fn take(&self) -> Result<Lock, CommandError> {
        let private = self.work.make_private_dir()?;
        let lock = self.work.lock()?;
        self.await_tools(&private.join(keeper::LOCK))?;
        Ok(lock)
    }

    /// Cleans up after the run and records its end.
    pub fn end(&self, well: bool) {
        // If this fails, the next run cleans up.
        let _ = self.tidy();
        self.journal.ended("", journal::RUN, if well { "done" } else { "not done" });
    }

    /// Removes what killed tools left in the temporary directory. No tool of this directory may be running.
    fn tidy(&self) -> std::io::Result<()> {
        temporary(self.work.dir()).map_or(Ok(()), |dir| files::remove_tree(&dir))
    }

    fn await_tools(&self, lock: &Path) -> Result<(), CommandError> {
        let mut said = false;
        while files::lock_alone(lock).map_err(CommandError::unwritable(lock))?.is_none() {
            if !said {
                let left = self.journal.unfinished();
                let what: Vec<String> = (left.iter().filter(|e| e.what != journal::RUN && e.what != journal::STAGE))
                    .map(|e| format!("{} ({})", e.what, e.stage))
                    .collect();
                let what = if what.is_empty() { "a tool".into() } else { what.join(", ") };
                self.report.note(&format!(
                    "A previous run was killed while {what} was in progress. Waiting for it to finish."
                ));
                said = true;
            }
            if self.interrupt.wait(PAUSE) {
                return Err(CommandError::interrupted());
            }
        }
        Ok(())
    }

    /// Says what earlier runs left unfinished. Returns the builds and applies that did not end well.
    fn say_unfinished(&self, logs: &Path) -> Vec<Entry> {
        let left = self.journal.unfinished();
        let pages = tell_of_killed(logs, &self.run, |run, stage| {
            let of_run = left.iter().find(|entry| entry.run == run);
            let ends = of_run.map(|entry| self.journal.end_in(entry, stage)).unwrap_or_default();
            let ends = ends.iter().filter(|end| end.what != terraform::PLAN);
            ends.map(|end| format!("{}: {}", end.what, end.how)).collect()
        });
        for run in left.iter().filter(|entry| entry.stage.is_empty()) {
            self.report.note(&format!(
                "The {} that started at {} was killed. This run continues from there.",
                run.what, run.at
            ));
        }
        for entry in left.iter().filter(|entry| !entry.stage.is_empty()) {
            if entry.what == journal::STAGE {
                let tools = self.journal.end_in(entry, &entry.stage);
                let tools = tools.iter().filter(|tool| tool.what != terraform::PLAN);
                let ends: Vec<String> = tools.map(|tool| format!("{}: {}", tool.what, tool.how)).collect();
                let ends = if ends.is_empty() { String::new() } else { format!(" ({})", ends.join("; ")) };
                self.report.note(&format!("  unfinished: {}{ends}", entry.stage));
            } else {
                self.report.note(&format!("  unfinished: {}: {}", entry.stage, entry.what));
            }
        }
        // On a full disk only the report is lost.
        for page in pages.unwrap_or_default() {
            self.report.note(&format!("  report: {}", page.display()));
        }
        for entry in left {
            self.journal.settle(&entry, "killed");
        }
        // Their stages look for what they may have left; only that settles them.
        self.journal.unclean(&journal::LEAVING)
    }
}
