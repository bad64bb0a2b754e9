//! The ways a command can fail, and their exit codes.

use std::path::Path;
use std::{fmt, io};

/// The kinds of failure, by what the caller can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A tool or the cluster failed.
    Failed,
    /// The command line or a blueprint is invalid.
    Usage,
    /// Files, planned changes or live settings differ from what the blueprint says.
    Drift,
    /// A prerequisite is missing.
    Missing,
    /// The command is done, but its output could not be written.
    Unwritten,
    /// Everything was created, but its health cannot be seen from here.
    Unseen,
    /// The user interrupted the command.
    Interrupted,
}

/// The failure of a command.
#[derive(Debug)]
pub enum CommandError {
    /// A failure whose text has not been printed yet.
    Text(ErrorKind, String),
    /// A failure that has been printed already.
    Reported(ErrorKind),
}

impl CommandError {
    /// Returns the error for an invalid command line or blueprint.
    pub fn usage(text: impl Into<String>) -> Self {
        CommandError::Text(ErrorKind::Usage, text.into())
    }

    /// Returns the error for a command that the user interrupted.
    pub fn interrupted() -> Self {
        CommandError::Text(ErrorKind::Interrupted, "interrupted".into())
    }

    /// Returns what turns an I/O error into an error that names the path, which the system's own message does not.
    pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> CommandError + use<'_> {
        move |e| {
            let text = format!(
                "cannot write {}: {e}\n  free disk space, or make the path writable for this user",
                path.display()
            );
            CommandError::Text(ErrorKind::Failed, text)
        }
    }

    /// Returns the error for generated files that cannot be written. If the system refused, another directory may work.
    pub fn unwritten(error: anyhow::Error) -> Self {
        let refused = error.chain().any(|cause| cause.is::<io::Error>());
        let help = "\n  free disk space, make the directory writable for this user, or choose another one with --out";
        CommandError::Text(ErrorKind::Failed, format!("{error:#}{}", if refused { help } else { "" }))
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            CommandError::Text(kind, _) | CommandError::Reported(kind) => *kind,
        }
    }
}

/// Any other failure: of a tool, the disk or the cluster.
impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        CommandError::Text(ErrorKind::Failed, format!("{error:#}"))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Text(_, text) => f.write_str(text),
            CommandError::Reported(_) => Ok(()),
        }
    }
}

/// Returns the process's exit code; `--help` lists the codes.
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
