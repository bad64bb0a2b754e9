//! What a run tells while it goes on, and what each stage comes to.

use std::path::PathBuf;
use std::time::Duration;

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did this.
    Done(String),
    /// There was nothing to do, for this reason.
    Unchanged(String),
    /// It failed.
    Failed(Box<Failure>),
    /// It was not begun: this stage, which it needs, did not succeed.
    Blocked(String),
    /// The user said no to what it was about to do.
    Declined,
    /// The user stopped it.
    Interrupted,
}

impl Outcome {
    /// Whether what needs the stage may begin.
    pub fn ok(&self) -> bool {
        matches!(self, Outcome::Done(_) | Outcome::Unchanged(_))
    }
}

/// Why a stage failed, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// The end of the tool's output.
    pub tail: Vec<String>,
    /// All of its output.
    pub log: Option<PathBuf>,
    /// What to do.
    pub advice: String,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A stage began.
    Started {
        /// Its id.
        stage: &'a str,
    },
    /// A stage's tool printed a line, or the stage says what it waits for.
    Line {
        /// Its id.
        stage: &'a str,
        /// The line.
        text: &'a str,
    },
    /// A stage says something that has to be seen.
    Notice {
        /// Its id.
        stage: &'a str,
        /// What.
        text: &'a str,
    },
    /// A stage ended, or will never begin.
    Ended {
        /// Its id.
        stage: &'a str,
        /// How.
        outcome: &'a Outcome,
        /// After how long.
        took: Duration,
    },
}

/// Hears of everything that happens, from several threads at once.
pub trait Watcher: Sync {
    /// Takes an event.
    fn event(&self, event: Event<'_>);
}
