//! Child processes.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;

use super::Interrupt;

/// A program to run.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// Where it runs.
    pub dir: &'a Path,
    /// Its whole environment.
    pub env: &'a BTreeMap<String, String>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was not started: there was an interrupt before.
    NotStarted,
}

impl Exit {
    /// Whether it ended with 0.
    pub fn ok(self) -> bool {
        self == Exit::Code(0)
    }

    fn of(status: std::process::ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(signal) => write!(f, "killed by signal {signal}"),
            Exit::NotStarted => write!(f, "not started"),
        }
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a program to its end; each line it prints, on either stream, is handed on as it comes.
pub fn stream(program: Program<'_>, interrupt: &Interrupt, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit> {
    let Some(reader) = start(interrupt, expression(program).stderr_to_stdout())? else { return Ok(Exit::NotStarted) };
    let groups = groups(&reader);
    let mut lines = BufReader::new(&reader);
    let mut line = vec![];
    let read = loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => break Ok(()),
            Ok(_) => on_line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])),
            Err(e) => break Err(e),
        }
    };
    interrupt.ended(&groups);
    read.and_then(|()| ended(&reader))
}

/// Runs a program to its end and keeps what it prints.
pub fn capture(program: Program<'_>, interrupt: &Interrupt) -> io::Result<Captured> {
    let mut errors = tempfile::tempfile()?;
    let expression = expression(program).stderr_file(errors.try_clone()?);
    let Some(reader) = start(interrupt, expression)? else {
        return Ok(Captured { exit: Exit::NotStarted, stdout: String::new(), stderr: String::new() });
    };
    let groups = groups(&reader);
    let mut stdout = vec![];
    let read = (&reader).read_to_end(&mut stdout);
    interrupt.ended(&groups);
    read?;
    let mut stderr = vec![];
    errors.rewind()?;
    errors.read_to_end(&mut stderr)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Captured { exit: ended(&reader)?, stdout: text(&stdout), stderr: text(&stderr) })
}

/// Becomes another program, which takes over the terminal; comes back only if that fails.
pub fn replace(program: Program<'_>) -> io::Error {
    let Some((name, args)) = program.argv.split_first() else { return io::Error::other("no program") };
    std::process::Command::new(name).args(args).current_dir(program.dir).env_clear().envs(program.env).exec()
}

fn expression(program: Program<'_>) -> duct::Expression {
    let (name, args) = program.argv.split_first().expect("a program has a name");
    duct::cmd(name, args).dir(program.dir).full_env(program.env).stdin_null().unchecked().before_spawn(|command| {
        command.process_group(0);
        Ok(())
    })
}

fn start(interrupt: &Interrupt, expression: duct::Expression) -> io::Result<Option<duct::ReaderHandle>> {
    interrupt.start(|| {
        let reader = expression.reader()?;
        let groups = groups(&reader);
        Ok((reader, groups))
    })
}

/// Each child leads a group of its own, named by its process id.
fn groups(reader: &duct::ReaderHandle) -> Vec<i32> {
    reader.pids().into_iter().filter_map(|pid| pid.try_into().ok()).collect()
}

/// The child has closed its output and was waited for by the read that saw it.
fn ended(reader: &duct::ReaderHandle) -> io::Result<Exit> {
    match reader.try_wait()? {
        Some(output) => Ok(Exit::of(output.status)),
        None => Err(io::Error::other("the program closed its output but has not ended")),
    }
}
