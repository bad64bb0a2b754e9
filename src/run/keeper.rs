//! The keeper of a tool: a second pgherd process that runs one command, so that the command survives the death of pgherd.
//!
//! The tool writes to the keeper's pipe. The keeper redacts each line, adds it to the stage's log and passes it on to pgherd. If pgherd
//! is killed, the tool does not notice: Terraform finishes and writes its state, Packer finishes its image and removes its builder.
//! Until then the keeper holds a share of [`LOCK`], which the next run waits for.

use std::path::{Path, PathBuf};

use super::environment::Redactor;
use super::journal::Entry;
use super::log::Log;
use crate::system::Context;
use crate::system::process::{self, Exit, Program};

/// The lock in the private folder that every keeper holds.
pub const LOCK: &str = "tools.lock";
/// The command that runs pgherd as a keeper.
pub const VERB: &str = "keep";
/// The exit code for a program that cannot be started, as in a shell.
const CANNOT_START: i32 = 127;
/// The exit assumed for code 0 without the proof: a child process of the program was killed.
const UNPROVEN: Exit = Exit::Signal(9);
/// Exit codes above this mean a signal, as in a shell.
const SIGNALS: i32 = 128;

/// A command to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The log for its output.
    pub log: PathBuf,
    /// The journal and the entry to end in it when the command ends.
    pub journal: Option<(PathBuf, Entry)>,
    /// The beginning of a line that proves that the work was done. A program may exit with code 0 and have done nothing.
    pub proof: Option<String>,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// Runs a tool to its end and returns its exit code.
pub fn keep(context: &Context, kept: &Kept, say: &mut dyn FnMut(&str)) -> i32 {
    let redactor = Redactor::of(&context.env);
    let Ok(mut log) = Log::at(&kept.log, redactor) else {
        say(&format!("cannot write {}", kept.log.display()));
        return CANNOT_START;
    };
    let program = Program { argv: &kept.argv, dir: &context.cwd, env: &context.env };
    let mut proven = kept.proof.is_none();
    let exit = process::stream_in_group(program, &mut |line| {
        proven |= kept.proof.as_ref().is_some_and(|proof| line.trim_start().starts_with(proof));
        log.output(line);
        // Passed on unformatted, because pgherd reads Terraform's messages from it.
        say(&log.redacted(line));
    });
    let exit = exit.map(|exit| {
        if proven || !exit.ok() {
            return exit;
        }
        say(&log.line(&format!("Error: {} built no image, because one of its processes was killed", kept.argv[0])));
        UNPROVEN
    });
    let (code, how) = match exit {
        Ok(Exit::Code(code)) => (code, Exit::Code(code).to_string()),
        Ok(Exit::Signal(signal)) => (SIGNALS + signal, Exit::Signal(signal).to_string()),
        Ok(Exit::NotStarted | Exit::NoAnswer(_)) => (CANNOT_START, "not started".into()),
        Err(e) => {
            say(&log.line(&format!("cannot start {}: {e}", kept.argv[0])));
            (CANNOT_START, "not started".into())
        }
    };
    if code != 0 {
        process::end_strays();
    }
    log.line(&format!("[{how}]"));
    if let Some(error) = log.take_lost() {
        // The pgherd that started this keeper writes to the same log and reports the error.
        say(&format!("cannot write {}: {error}", kept.log.display()));
    }
    if let Some((path, entry)) = &kept.journal {
        let _ = entry.ended(&how).write(path);
    }
    code
}

/// Returns the command line that starts a keeper.
pub fn argv(pgherd: &Path, kept: &Kept) -> Vec<String> {
    let mut argv = vec![pgherd.display().to_string(), VERB.into(), "--log".into(), kept.log.display().to_string()];
    if let Some((path, entry)) = &kept.journal {
        argv.extend(["--journal".into(), path.display().to_string()]);
        argv.extend(["--entry".into(), serde_json::to_string(entry).unwrap_or_default()]);
    }
    if let Some(proof) = &kept.proof {
        argv.extend(["--proof".into(), proof.clone()]);
    }
    argv.push("--".into());
    argv.extend(kept.argv.iter().cloned());
    argv
}

/// Returns how the tool ended, given its keeper's exit.
pub fn exit_of_tool(keeper: Exit) -> Exit {
    match keeper {
        Exit::Code(code) if code > SIGNALS => Exit::Signal(code - SIGNALS),
        exit => exit,
    }
}
