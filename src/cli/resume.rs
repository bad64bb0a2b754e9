//! The begin of `run` and `destroy`: the folder is held, and what an earlier one left unfinished is found.

use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use super::report::tell_of_killed;
use super::session::Session;
use crate::run::journal::Entry;
use crate::run::{Past, journal, keeper, log, require_room, temporary};
use crate::system::files::{self, Lock};
use crate::tools::terraform;

/// Between two looks at the tools of a run that is gone.
const PAUSE: Duration = Duration::from_millis(200);

impl Session<'_> {
    /// Takes the cluster's folder for this run; says what it finds, waits for tools that still work there.
    pub fn begin(&mut self) -> Result<Lock, Failure> {
        require_room(self.work.dir()).map_err(Failure::unwritable(self.work.dir()))?;
        let private = self.work.make_private_dir()?;
        let lock = self.work.lock()?;
        self.await_tools(&private.join(keeper::LOCK))?;
        let temporary = private.join("tmp");
        self.tidy().map_err(Failure::unwritable(&temporary))?;
        let unfinished = self.say_unfinished(&private.join("logs"));
        self.past = Some(Past { unfinished, is_first: self.journal.is_empty() });
        let logs = private.join("logs");
        log::prune(&private).map_err(Failure::unwritable(&logs))?;
        let begun = self.journal.trim().and_then(|()| self.journal.begun("", journal::RUN));
        begun.map_err(Failure::unwritable(self.journal.path()))?;
        Ok(lock)
    }

    /// The run is over, well or not.
    pub fn end(&self, well: bool) {
        // Else the next run tidies up.
        let _ = self.tidy();
        self.journal.ended("", journal::RUN, if well { "done" } else { "not done" });
    }

    /// No tool of this folder runs: what one that was killed left in its temporary folder is of no use.
    fn tidy(&self) -> std::io::Result<()> {
        temporary(self.work.dir()).map_or(Ok(()), |dir| files::remove_tree(&dir))
    }

    fn await_tools(&self, lock: &Path) -> Result<(), Failure> {
        let mut said = false;
        while files::lock_alone(lock).map_err(Failure::unwritable(lock))?.is_none() {
            if !said {
                let left = self.journal.unfinished();
                let what: Vec<String> = (left.iter().filter(|e| e.what != journal::RUN && e.what != journal::STAGE))
                    .map(|e| format!("{} ({})", e.what, e.stage))
                    .collect();
                let what = if what.is_empty() { "a tool".into() } else { what.join(", ") };
                self.report.note(&format!("a run was killed, and {what} goes on by itself: waiting for its end"));
                said = true;
            }
            if self.interrupt.wait(PAUSE) {
                return Err(Failure::interrupted());
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
            self.report
                .note(&format!("the {} that began {} was killed; this one goes on from there", run.what, run.at));
        }
        for entry in left.iter().filter(|entry| !entry.stage.is_empty()) {
            if entry.what == journal::STAGE {
                let tools = self.journal.end_in(entry, &entry.stage);
                let tools = tools.iter().filter(|tool| tool.what != terraform::PLAN);
                let ends: Vec<String> = tools.map(|tool| format!("{}: {}", tool.what, tool.how)).collect();
                let ends = if ends.is_empty() { String::new() } else { format!(" ({})", ends.join("; ")) };
                self.report.note(&format!("  unfinished: {}{ends}", entry.stage));
            } else {
                self.report.note(&format!("  {} of {} did not come to its end", entry.what, entry.stage));
            }
        }
        // A full disk takes a page away, and nothing else.
        for page in pages.unwrap_or_default() {
            self.report.note(&format!("  to look at: {}", page.display()));
        }
        for entry in left {
            self.journal.settle(&entry, "killed");
        }
        // What they may have left is looked for at their stages, and only that settles them.
        self.journal.unclean(&journal::LEAVING)
    }
}
