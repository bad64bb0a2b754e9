//! What is predicted of a fault.

use serde::Serialize;

use super::{Fault, Term};

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The fault.
    pub fault: Fault,
    /// What happens, in words.
    pub title: &'static str,
    /// The terms whose sum is the longest time that writes stop; counted from the end of `until` where that is set.
    pub outage: Vec<Term>,
    /// What ends the outage, where no timer does.
    pub until: Option<&'static str>,
    /// How long reads stop.
    pub reads: ReadOutage,
    /// The terms whose sum is the time before the fault whose acknowledged writes may be lost. Empty means that nothing is lost.
    pub loss: Vec<Term>,
    /// What is lost, where no timer bounds the loss.
    pub unbounded_loss: Option<&'static str>,
    /// Why nothing more is lost.
    pub because: &'static str,
}

impl Prediction {
    /// Returns the longest outage in milliseconds, or `None` where no timer ends it.
    pub fn bound(&self) -> Option<u32> {
        bound(&self.outage, self.until)
    }

    /// Returns how long, in milliseconds, writes stop at most after what ends the outage, or `None` where nothing is predicted.
    pub fn bound_after(&self) -> Option<u32> {
        bound_after(&self.outage, self.until)
    }

    /// Returns the milliseconds of acknowledged writes that may be lost at most, or `None` where no timer bounds the loss.
    pub fn lost(&self) -> Option<u32> {
        self.unbounded_loss.is_none().then(|| sum(&self.loss))
    }
}

/// How long reads stop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReadOutage {
    /// The terms whose sum is the longest time that reads stop; counted from the end of `until` where that is set.
    pub outage: Vec<Term>,
    /// What ends the outage, where no timer does.
    pub until: Option<&'static str>,
}

impl ReadOutage {
    /// Returns the longest outage in milliseconds, or `None` where no timer ends it.
    pub fn bound(&self) -> Option<u32> {
        bound(&self.outage, self.until)
    }

    /// Returns how long, in milliseconds, reads stop at most after what ends the outage, or `None` where nothing is predicted.
    pub fn bound_after(&self) -> Option<u32> {
        bound_after(&self.outage, self.until)
    }
}

fn bound(outage: &[Term], until: Option<&str>) -> Option<u32> {
    until.is_none().then(|| sum(outage))
}

fn bound_after(outage: &[Term], until: Option<&str>) -> Option<u32> {
    (until.is_some() && !outage.is_empty()).then(|| sum(outage))
}

fn sum(terms: &[Term]) -> u32 {
    terms.iter().map(|term| term.ms).sum()
}
