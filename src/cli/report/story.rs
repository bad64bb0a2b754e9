//! What is known of a run, from its events so far: what every picture of it is drawn from.

use std::collections::BTreeMap;

use crate::run::Outcome;
use crate::run::events::{Begun, Event, ImageSeen, Phase, Plan, Said};
use crate::system::clock;

/// A shell says so of a process that was killed (128 + SIGKILL). How it was is not known: a power cut leaves the same.
pub const KILLED: u8 = 137;

/// A run so far.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// Who runs what where.
    pub begun: Begun,
    /// When it began, in seconds since 1970.
    pub from: f64,
    /// When the last thing happened.
    pub to: f64,
    /// What goes on.
    pub phase: Phase,
    /// Since when.
    pub phase_from: f64,
    /// Its stages, in their order.
    pub stages: Vec<Stage>,
    /// What had to be seen, with its stage.
    pub notices: Vec<(String, String)>,
    /// Exit code and error, once it is over.
    pub ended: Option<(u8, String)>,
}

/// A stage so far.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// Its id.
    pub id: String,
    /// What it waits for.
    pub needs: Vec<String>,
    /// When it ran.
    pub spans: Vec<Span>,
    /// The last that its tool printed, or what it waits for.
    pub line: String,
    /// How the last phase ended for it.
    pub outcome: Option<Outcome>,
    /// Its module's plan.
    pub plan: Option<Plan>,
    /// The stage that has to be done before it can be planned.
    pub later: Option<String>,
    /// Its image.
    pub image: Option<ImageSeen>,
}

/// From when to when a stage ran, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// In which phase.
    pub phase: Phase,
    /// Its begin.
    pub from: f64,
    /// Its end; none while it runs.
    pub to: Option<f64>,
}

impl Stage {
    /// Whether it has begun to do more than to look.
    pub fn worked(&self) -> bool {
        self.spans.last().is_some_and(|span| span.phase == Phase::Work)
    }

    /// How long it worked in the end, review aside.
    pub fn took(&self) -> Option<f64> {
        let span = self.spans.iter().rfind(|span| span.phase == Phase::Work)?;
        Some(span.to? - span.from)
    }

    /// Since when it runs, if it does.
    pub fn running_since(&self) -> Option<f64> {
        self.spans.last().filter(|span| span.to.is_none()).map(|span| span.from)
    }
}

impl Story {
    /// Takes an event.
    pub fn hear(&mut self, said: &Said) {
        let now = clock::seconds(&said.at).unwrap_or(self.to);
        self.to = now;
        let phase = self.phase;
        match &said.event {
            Event::RunBegun(begun) => {
                let stage = |is: &crate::run::events::StageIs| Stage {
                    id: is.stage.clone(),
                    needs: is.needs.clone(),
                    ..Stage::default()
                };
                self.stages = begun.stages.iter().map(stage).collect();
                self.begun = begun.clone();
                self.from = now;
            }
            Event::PhaseBegun { phase } => {
                self.phase = *phase;
                self.phase_from = now;
                let done = |stage: &Stage| {
                    stage.worked() || stage.later.is_none() && matches!(stage.outcome, Some(Outcome::Unchanged(_)))
                };
                self.stages.iter_mut().filter(|stage| !done(stage)).for_each(|stage| stage.outcome = None);
            }
            Event::StageBegun { stage, early } => {
                let phase = if *early { Phase::Work } else { phase };
                let stage = self.stage(stage);
                stage.line.clear();
                stage.outcome = None;
                stage.spans.push(Span { phase, from: now, to: None });
            }
            // Terraform frames its errors and rules off its plans; what moves is text.
            Event::Output { stage, text } if text.chars().any(char::is_alphanumeric) => {
                self.stage(stage).line = text.trim().chars().filter(|c| !c.is_control()).collect();
            }
            Event::Output { .. } | Event::ConfirmationNeeded { .. } => {}
            Event::Waiting { stage, text } => self.stage(stage).line = format!("waiting: {text}"),
            Event::Notice { stage, text } => self.notices.push((stage.clone(), text.clone())),
            Event::Image(image) => self.stage(&image.stage).image = Some(image.clone()),
            Event::Planned { stage, plan } => self.stage(stage).plan.clone_from(plan),
            Event::Reviewed { later, .. } => self.put_off(later),
            Event::StageEnded { stage, outcome, .. } => {
                let stage = self.stage(stage);
                if let Some(span) = stage.spans.last_mut().filter(|span| span.to.is_none()) {
                    span.to = Some(now);
                }
                stage.outcome = Some(outcome.clone());
            }
            Event::RunEnded { exit_code, error } => self.ended = Some((*exit_code, error.clone())),
        }
    }

    fn put_off(&mut self, later: &BTreeMap<String, String>) {
        for (stage, need) in later {
            self.stage(stage).later = Some(need.clone());
        }
    }

    /// A stage by its id; one that nobody announced (such as the removal of images) is taken in.
    fn stage(&mut self, id: &str) -> &mut Stage {
        let at = self.stages.iter().position(|stage| stage.id == id).unwrap_or_else(|| {
            self.stages.push(Stage { id: id.into(), ..Stage::default() });
            self.stages.len() - 1
        });
        &mut self.stages[at]
    }

    /// What a stage that has not begun waits for.
    pub fn waits_for<'a>(&'a self, stage: &'a Stage) -> Vec<&'a str> {
        let open = |need: &&String| self.stages.iter().any(|other| other.id == **need && other.outcome.is_none());
        stage.needs.iter().filter(open).map(String::as_str).collect()
    }
}
