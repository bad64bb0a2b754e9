//! A tool's keeper: pgherd started once more for one command, so that the command outlives whatever becomes of pgherd.
//!
//! The tool writes into the keeper's pipe. The keeper takes secrets out of each line, adds it to the stage's log and hands it to
//! pgherd. With pgherd gone the tool notices nothing: Terraform ends its work and writes its state, Packer its image and takes its
//! builder down. Until then the keeper holds a share of [`LOCK`], which the next run waits for.

use std::path::{Path, PathBuf};

use super::environment::Redactor;
use super::journal::Entry;
use super::log::Log;
use crate::system::Context;
use crate::system::process::{self, Exit, Program};

/// Held by every keeper; in the private folder.
pub const LOCK: &str = "tools.lock";
/// The verb that makes a keeper of pgherd.
pub const VERB: &str = "keep";
/// A program that cannot be started ends with this in a shell.
const CANNOT_START: i32 = 127;
/// What an exit code of 0 without the proof is taken for: a process of the program's own was killed.
const UNPROVEN: Exit = Exit::Signal(9);
/// From here on an exit code stands for a signal, as in a shell.
const SIGNALS: i32 = 128;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where its output goes.
    pub log: PathBuf,
    /// What is added to which journal when it ends.
    pub journal: Option<(PathBuf, Entry)>,
    /// How a line begins by which it proves that it has done its work: a program may end with 0 and have done nothing.
    pub proof: Option<String>,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// Runs a tool to its end; answers its exit code.
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
        // As it is: pgherd reads Terraform's messages from it.
        say(&log.redacted(line));
    });
    let exit = exit.map(|exit| {
        if proven || !exit.ok() {
            return exit;
        }
        say(&log.line(&format!("Error: {} has made nothing: a process of its own was killed", kept.argv[0])));
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
        // Whoever started this adds to the same log, and tells.
        say(&format!("cannot write {}: {error}", kept.log.display()));
    }
    if let Some((path, entry)) = &kept.journal {
        let _ = entry.ended(&how).write(path);
    }
    code
}

/// The words that start a keeper.
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

/// How the tool ended, by its keeper's exit.
pub fn exit_of_tool(keeper: Exit) -> Exit {
    match keeper {
        Exit::Code(code) if code > SIGNALS => Exit::Signal(code - SIGNALS),
        exit => exit,
    }
}
