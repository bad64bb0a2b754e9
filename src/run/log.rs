//! The log of a stage, with everything its tools print.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::environment::Redactor;
use crate::system::files;
use crate::tools::complaint::{self, Complaint};
use crate::tools::terraform_ui::{self, TerraformError, UiMessage};

/// The number of lines shown when a stage fails and no error of its tool is recognised.
const TAIL: usize = 25;
/// The number of last lines in which a tool's error is searched for. Packer prints more after its error, and Terraform several errors.
const LOOKED_AT: usize = 400;

/// The number of runs whose logs are kept.
const RUNS: usize = 20;

/// Removes the logs of all but the last 20 runs.
pub fn prune(private: &Path) -> io::Result<()> {
    let dir = private.join("logs");
    let names = files::list(&dir)?;
    // `20261124T133000Z-image-master.log`
    let runs: BTreeSet<&str> = names.iter().filter_map(|name| name.split('-').next()).collect();
    let kept: BTreeSet<&str> = runs.into_iter().rev().take(RUNS).collect();
    for name in names.iter().filter(|name| !name.split('-').next().is_some_and(|run| kept.contains(run))) {
        files::remove(&dir.join(name))?;
    }
    Ok(())
}

/// A log file and its last lines.
pub struct Log {
    path: PathBuf,
    file: Box<dyn Write + Send>,
    redactor: Redactor,
    tail: VecDeque<String>,
    errors: Vec<TerraformError>,
    lost: Option<io::Error>,
}

impl Log {
    /// Opens `<time>-<stage>.log`.
    pub fn open(dir: &Path, stamp: &str, stage: &str, redactor: Redactor) -> io::Result<Self> {
        files::make_dirs(dir)?;
        Log::at(&Log::path_in(dir, stamp, stage), redactor)
    }

    /// Returns the path of a stage's log.
    pub fn path_in(dir: &Path, stamp: &str, stage: &str) -> PathBuf {
        dir.join(format!("{stamp}-{stage}.log"))
    }

    /// Opens a log by its path.
    pub fn at(path: &Path, redactor: Redactor) -> io::Result<Self> {
        let file = Box::new(files::append(path)?);
        Ok(Log { path: path.to_path_buf(), file, redactor, tail: VecDeque::new(), errors: vec![], lost: None })
    }

    /// Begins a command. The tail and the errors are those of the last command.
    pub fn command(&mut self, command: &str) {
        self.tail.clear();
        self.errors.clear();
        let command = self.redactor.redact(command);
        self.write(&format!("$ {command}\n"));
    }

    /// Adds a line and returns it without secrets. A write error is kept for later, because a full disk must not end a run that changes
    /// machines.
    pub fn line(&mut self, line: &str) -> String {
        let line = self.redactor.redact(line);
        // One write per line, because the keeper and pgherd write to the same file.
        self.write(&format!("{line}\n"));
        self.seen(&line);
        line
    }

    fn write(&mut self, text: &str) {
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            self.lost.get_or_insert(error);
        }
    }

    /// Returns the first write error, once.
    pub fn take_lost(&mut self) -> Option<io::Error> {
        self.lost.take()
    }

    /// Notes a line that a tool's keeper has already added.
    pub fn seen(&mut self, line: &str) {
        self.tail.push_back(line.to_string());
        if self.tail.len() > LOOKED_AT {
            self.tail.pop_front();
        }
    }

    /// Adds a line of a tool's output, or the text of a JSON message of Terraform. Returns the lines without secrets.
    pub fn output(&mut self, line: &str) -> Vec<String> {
        let shown = terraform_ui::read(line).map_or_else(|| vec![line.to_string()], |message| message.text);
        shown.iter().map(|line| self.line(line)).collect()
    }

    /// Does the same for a line that a tool's keeper has already added.
    pub fn seen_output(&mut self, line: &str) -> Vec<String> {
        let message = terraform_ui::read(line);
        let mut message = message.unwrap_or_else(|| UiMessage { text: vec![line.to_string()], error: None });
        // The keeper redacted the raw line, but JSON can spell a secret in more ways than it knows.
        let error_text = message.error.iter_mut().flat_map(|error| &mut error.text);
        message.text.iter_mut().chain(error_text).for_each(|line| *line = self.redactor.redact(line));
        message.text.iter().for_each(|line| self.seen(line));
        self.errors.extend(message.error);
        message.text
    }

    /// Returns the line without secrets.
    pub fn redacted(&self, line: &str) -> String {
        self.redactor.redact(line)
    }

    /// Returns the errors that the last command reported, if it is one of Terraform's.
    pub fn errors(&self) -> &[TerraformError] {
        &self.errors
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the error of the last command or, if none is recognised, its last lines.
    pub fn complaint(&self) -> Complaint {
        let lines: Vec<&str> = self.tail.iter().map(String::as_str).collect();
        complaint::of_errors(&self.errors).or_else(|| complaint::find(&lines)).unwrap_or_else(|| {
            let last = lines.iter().rev().filter(|line| !line.trim().is_empty()).take(TAIL);
            let mut message: Vec<String> = last.map(|line| line.to_string()).collect();
            message.reverse();
            Complaint { message, place: None }
        })
    }
}
