//! Who holds a folder's lock, for those who find it taken.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::system::{clock, process};

/// A pgherd at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pid: u32,
    user: String,
    command: String,
    since: String,
}

impl Holder {
    /// This one.
    pub fn myself() -> Self {
        let me = process::myself();
        Holder { pid: me.pid, user: me.user, command: command(&me.args), since: clock::stamp(clock::now()) }
    }

    /// Reads what [`Holder::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it is kept.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Whether it is still there: the note may be older than the lock.
    pub fn lives(&self) -> bool {
        process::lives(self.pid)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, process {} of user {}, since {}", self.command, self.pid, self.user, self.since)
    }
}

/// The words without what a variable is set to: that may be anything.
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
    fn a_variables_value_is_not_told() {
        let args = ["pgherd", "run", "--var", "a=secret", "--var=b=secret", "x=y"].map(String::from);
        assert_eq!(command(&args), "pgherd run --var a=… --var=b=… x=y");
    }
}
