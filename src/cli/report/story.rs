//! The state of a run, gathered from its events. Every view of a run is drawn from it.

use std::collections::BTreeMap;

use crate::run::Outcome;
use crate::run::events::{Begun, Event, ImageSeen, Phase, Plan, TimedEvent};
use crate::run::status::ClusterStatus;
use crate::system::clock;

/// The exit code recorded for a killed run: 128 + SIGKILL, as a shell reports it. A power cut looks the same.
pub const KILLED: u8 = 137;

/// A run so far.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// The event that began it: the verb, the cluster, the target and the tools.
    pub begun: Begun,
    /// Its begin, in seconds since 1970.
    pub from: f64,
    /// The time of the last event, in seconds since 1970.
    pub to: f64,
    /// The current phase.
    pub phase: Phase,
    /// The begin of the phase, in seconds since 1970.
    pub phase_from: f64,
    /// Its stages, in their order.
    pub stages: Vec<StageStory>,
    /// Notices, each with its stage.
    pub notices: Vec<(String, String)>,
    /// The cluster as it was observed last.
    pub observed: Option<ClusterStatus>,
    /// Exit code and error, once it has ended.
    pub ended: Option<(u8, String)>,
}

/// A stage so far.
#[derive(Debug, Clone, Default)]
pub struct StageStory {
    /// Its id.
    pub id: String,
    /// The stages that it depends on.
    pub needs: Vec<String>,
    /// The spans of time in which it ran.
    pub spans: Vec<Span>,
    /// The last line that its tool printed, or what it waits for.
    pub line: String,
    /// Its outcome in the current phase.
    pub outcome: Option<Outcome>,
    /// The plan of its module.
    pub plan: Option<Plan>,
    /// The stage that must be done before it can be planned.
    pub later: Option<String>,
    /// Its image.
    pub image: Option<ImageSeen>,
}

/// A span of time in which a stage ran, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The phase.
    pub phase: Phase,
    /// Its begin.
    pub from: f64,
    /// Its end; `None` while it runs.
    pub to: Option<f64>,
}

impl StageStory {
    /// Returns whether its work has begun, beyond the review.
    pub fn worked(&self) -> bool {
        self.spans.last().is_some_and(|span| span.phase == Phase::Work)
    }

    /// Returns how many seconds its work took, without the review; `None` if it has not ended.
    pub fn took(&self) -> Option<f64> {
        let span = self.spans.iter().rfind(|span| span.phase == Phase::Work)?;
        Some(span.to? - span.from)
    }

    /// Returns the time since when it is running, if it is.
    pub fn running_since(&self) -> Option<f64> {
        self.spans.last().filter(|span| span.to.is_none()).map(|span| span.from)
    }
}

impl Story {
    /// Takes an event.
    pub fn hear(&mut self, said: &TimedEvent) {
        let now = clock::seconds(&said.at).unwrap_or(self.to);
        self.to = now;
        let phase = self.phase;
        match &said.event {
            Event::RunBegun(begun) => {
                let stage = |is: &crate::run::events::StageNeeds| StageStory {
                    id: is.stage.clone(),
                    needs: is.needs.clone(),
                    ..StageStory::default()
                };
                self.stages = begun.stages.iter().map(stage).collect();
                self.begun = begun.clone();
                self.from = now;
            }
            Event::PhaseBegun { phase } => {
                self.phase = *phase;
                self.phase_from = now;
                let done = |stage: &StageStory| {
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
            // Terraform draws frames and rules; only text is progress.
            Event::Output { stage, text } if text.chars().any(char::is_alphanumeric) => {
                self.stage(stage).line = text.trim().chars().filter(|c| !c.is_control()).collect();
            }
            Event::Output { .. } | Event::ConfirmationNeeded { .. } => {}
            Event::Waiting { stage, text } => self.stage(stage).line = format!("waiting: {text}"),
            Event::Notice { stage, text } => self.notices.push((stage.clone(), text.clone())),
            Event::Image(image) => self.stage(&image.stage).image = Some(image.clone()),
            Event::Planned { stage, plan } => self.stage(stage).plan.clone_from(plan),
            Event::Reviewed { later, .. } => self.put_off(later),
            Event::Observed(status) => self.observed = Some((**status).clone()),
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

    /// Returns a stage by its id. A stage that was not announced, such as the removal of images, is added.
    fn stage(&mut self, id: &str) -> &mut StageStory {
        let at = self.stages.iter().position(|stage| stage.id == id).unwrap_or_else(|| {
            self.stages.push(StageStory { id: id.into(), ..StageStory::default() });
            self.stages.len() - 1
        });
        &mut self.stages[at]
    }

    /// Returns the unfinished stages that a stage waits for.
    pub fn waits_for<'a>(&'a self, stage: &'a StageStory) -> Vec<&'a str> {
        let open = |need: &&String| self.stages.iter().any(|other| other.id == **need && other.outcome.is_none());
        stage.needs.iter().filter(open).map(String::as_str).collect()
    }
}
