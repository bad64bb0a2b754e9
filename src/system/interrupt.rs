//! Interrupts such as Ctrl-C: passed to every running child exactly once.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The number of interrupts at which the children are killed: the user is out of patience.
const KILL_AT: u32 = 3;

/// Whether the user wants to stop, and the children to pass that on to.
///
/// Children run in their own process groups: the terminal's Ctrl-C reaches only pgherd, which passes it on once. Tools that get it
/// twice give up their orderly shutdown (<https://developer.hashicorp.com/terraform/cli/run#interrupting>).
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Children>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Children {
    count: u32,
    groups: BTreeMap<i32, OnInterrupt>,
    /// The names of the running children, in the order in which they started.
    names: Vec<String>,
}

/// What a child does at an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// It gets SIGINT and the time to shut down: it may be in the middle of a change.
    InOrder,
    /// It is killed at once: it only reads, and holds no locks.
    AtOnce,
}

/// Names a running child, for the message at an interrupt, until this is dropped.
#[derive(Debug)]
pub struct NamedChild {
    interrupt: Interrupt,
    name: String,
}

impl Drop for NamedChild {
    fn drop(&mut self) {
        let mut state = self.interrupt.state();
        if let Some(at) = state.names.iter().position(|name| *name == self.name) {
            state.names.remove(at);
        }
    }
}

impl Interrupt {
    /// Handles SIGINT, SIGTERM and SIGHUP for the rest of the process's life. `told` is called with the number of interrupts so far
    /// and the names of the running children.
    pub fn listen(&self, told: impl Fn(u32, &[String]) + Send + 'static) -> anyhow::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle interrupts")?;
        let own = self.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                let count = own.raise();
                let names = own.state().names.clone();
                told(count, &names);
            }
        });
        Ok(())
    }

    /// Does what a signal does; returns the number of interrupts so far.
    pub fn raise(&self) -> u32 {
        let mut state = self.state();
        state.count += 1;
        match state.count {
            1 => state.tell(Signal::INT),
            n if n >= KILL_AT => state.tell(Signal::KILL),
            _ => {}
        }
        self.shared.changed.notify_all();
        state.count
    }

    /// Names a child that is about to run.
    pub fn name(&self, name: String) -> NamedChild {
        self.state().names.push(name.clone());
        NamedChild { interrupt: self.clone(), name }
    }

    /// Returns whether there was an interrupt.
    pub fn is_raised(&self) -> bool {
        self.state().count > 0
    }

    /// Sleeps until an interrupt at the latest; returns whether there was one.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state();
        while state.count == 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Starts a child unless there was an interrupt. The lock is held meanwhile, so that no signal can miss the new child.
    pub(super) fn start<T>(
        &self,
        end: OnInterrupt,
        spawn: impl FnOnce() -> io::Result<(T, Vec<i32>)>,
    ) -> io::Result<Option<T>> {
        let mut state = self.state();
        if state.count > 0 {
            return Ok(None);
        }
        let (child, groups) = spawn()?;
        state.groups.extend(groups.into_iter().map(|group| (group, end)));
        Ok(Some(child))
    }

    /// Forgets a child that ended.
    pub(super) fn ended(&self, groups: &[i32]) {
        let mut state = self.state();
        for group in groups {
            state.groups.remove(group);
        }
    }

    fn state(&self) -> MutexGuard<'_, Children> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Children {
    /// Signals whole process groups, as a terminal does: Packer's first process ignores the signal and relies on its second one.
    fn tell(&self, signal: Signal) {
        for (group, end) in self.groups.iter().filter_map(|(group, end)| Some((Pid::from_raw(*group)?, end))) {
            let signal = if *end == OnInterrupt::AtOnce { Signal::KILL } else { signal };
            // It may have ended just now.
            let _ = kill_process_group(group, signal);
        }
    }
}
