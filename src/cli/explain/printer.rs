//! Tells decisions, each with those that it follows from.

use std::collections::BTreeSet;

use crate::blueprint::Places;
use crate::cli::blueprints::Loaded;
use crate::cli::report::{Report, Style};
use crate::cli::trace;
use crate::cluster::decision::Decision;

/// Prints decisions, and below each the decisions or the lines of the blueprint that it follows from.
pub struct DecisionPrinter<'a> {
    report: &'a Report,
    loaded: &'a Loaded,
    places: Places<'a>,
    told: BTreeSet<&'a str>,
}

impl<'a> DecisionPrinter<'a> {
    /// Makes a teller that has told nothing yet.
    pub fn new(report: &'a Report, loaded: &'a Loaded) -> Self {
        DecisionPrinter { report, loaded, places: Places::of("", &loaded.text), told: BTreeSet::new() }
    }

    /// Prints a decision. One that has been told already is only named.
    pub fn tell(&mut self, decision: &'a Decision) {
        self.tell_at(decision, 0);
    }

    fn tell_at(&mut self, decision: &'a Decision, depth: usize) {
        let indent = "    ".repeat(depth);
        let line = |text: &str| self.report.line(&format!("{indent}{text}"));
        let head = format!("{} = {}", self.report.on_out(Style::Bold, &decision.name), decision.value);
        if !self.told.insert(&decision.name) {
            return line(&format!("{head} (above)"));
        }
        line(&head);
        line(&format!("    {}", decision.why));
        line(&format!("    source: {}", decision.source));
        for name in &decision.from {
            match self.loaded.cluster.decisions.iter().find(|other| other.name == *name && other.name != decision.name)
            {
                Some(other) => self.tell_at(other, depth + 1),
                None => {
                    let place = trace::place(self.loaded, &self.places, name);
                    self.report.line(&format!("{indent}    {place}"));
                }
            }
        }
    }
}
