//! How a command can fail, and the process's exit code.

use std::path::Path;
use std::{fmt, io};

/// Kinds of failure, by what the caller can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
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
pub enum CommandError {
    /// With a text that is still to be printed.
    Text(ErrorKind, String),
    /// Everything was said.
    Said(ErrorKind),
}

impl CommandError {
    /// Bad usage or blueprint.
    pub fn usage(text: impl Into<String>) -> Self {
        CommandError::Text(ErrorKind::Usage, text.into())
    }

    /// The user stopped it.
    pub fn interrupted() -> Self {
        CommandError::Text(ErrorKind::Interrupted, "interrupted".into())
    }

    /// What becomes of it when something cannot be written there. An error of the system's alone names no file.
    pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> CommandError + use<'_> {
        move |e| {
            let text = format!("cannot write {}: {e}\n  make room, or make it writable for this user", path.display());
            CommandError::Text(ErrorKind::Failed, text)
        }
    }

    /// What becomes of it when generated files cannot be written. Where the system refuses them, another folder may do.
    pub fn unwritten(error: anyhow::Error) -> Self {
        let refused = error.chain().any(|cause| cause.is::<io::Error>());
        let help = "\n  make room, make it writable for this user, or name another folder with --out";
        CommandError::Text(ErrorKind::Failed, format!("{error:#}{}", if refused { help } else { "" }))
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            CommandError::Text(kind, _) | CommandError::Said(kind) => *kind,
        }
    }
}

/// Whatever else goes wrong: a tool, a disk, the cluster.
impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        CommandError::Text(ErrorKind::Failed, format!("{error:#}"))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Text(_, text) => f.write_str(text),
            CommandError::Said(_) => Ok(()),
        }
    }
}

/// The process's exit code; `--help` lists them.
pub fn exit_code(result: &Result<(), CommandError>) -> u8 {
    match result.as_ref().map_err(CommandError::kind) {
        Ok(()) => 0,
        Err(ErrorKind::Failed) => 1,
        Err(ErrorKind::Usage) => 2,
        Err(ErrorKind::Drift) => 3,
        Err(ErrorKind::Missing) => 4,
        Err(ErrorKind::Unseen) => 5,
        Err(ErrorKind::Unwritten) => 6,
        Err(ErrorKind::Interrupted) => 130,
    }
}
