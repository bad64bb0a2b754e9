//! Records on disk what begins, before it begins, and what has ended. So the next run finds out that a run was killed.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::system::{clock, files};
use crate::tools::{packer, terraform};

/// The number of lines kept, besides unfinished entries.
const KEPT: usize = 400;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The time, in UTC.
    pub at: String,
    /// The run that it belongs to.
    pub run: String,
    /// The stage; empty for the run itself.
    pub stage: String,
    /// `run`, `packer build`, `terraform apply` …
    pub what: String,
    /// Whether it ended.
    pub ended: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
}

impl Entry {
    fn same(&self, other: &Entry) -> bool {
        (&self.run, &self.stage, &self.what) == (&other.run, &other.stage, &other.what)
    }

    /// Returns the line that records its end, now.
    pub fn ended(&self, how: &str) -> Entry {
        Entry { at: now(), ended: true, how: how.into(), ..self.clone() }
    }

    /// Appends it to the journal in `path`.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::append_line(path, &serde_json::to_string(&self)?)
    }
}

/// The journal of a cluster's folder, to which a run appends.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
    run: String,
}

impl Journal {
    /// Returns the journal in the private folder.
    pub fn new(private: &Path, run: &str) -> Self {
        Journal { path: private.join("journal"), run: run.into() }
    }

    /// Returns the journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records that something is about to begin. Call it before.
    pub fn begun(&self, stage: &str, what: &str) -> io::Result<()> {
        self.entry(stage, what, false, "").write(&self.path)
    }

    /// Records that something ended.
    pub fn ended(&self, stage: &str, what: &str, how: &str) {
        // If this is lost, the next run checks once more, which does no harm.
        let _ = self.entry(stage, what, true, how).write(&self.path);
    }

    /// Returns the line that records the beginning of something, for the process that records its end.
    pub fn line_of(&self, stage: &str, what: &str) -> Entry {
        self.entry(stage, what, false, "")
    }

    /// Records the end of what another run left unfinished.
    pub fn settle(&self, left: &Entry, how: &str) {
        let _ = left.ended(how).write(&self.path);
    }

    /// Returns what has begun but not ended, oldest first.
    pub fn unfinished(&self) -> Vec<Entry> {
        let entries = self.read();
        let open = entries.iter().enumerate().filter(|(i, entry)| {
            !entry.ended && !entries[i + 1..].iter().any(|later| later.ended && later.same(entry))
        });
        open.map(|(_, entry)| entry.clone()).collect()
    }

    /// Returns the last call of each of these tools, by run and stage, that did not end successfully and whose traces were not searched
    /// for since.
    pub fn unclean(&self, tools: &[&str]) -> Vec<Entry> {
        let entries = self.read();
        let bad = |(i, entry): &(usize, &Entry)| {
            let end = entries[i + 1..].iter().rev().find(|later| later.same(entry));
            end.is_none_or(|end| !end.ended || !CLEAN.contains(&end.how.as_str()))
        };
        let begun = entries.iter().enumerate().filter(|(_, e)| !e.ended && tools.contains(&e.what.as_str()));
        begun.filter(bad).map(|(_, entry)| entry.clone()).collect()
    }

    /// Returns when the stage's tools for this operation (`plan`, `apply`) began and ended, if a signal killed them.
    pub fn killed(&self, stage: &str, doing: &str) -> Vec<(String, String)> {
        let entries = self.read();
        let did = |entry: &Entry| entry.stage == stage && entry.what.rsplit(' ').next() == Some(doing);
        let spans = entries.iter().enumerate().filter(|(_, e)| !e.ended && did(e)).filter_map(|(i, entry)| {
            let end = entries[i + 1..].iter().find(|later| later.same(entry))?;
            (end.ended && end.how.starts_with(KILLED)).then(|| (entry.at.clone(), end.at.clone()))
        });
        spans.collect()
    }

    /// Returns how the tools of a stage ended in another run.
    pub fn end_in(&self, left: &Entry, stage: &str) -> Vec<Entry> {
        self.read()
            .into_iter()
            .filter(|e| e.ended && e.run == left.run && e.stage == stage && e.what != STAGE)
            .collect()
    }

