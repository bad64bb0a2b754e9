//! The begin of `run` and `destroy`: the folder is held, and what an earlier one left unfinished is found.

use std::time::Duration;

use super::failure::Failure;
use super::session::{Session, interrupted};
use crate::run::{journal, keeper, log};
use crate::system::files::{self, Lock};
use crate::tools::packer;

/// Between two looks at the tools of a run that is gone.
const PAUSE: Duration = Duration::from_millis(200);

impl Session<'_> {
    /// Takes the cluster's folder for this run; says what it finds, waits for tools that still work there.
    pub fn begin(&mut self) -> Result<Lock, Failure> {
        let private = self.work.make_private_dir()?;
        let lock = self.work.lock()?;
        self.await_tools(&private.join(keeper::LOCK))?;
        self.say_unfinished();
        self.journal.trim()?;
        log::prune(&private)?;
        self.journal.begun("", journal::RUN)?;
        Ok(lock)
    }

    /// The run is over, well or not.
    pub fn end(&self, well: bool) {
        self.journal.ended("", journal::RUN, if well { "done" } else { "not done" });
    }

    fn await_tools(&self, lock: &std::path::Path) -> Result<(), Failure> {
        let mut said = false;
        while files::lock_alone(lock)?.is_none() {
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
                return Err(interrupted());
            }
        }
        Ok(())
    }

    fn say_unfinished(&mut self) {
        let left = self.journal.unfinished();
        for run in left.iter().filter(|entry| entry.stage.is_empty()) {
            self.report
                .note(&format!("the {} that began {} was killed; this one goes on from there", run.what, run.at));
        }
        for entry in left.iter().filter(|entry| !entry.stage.is_empty()) {
            if entry.what == journal::STAGE {
                let tools = self.journal.end_in(entry, &entry.stage);
                let ends: Vec<String> = tools.iter().map(|tool| format!("{}: {}", tool.what, tool.how)).collect();
                let ends = if ends.is_empty() { String::new() } else { format!(" ({})", ends.join("; ")) };
                self.report.note(&format!("  unfinished: {}{ends}", entry.stage));
            } else {
                self.report.note(&format!("  {} of {} did not come to its end", entry.what, entry.stage));
            }
        }
        for entry in left {
            // What a build may have left is looked for at its stage, and only that settles it.
            if entry.what == packer::BUILD {
                self.unfinished.push(entry);
            } else {
                self.journal.settle(&entry, "killed");
            }
        }
    }
}
