//! What a process is given by whoever starts it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Working directory, environment and time, captured once in `main.rs` and handed down: nothing below reads them again.
#[derive(Debug, Clone)]
pub struct Context {
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment; what is not UTF-8 is left out.
    pub env: BTreeMap<String, String>,
    /// When the program began.
    pub now: SystemTime,
    /// The program's own file, to start itself again.
    pub program: PathBuf,
}

impl Context {
    /// An environment variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A path as the user means it: below the working directory if it is relative.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// Where a program is found in `PATH`.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        which::which_in(name, self.var("PATH"), &self.cwd).ok()
    }
}
