//! Shows a run to people: lines that stay and, on a terminal, a live line for each stage.

use std::sync::Arc;
use std::time::Duration;

use super::feed::Listener;
use super::story::{StageStory, Story};
use super::{Report, Style, summary};
use crate::run::events::{Event, Phase, TimedEvent};
use crate::run::{Failure, Outcome};
use crate::system::clock;

/// Prints a run.
pub struct RunView {
    report: Arc<Report>,
    story: Story,
    /// Whether to include the tools' output.
    output: bool,
    /// Width of the longest stage's id, to align what follows.
    width: usize,
}

impl RunView {
    /// Makes a view of a run that has not begun.
    pub fn new(report: &Arc<Report>, output: bool) -> Self {
        RunView { report: Arc::clone(report), story: Story::default(), output, width: 0 }
    }

    fn note(&self, stage: &str, text: &str) {
        let gap = if stage.is_empty() { String::new() } else { format!("{stage:width$}  ", width = self.width) };
        self.report.note(format!("{gap}{text}").trim_end());
    }

    fn draw(&self) {
        if self.report.is_live() && self.story.ended.is_none() {
            let now = clock::seconds(&clock::rfc3339(clock::now())).unwrap_or(self.story.to);
            self.report.set_live(self.story.stages.iter().filter_map(|stage| self.live(stage, now)).collect());
        }
    }

    fn live(&self, stage: &StageStory, now: f64) -> Option<String> {
        let (time, text) = match stage.running_since() {
            Some(since) => (short(now - since), stage.line.clone()),
            None if stage.outcome.is_some() || self.story.phase == Phase::Review => return None,
            None => (String::new(), self.waits(stage)),
        };
        Some(format!("  {:width$}  {time:>6}  {text}", stage.id, width = self.width))
    }

    fn waits(&self, stage: &StageStory) -> String {
        match self.story.waits_for(stage)[..] {
            [] => "waiting for a slot".into(),
            ref needs => format!("waiting for {}", needs.join(", ")),
        }
    }

    fn ended(&self, stage: &str, outcome: &Outcome, seconds: f64) {
        let took = short(seconds);
        let (style, sign, text) = match outcome {
            Outcome::Done(what) => (Style::Good, "done", format!("{took}: {what}")),
            Outcome::Unchanged(why) => (Style::Dim, "unchanged", why.clone()),
            Outcome::Failed(failure) => (Style::Bad, "failed", format!("{took}: {}", failure.what)),
            Outcome::Unseen(failure) => (Style::Warn, "not verified", format!("{took}: {}", failure.what)),
            Outcome::Blocked(by) => (Style::Warn, "skipped", format!("{by} did not succeed")),
            Outcome::Declined => (Style::Warn, "declined", String::new()),
            Outcome::Interrupted => (Style::Warn, "interrupted", String::new()),
        };
        let text = format!("{stage:width$}  {}  {text}", self.report.on_err(style, sign), width = self.width);
        match outcome {
            Outcome::Failed(failure) | Outcome::Unseen(failure) => {
                self.report.say(text.trim_end());
                self.report.stage_failure(failure);
            }
            _ => self.report.note(text.trim_end()),
        }
    }
}

impl Listener for RunView {
    fn hear(&mut self, said: &TimedEvent) {
        self.story.hear(said);
        match &said.event {
            Event::RunBegun(begun) => {
                self.width = begun.stages.iter().map(|is| is.stage.len()).max().unwrap_or(0);
            }
            Event::PhaseBegun { phase: Phase::Review } => {
                self.note("", "reviewing the current state; nothing is changed yet");
            }
            Event::StageBegun { stage, early } if !self.report.is_live() => {
                self.note(stage, if *early { "started, during the review" } else { "started" });
            }
            Event::Output { stage, text } if self.output => {
                self.note(stage, &format!("{} {text}", self.report.on_err(Style::Dim, "|")));
            }
            Event::Output { .. } => return,
            Event::Waiting { stage, text } if !self.report.is_live() => self.note(stage, &format!("waiting: {text}")),
            Event::Notice { stage, text } => self.note(stage, text),
            Event::Image(image) => {
                image.aged.iter().chain(&image.base_moved).for_each(|text| self.note(&image.stage, text));
            }
            Event::Reviewed { changes: true, unattended: true, .. } => {
                summary::lines(&self.report, &self.story).iter().for_each(|line| self.report.note(line));
            }
            Event::Reviewed { changes: true, .. } => {
                summary::lines(&self.report, &self.story).iter().for_each(|line| self.report.line(line));
            }
            Event::StageEnded { stage, outcome, seconds } => {
                // The permanent line replaces the live one.
                self.draw();
                self.ended(stage, outcome, *seconds);
            }
            Event::RunEnded { .. } => {
                self.report.set_live(vec![]);
                if !self.story.begun.report.is_empty() {
                    self.note("", &format!("report: {}", self.story.begun.report));
                }
            }
            _ => {}
        }
        self.draw();
    }

    fn tick(&mut self) {
        self.draw();
    }
}

impl Report {
    /// Prints a failure: the tool's message, where it comes from, the log, and what to do.
    pub fn stage_failure(&self, failure: &Failure) {
        for line in &failure.message {
            self.say(format!("  {} {line}", self.on_err(Style::Dim, "|")).trim_end());
        }
        if let Some(origin) = &failure.origin {
            let line = origin.line.map_or(String::new(), |line| format!(":{line}"));
            self.say(&format!("  in generated file: {}{line}", origin.file));
            origin.blueprint.iter().for_each(|place| self.say(&format!("  set by: {place}")));
        }
        if let Some(log) = &failure.log {
            self.say(&format!("  full log: {}", log.display()));
        }
        if !failure.advice.is_empty() {
            self.say(&format!("  what to do: {}", failure.advice));
        }
    }
}

/// Returns a duration such as `4.2s` or `3m07s`.
pub fn short(seconds: f64) -> String {
    let time = Duration::from_secs_f64(seconds.max(0.0));
    let seconds = time.as_secs();
    if seconds < 60 { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}
