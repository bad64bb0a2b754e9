//! Processes that outlive the one that starts them, known by more than a number.

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

/// A process and when it began: process ids come round again, and a stranger must never get our signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Clock ticks between the machine's start and its own (`proc_pid_stat(5)`, field 22).
    pub started: u64,
    /// Which start of the machine that was.
    pub boot: String,
}

impl Process {
    /// The process that has this id now; `None` if none has, or a dead one.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in field 2 may hold anything, but nothing behind the last parenthesis is part of it.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        let dead = matches!(*fields.first()?, "Z" | "X");
        let started = fields.get(19)?.parse().ok()?;
        (!dead).then(|| Process { pid, started, boot: boot_id() })
    }

    /// Whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        Process::of(self.pid).as_ref() == Some(self)
    }

    /// Asks it to end (SIGTERM), if it is still the one we mean.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it (SIGKILL) and waits until it is gone, 5 seconds at most.
    pub fn kill(&self) {
        self.cut();
        comes_true(Duration::from_secs(5), || !self.is_alive());
    }

    /// Ends it (SIGKILL) without a look back.
    pub fn cut(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.is_alive().then(|| Pid::from_raw(self.pid)).flatten() {
            // It may have ended this moment.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Closes what whoever started us left open above standard error, then becomes the program: a daemon that inherits the lock
/// of `flock FILE pgherd lab up` would hold it for as long as it lives.
const CLOSE_INHERITED: &str =
    r#"for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd > 2)) && exec {fd}>&-; done; exec "$@""#;

/// Starts a program in a session of its own: no terminal's hang-up or Ctrl-C reaches it. Its output goes to the end of `log`.
pub fn spawn(argv: &[String], env: &BTreeMap<String, String>, log: &Path) -> io::Result<Process> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(log)?;
    // A child of ours leads no process group, so setsid(1) becomes the program itself and its process id stays.
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
    Process::of(pid).ok_or_else(|| io::Error::other(format!("{} ended at once", argv.join(" "))))
}

/// Forgets children that ended. Only for a process that waits for no child by other means at the same time.
pub fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

/// Waits until something is so, looking often; says whether it came to be.
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
