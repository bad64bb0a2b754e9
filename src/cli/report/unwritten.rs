//! Remembers output that could not be written, so that a command whose result is lost does not end with success.

use std::io;
use std::sync::{Mutex, PoisonError};

/// The first failed write, and its error.
#[derive(Debug, Default)]
pub struct Unwritten(Mutex<Option<String>>);

impl Unwritten {
    /// Remembers a failed write. A closed pipe is not a failure: its reader (such as `head`) has seen enough.
    pub fn note(&self, what: &str, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| format!("cannot write {what}: {error}"));
        }
    }

    /// Returns the first failure, if there was one.
    pub fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_counts_and_a_closed_pipe_is_none() {
        let unwritten = Unwritten::default();
        unwritten.note("the result", Err(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(unwritten.first(), None);
        unwritten.note("the result", Err(io::ErrorKind::StorageFull.into()));
        unwritten.note("the log", Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(unwritten.first().as_deref(), Some("cannot write the result: no storage space"));
    }
}
