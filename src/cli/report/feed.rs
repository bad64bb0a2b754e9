//! Where a run's events go: redacted once, in one order, to everybody who makes something of them.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Unwritten;
use crate::run::Watcher;
use crate::run::environment::Redactor;
use crate::run::events::{Event, Said};
use crate::system::clock;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(200);

/// Makes something of events: lines, a live view, JSON, a file.
pub trait Listener: Send {
    /// Takes an event.
    fn hear(&mut self, said: &Said);
    /// Time has passed.
    fn tick(&mut self) {}
}

/// Passes events on.
pub struct Feed {
    redactor: Redactor,
    unwritten: Arc<Unwritten>,
    listeners: Mutex<Vec<Box<dyn Listener>>>,
}

impl Feed {
    /// To this one first.
    pub fn to(listener: Box<dyn Listener>, redactor: Redactor, unwritten: &Arc<Unwritten>) -> Self {
        Feed { redactor, unwritten: Arc::clone(unwritten), listeners: Mutex::new(vec![listener]) }
    }

    /// And to this one as well, from now on.
    pub fn add(&self, listener: Box<dyn Listener>) {
        self.listeners().push(listener);
    }

    /// Does work, the clock going on meanwhile.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, ticks) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while ticks.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    self.listeners().iter_mut().for_each(|listener| listener.tick());
                }
            });
            let result = work();
            drop(done);
            result
        })
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Box<dyn Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Feed {
    fn event(&self, event: Event) {
        let said = Said { at: clock::rfc3339(clock::now()), event: self.redactor.event(event) };
        self.listeners().iter_mut().for_each(|listener| listener.hear(&said));
    }

    fn lost(&self, what: &str, error: io::Error) {
        self.unwritten.note(what, Err(error));
    }
}
