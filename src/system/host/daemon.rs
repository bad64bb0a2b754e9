//! Processes that outlive the one that starts them, identified by more than a process id.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use serde::{Deserialize, Serialize};

/// A process and its start time. Process ids are reused, and a stranger must never get our signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Its start, in clock ticks after the boot of the machine (`proc_pid_stat(5)`, field 22).
    pub started: u64,
    /// The id of that boot.
    pub boot: String,
}

impl Process {
    /// Returns the process that has this id now; `None` if there is none or it is a zombie.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in field 2 may contain anything, but it ends at the last parenthesis.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        let dead = matches!(*fields.first()?, "Z" | "X");
        let started = fields.get(19)?.parse().ok()?;
        (!dead).then(|| Process { pid, started, boot: boot_id() })
    }

    /// Returns this process.
    pub fn own() -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_pid();
        Process::of(pid).ok_or_else(|| io::Error::other("this process is not in /proc"))
    }

    /// Returns whether this very process is still running.
    pub fn is_alive(&self) -> bool {
        Process::of(self.pid).as_ref() == Some(self)
    }

    /// Asks it to end (SIGTERM), if it is still the same process.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it (SIGKILL) and waits until it is gone, for 5 seconds at most.
    pub fn kill(&self) {
        self.cut();
        comes_true(Duration::from_secs(5), || !self.is_alive());
    }

    /// Kills it (SIGKILL) without waiting.
    pub fn cut(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.is_alive().then(|| Pid::from_raw(self.pid)).flatten() {
            // It may have ended just now.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Closes all inherited files above standard error and becomes the program: a daemon that inherited the lock of
/// `flock FILE pgherd lab up` would hold it for as long as it lives.
const CLOSE_INHERITED: &str =
    r#"for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd > 2)) && exec {fd}>&-; done; exec "$@""#;

/// Starts a program in its own session, so that no hang-up or Ctrl-C of a terminal reaches it. Its output is appended to `log`.
pub fn spawn(argv: &[String], env: &BTreeMap<String, String>, log: &Path) -> io::Result<Process> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(log)?;
    // Our child does not lead a process group, so setsid(1) execs the program without forking and the process id stays.
    let child = (Command::new("setsid")
        .args(["bash", "-c", CLOSE_INHERITED, "bash"])
        .args(argv)
        .env_clear()
        .envs(env)
        .current_dir("/"))
    .stdin(Stdio::null())
    .stdout(log.try_clone()?)
    .stderr(log)
    .spawn()?;
    let pid = child.id().try_into().map_err(io::Error::other)?;
    Process::of(pid).ok_or_else(|| io::Error::other(format!("{} ended immediately", argv.join(" "))))
}

/// Reaps children that have ended. The process must not wait for children by other means at the same time.
pub fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

/// Waits until a condition holds, checking every 20 ms; returns whether it came true in time.
pub fn comes_true(time: Duration, mut so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while !so() {
        if begin.elapsed() > time {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}
