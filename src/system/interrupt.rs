//! Ctrl-C: told to every running child exactly once, and waited for.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// At this many interrupts a person is out of patience and the children are killed.
const KILL_AT: u32 = 3;

/// Whether the user wants us to stop, and the children that must hear of it.
///
/// Children run in process groups of their own: the terminal's Ctrl-C reaches pgherd alone, which passes it on once. Tools that
/// get it twice give up their orderly end (<https://developer.hashicorp.com/terraform/cli/run#interrupting>).
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
    /// What the children are called, in the order in which they began.
    names: Vec<String>,
}

/// How a child ends at an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// In its own time, as it may be in the middle of something.
    InOrder,
    /// At once: it asks something, and holds and changes nothing.
    AtOnce,
}

/// While this lives, a person who interrupts is told that this is waited for.
#[derive(Debug)]
pub struct Named {
    interrupt: Interrupt,
    name: String,
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut state = self.interrupt.state();
        if let Some(at) = state.names.iter().position(|name| *name == self.name) {
            state.names.remove(at);
        }
    }
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP over for the rest of the process's life; `told` hears the how-manieth it is,
    /// and what is waited for.
    pub fn listen(&self, told: impl Fn(u32, &[String]) + Send + 'static) -> anyhow::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen to Ctrl-C")?;
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

    /// What a signal does; answers how many there have been.
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

    /// Names what is about to run.
    pub fn name(&self, name: String) -> Named {
        self.state().names.push(name.clone());
        Named { interrupt: self.clone(), name }
    }

    /// Whether there was one.
    pub fn is_raised(&self) -> bool {
        self.state().count > 0
    }

    /// Sleeps, but not through an interrupt; says whether there was one.
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

    /// Starts a child, unless there was an interrupt: no child can start unseen between the look and the signal.
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
    /// To whole groups, as a terminal does: Packer's first process ignores the signal and counts on its second one getting it.
    fn tell(&self, signal: Signal) {
        for (group, end) in self.groups.iter().filter_map(|(group, end)| Some((Pid::from_raw(*group)?, end))) {
            let signal = if *end == OnInterrupt::AtOnce { Signal::KILL } else { signal };
            // It may have ended this moment.
            let _ = kill_process_group(group, signal);
        }
    }
}
