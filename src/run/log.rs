//! A stage's log: everything its tools print.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::environment::Redactor;
use crate::system::files;

/// Lines shown when a stage fails: an error of Terraform's with its context fits.
const TAIL: usize = 25;

/// A log file and its last lines.
pub struct Log {
    path: PathBuf,
    file: Box<dyn Write + Send>,
    redactor: Redactor,
    tail: VecDeque<String>,
}

impl Log {
    /// Opens `<time>-<stage>.log`.
    pub fn open(dir: &Path, stamp: &str, stage: &str, redactor: Redactor) -> io::Result<Self> {
        files::make_dirs(dir)?;
        let path = dir.join(format!("{stamp}-{stage}.log"));
        let file = Box::new(files::append(&path)?);
        Ok(Log { path, file, redactor, tail: VecDeque::new() })
    }

    /// Begins a command: the tail is that of the last one.
    pub fn command(&mut self, command: &str) {
        self.tail.clear();
        let _ = writeln!(self.file, "$ {}", self.redactor.redact(command));
    }

    /// Adds a line; answers it as it may be shown. A full disk must not end a run that changes machines.
    pub fn line(&mut self, line: &str) -> String {
        let line = self.redactor.redact(line);
        let _ = writeln!(self.file, "{line}");
        if !line.trim().is_empty() {
            self.tail.push_back(line.clone());
            if self.tail.len() > TAIL {
                self.tail.pop_front();
            }
        }
        line
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines of the last command.
    pub fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }
}
