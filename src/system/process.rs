//! Child processes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Interrupt;
use super::files::Lock;
use super::interrupt::OnInterrupt;

/// A program to run.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// The directory where it runs.
    pub dir: &'a Path,
    /// Its complete environment.
    pub env: &'a BTreeMap<String, String>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// It was not started, because of an earlier interrupt.
    NotStarted,
    /// It did not end within this many seconds and was killed.
    NoAnswer(u64),
}

impl Exit {
    /// Returns whether it exited with 0.
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
            Exit::NoAnswer(seconds) => write!(f, "no response within {seconds} s"),
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

/// Runs a program to its end, and passes each line of its standard output and standard error on as it comes.
///
/// Its standard input is the locked file of `held`, so the lock lasts as long as the program, even if this process is killed.
pub fn stream(
    program: Program<'_>,
    held: Lock,
    interrupt: &Interrupt,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Exit> {
    let expression = own_group(plain(program)?).stdin_file(held.into_file()).stderr_to_stdout();
    let Some(reader) = start(interrupt, expression)? else { return Ok(Exit::NotStarted) };
    let groups = groups(&reader);
    let read = read_lines(&reader, on_line);
    interrupt.ended(&groups);
    read.and_then(|()| ended(&reader))
}

fn read_lines(reader: &duct::ReaderHandle, on_line: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut lines = BufReader::new(reader);
    let mut line = vec![];
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line)? {
            0 => return Ok(()),
            _ => on_line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])),
        }
    }
}

/// Runs a program to its end and returns what it prints. If it does not end within `limit`, it is killed with its process group;
/// without a limit it may take as long as it likes.
pub fn capture(program: Program<'_>, limit: Option<Duration>, interrupt: &Interrupt) -> io::Result<Captured> {
    kept(program, limit, interrupt, OnInterrupt::InOrder)
}

/// Runs a program that only reads: it is killed at the first interrupt. Otherwise this is [`capture`].
pub fn ask(program: Program<'_>, limit: Duration, interrupt: &Interrupt) -> io::Result<Captured> {
    kept(program, Some(limit), interrupt, OnInterrupt::AtOnce)
}

fn kept(
    program: Program<'_>,
    limit: Option<Duration>,
    interrupt: &Interrupt,
    end: OnInterrupt,
) -> io::Result<Captured> {
    // In memory: the output may be secret, and there may be no directory for temporary files.
    let (mut stdout, mut stderr) = (in_memory("stdout")?, in_memory("stderr")?);
    let expression = own_group(plain(program)?).stdin_null();
    let expression = expression.stdout_file(stdout.try_clone()?).stderr_file(stderr.try_clone()?);
    let started = interrupt.start(end, || {
        let child = expression.start()?;
        let groups = as_groups(child.pids());
        Ok((child, groups))
    })?;
    let Some(child) = started else {
        return Ok(Captured { exit: Exit::NotStarted, stdout: String::new(), stderr: String::new() });
    };
    let groups = as_groups(child.pids());
    let exit = wait(&child, &groups, limit);
    interrupt.ended(&groups);
    Ok(Captured { exit: exit?, stdout: text_of(&mut stdout)?, stderr: text_of(&mut stderr)? })
}

fn wait(child: &duct::Handle, groups: &[i32], limit: Option<Duration>) -> io::Result<Exit> {
    let Some(limit) = limit else { return Ok(Exit::of(child.wait()?.status)) };
    if let Some(output) = child.wait_timeout(limit)? {
        return Ok(Exit::of(output.status));
    }
    for group in groups.iter().filter_map(|group| Pid::from_raw(*group)) {
        // It may have ended just now.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    Ok(Exit::NoAnswer(limit.as_secs()))
}

fn in_memory(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?.into())
}

fn text_of(file: &mut File) -> io::Result<String> {
    let mut bytes = vec![];
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs a program in this process's own group to its end, ignoring signals: what is sent to the group reaches the program by
/// itself.
pub fn stream_in_group(program: Program<'_>, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Handled by doing nothing. The program would inherit signals that are ignored, but not handlers.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let reader = plain(program)?.stdin_null().stderr_to_stdout().reader()?;
    read_lines(&reader, on_line)?;
    ended(&reader)
}

/// Kills all other processes of this process's group: what a killed tool had started keeps running, and nobody needs it.
pub fn end_strays() {
    let (own, group) = (rustix::process::getpid(), rustix::process::getpgrp().to_string());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_group = |pid: &Pid| {
        // `PID (NAME) STATE PARENT GROUP …`; the name may hold anything.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)) == Some(group.as_str())
    };
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    for pid in pids.filter(|pid| *pid != own && of_group(pid)) {
        // It may have ended just now.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

/// The identity of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// Its process id.
    pub pid: u32,
    /// The name of its user, or the user id if it has no name.
    pub user: String,
    /// The host name.
    pub host: String,
    /// Its command line.
    pub args: Vec<String>,
}

/// Looks in the mirror: returns who this process is.
pub fn myself() -> ProcessIdentity {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named =
        users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|user| user.get(2) == Some(&uid.as_str()));
    let mut args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    if let Some(name) = args.first_mut().and_then(|path| path.rsplit_once('/').map(|(_, name)| name.to_string())) {
        args[0] = name;
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    ProcessIdentity { pid: std::process::id(), host, user: named.map_or(uid.clone(), |user| user[0].to_string()), args }
}

/// Returns whether a process with this id exists.
pub fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Another user's process cannot be signalled, but exists.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Replaces this process with another program. Returns only if that fails.
pub fn replace(program: Program<'_>) -> io::Error {
    let Some((name, args)) = program.argv.split_first() else { return io::Error::other("there is no program to run") };
    std::process::Command::new(name).args(args).current_dir(program.dir).env_clear().envs(program.env).exec()
}

fn plain(program: Program<'_>) -> io::Result<duct::Expression> {
    let (name, args) = program.argv.split_first().ok_or_else(|| io::Error::other("there is no program to run"))?;
    Ok(duct::cmd(name, args).dir(program.dir).full_env(program.env).unchecked())
}

fn own_group(expression: duct::Expression) -> duct::Expression {
    expression.before_spawn(|command| {
        command.process_group(0);
        Ok(())
    })
}

fn start(interrupt: &Interrupt, expression: duct::Expression) -> io::Result<Option<duct::ReaderHandle>> {
    interrupt.start(OnInterrupt::InOrder, || {
        let reader = expression.reader()?;
        let groups = groups(&reader);
        Ok((reader, groups))
    })
}

/// Returns the process groups of the children: each child leads a group of its own.
fn groups(reader: &duct::ReaderHandle) -> Vec<i32> {
    as_groups(reader.pids())
}

fn as_groups(pids: Vec<u32>) -> Vec<i32> {
    pids.into_iter().filter_map(|pid| pid.try_into().ok()).collect()
}

/// Returns how the child ended. It has closed its output, and the read that saw this has waited for it.
fn ended(reader: &duct::ReaderHandle) -> io::Result<Exit> {
    match reader.try_wait()? {
        Some(output) => Ok(Exit::of(output.status)),
        None => Err(io::Error::other("the program closed its output but has not ended")),
    }
}
