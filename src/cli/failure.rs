//! How a command can fail, and the process's exit code.

use std::path::Path;
use std::{fmt, io};

/// Kinds of failure, by what the caller can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tool or the cluster failed.
    Failed,
    /// Bad usage or blueprint.
    Usage,
    /// The generated files are not what the blueprint generates.
    Drift,
    /// A prerequisite is missing.
    Missing,
    /// It is done, and what it has to say of it could not be written.
    Unwritten,
    /// Everything is made, and whether it is healthy cannot be seen from here.
    Unseen,
    /// The user stopped it.
    Interrupted,
}

/// A failure.
#[derive(Debug)]
pub enum Failure {
    /// With a text that is still to be printed.
    Text(Kind, String),
    /// Everything was said.
    Said(Kind),
}

impl Failure {
    /// Bad usage or blueprint.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure::Text(Kind::Usage, text.into())
    }

    /// The user stopped it.
    pub fn interrupted() -> Self {
        Failure::Text(Kind::Interrupted, "interrupted".into())
    }

    /// What becomes of it when something cannot be written there. An error of the system's alone names no file.
    pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Failure + use<'_> {
        move |e| {
            let text = format!("cannot write {}: {e}\n  make room, or make it writable for this user", path.display());
            Failure::Text(Kind::Failed, text)
        }
    }

    /// What becomes of it when generated files cannot be written. Where the system refuses them, another folder may do.
    pub fn unwritten(error: anyhow::Error) -> Self {
        let refused = error.chain().any(|cause| cause.is::<io::Error>());
        let help = "\n  make room, make it writable for this user, or name another folder with --out";
        Failure::Text(Kind::Failed, format!("{error:#}{}", if refused { help } else { "" }))
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Failure::Text(kind, _) | Failure::Said(kind) => *kind,
        }
    }
}

/// Whatever else goes wrong: a tool, a disk, the cluster.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Text(Kind::Failed, format!("{error:#}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Text(_, text) => f.write_str(text),
            Failure::Said(_) => Ok(()),
        }
    }
}

/// The process's exit code; `--help` lists them.
pub fn exit_code(result: &Result<(), Failure>) -> u8 {
    match result.as_ref().map_err(Failure::kind) {
        Ok(()) => 0,
        Err(Kind::Failed) => 1,
        Err(Kind::Usage) => 2,
        Err(Kind::Drift) => 3,
        Err(Kind::Missing) => 4,
        Err(Kind::Unseen) => 5,
        Err(Kind::Unwritten) => 6,
        Err(Kind::Interrupted) => 130,
    }
}
