//! Passes a run's events to all listeners: redacted once, and in one order.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Unwritten;
use crate::run::Watcher;
use crate::run::environment::Redactor;
use crate::run::events::{Event, TimedEvent};
use crate::system::clock;

/// Time between two ticks.
const TICK: Duration = Duration::from_millis(200);

/// Takes events and turns them into lines, a live view, JSON or a file.
pub trait Listener: Send {
    /// Takes an event.
    fn hear(&mut self, said: &TimedEvent);
    /// Is called while time passes, to refresh what shows it.
    fn tick(&mut self) {}
}

/// Passes events on to listeners.
pub struct Feed {
    redactor: Redactor,
    unwritten: Arc<Unwritten>,
    listeners: Mutex<Vec<Box<dyn Listener>>>,
}

impl Feed {
    /// Makes a feed with its first listener.
    pub fn to(listener: Box<dyn Listener>, redactor: Redactor, unwritten: &Arc<Unwritten>) -> Self {
        Feed { redactor, unwritten: Arc::clone(unwritten), listeners: Mutex::new(vec![listener]) }
    }

    /// Adds a listener for all events from now on.
    pub fn add(&self, listener: Box<dyn Listener>) {
        self.listeners().push(listener);
    }

    /// Runs work, and ticks meanwhile.
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
        let said = TimedEvent { at: clock::rfc3339(clock::now()), event: self.redactor.event(event) };
        self.listeners().iter_mut().for_each(|listener| listener.hear(&said));
    }

    fn lost(&self, what: &str, error: io::Error) {
        self.unwritten.note(what, Err(error));
    }
}
