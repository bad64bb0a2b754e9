//! Records which process holds a folder's lock, so that others can name it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::system::{clock, process};

/// A running pgherd that holds a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pid: u32,
    user: String,
    command: String,
    since: String,
}

impl Holder {
    /// Returns the holder for this process.
    pub fn myself() -> Self {
        let me = process::myself();
        Holder { pid: me.pid, user: me.user, command: command(&me.args), since: clock::stamp(clock::now()) }
    }

    /// Reads what [`Holder::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text that is stored in the folder.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Returns whether the process is still running. The record may be older than the lock.
    pub fn lives(&self) -> bool {
        process::lives(self.pid)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, process {} of user {}, since {}", self.command, self.pid, self.user, self.since)
    }
}

/// Returns the command line without the values of variables, which may be secrets.
fn command(args: &[String]) -> String {
    let mut shown: Vec<String> = vec![];
    for arg in args {
        let of_variable = shown.last().is_some_and(|last| last == "--var");
        let name = |text: &str| text.split_once('=').map_or(text.to_string(), |(name, _)| format!("{name}=…"));
        shown.push(match arg.strip_prefix("--var=") {
            Some(assignment) => format!("--var={}", name(assignment)),
            None if of_variable => name(arg),
            None => arg.clone(),
        });
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_variables_are_hidden() {
        let args = ["pgherd", "run", "--var", "a=secret", "--var=b=secret", "x=y"].map(String::from);
        assert_eq!(command(&args), "pgherd run --var a=… --var=b=… x=y");
    }
}