    /// Returns whether the journal is empty, so that nothing was ever run in this folder.
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Shortens the journal. Unfinished entries stay.
    pub fn trim(&self) -> io::Result<()> {
        let entries = self.read();
        if entries.len() <= 2 * KEPT {
            return Ok(());
        }
        let open = [self.unfinished(), self.unclean(&LEAVING)].concat();
        let from = entries.len() - KEPT;
        let kept = entries.into_iter().enumerate().filter(|(i, entry)| *i >= from || open.contains(entry));
        let lines: Vec<String> = kept.filter_map(|(_, entry)| serde_json::to_string(&entry).ok()).collect();
        files::replace(&self.path, &self.path.with_extension("new"), (lines.join("\n") + "\n").as_bytes(), 0o600)
    }

    /// Reads the entries. A line that a crash truncated is ignored.
    fn read(&self) -> Vec<Entry> {
        let text = files::read(&self.path).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&text).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn entry(&self, stage: &str, what: &str, ended: bool, how: &str) -> Entry {
        Entry { at: now(), run: self.run.clone(), stage: stage.into(), what: what.into(), ended, how: how.into() }
    }
}

/// The end of an entry whose traces were searched for and removed.
pub const SETTLED: &str = "settled";
/// Ends that leave nothing to search for.
const CLEAN: [&str; 3] = ["exit code 0", "not started", SETTLED];
/// The beginning of the text for an end by a signal.
const KILLED: &str = "killed by signal";

/// An entry for somebody else's builder. It is removed once it is old enough to be abandoned.
pub const SEEN: &str = "a builder of another pgherd";
/// The entries whose ends show whether something may be left behind.
pub const LEAVING: [&str; 3] = [packer::BUILD, terraform::APPLY, SEEN];

/// The name of a stage's entry.
pub const STAGE: &str = "stage";
/// The name of a run's entry.
pub const RUN: &str = "run";

fn now() -> String {
    clock::stamp(clock::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(dir: &tempfile::TempDir, run: &str) -> Journal {
        Journal::new(dir.path(), run)
    }

    #[test]
    fn unfinished_entries_are_found_past_a_truncated_line() {
        let dir = tempfile::tempdir().unwrap();
        let first = journal(&dir, "1");
        first.begun("", RUN).unwrap();
        first.begun("network", STAGE).unwrap();
        first.ended("network", STAGE, "done");
        first.begun("image-master", "packer build").unwrap();
        let mut torn = files::read(first.path()).unwrap().unwrap();
        torn.extend(b"{\"at\": \"2026");
        files::write(first.path(), &torn).unwrap();
        let second = journal(&dir, "2");
        second.begun("", RUN).unwrap();
        let names = |j: &Journal| j.unfinished().iter().map(|e| format!("{} {}", e.run, e.what)).collect::<Vec<_>>();
        assert_eq!(names(&second), ["1 run", "1 packer build", "2 run"]);
        second.settle(&second.unfinished()[1], "swept");
        assert_eq!(names(&second), ["1 run", "2 run"]);
    }

    /// A tool that was killed while planning does not hold the lock of an apply.
    #[test]
    fn killed_tools_are_distinguished_by_their_operation() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir, "1");
        journal.begun("network", terraform::PLAN).unwrap();
        journal.ended("network", terraform::PLAN, "killed by signal 9");
        journal.begun("network", terraform::APPLY).unwrap();
        journal.ended("network", terraform::APPLY, "exit code 1");
        let killed = |stage: &str, doing: &str| journal.killed(stage, doing).len();
        assert_eq!((killed("network", "plan"), killed("network", "apply"), killed("master", "plan")), (1, 0, 0));
    }

    #[test]
    fn trimming_keeps_unfinished_entries() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir, "1");
        journal.begun("image-slave", "packer build").unwrap();
        let line = serde_json::to_string(&journal.entry("x", STAGE, true, "")).unwrap();
        let mut text = files::read(journal.path()).unwrap().unwrap();
        (0..2 * KEPT).for_each(|_| text.extend(format!("{line}\n").as_bytes()));
        files::write(journal.path(), &text).unwrap();
        journal.trim().unwrap();
        assert_eq!(journal.read().len(), KEPT + 1);
        assert_eq!(journal.unfinished().len(), 1);
    }
}
