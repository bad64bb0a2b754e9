//! What a process gets from whoever starts it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The working directory, the environment and the time, captured once in `main.rs` and passed on: no other code reads them.
#[derive(Debug, Clone)]
pub struct Context {
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment, without variables that are not UTF-8.
    pub env: BTreeMap<String, String>,
    /// The time when the program started.
    pub now: SystemTime,
    /// The program's own file, with which it starts itself again.
    pub program: PathBuf,
}

impl Context {
    /// Returns an environment variable; `None` if it is not set or empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Resolves a path of the user, relative to the working directory.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// Returns where `PATH` finds a program.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        which::which_in(name, self.var("PATH"), &self.cwd).ok()
    }
}
