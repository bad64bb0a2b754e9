//! The stages of a run as they go: a live line each on a terminal, plain lines elsewhere.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Report, Style};
use crate::run::{Event, Failure, Outcome, Watcher};
use crate::system::clock::Stopwatch;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(200);

/// Watches a run.
pub struct Progress<'a> {
    report: &'a Report,
    running: Mutex<Vec<Running>>,
    /// Width of the longest stage's id, to align what follows.
    width: usize,
}

struct Running {
    stage: String,
    watch: Stopwatch,
    line: String,
}

impl<'a> Progress<'a> {
    /// Watches for `work`, the live lines moving on meanwhile.
    pub fn during<T>(report: &'a Report, stages: &[&str], work: impl FnOnce(&Progress<'a>) -> T) -> T {
        let width = stages.iter().map(|stage| stage.len()).max().unwrap_or(0);
        let progress = Progress { report, running: Mutex::new(vec![]), width };
        if !report.is_live() {
            return work(&progress);
        }
        let (done, ticks) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let progress = &progress;
            scope.spawn(move || {
                while ticks.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    progress.draw();
                }
            });
            let result = work(progress);
            drop(done);
            result
        })
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) {
        if !self.report.is_live() {
            return;
        }
        let line = |r: &Running| {
            format!("  {:width$}  {:>6}  {}", r.stage, short(r.watch.elapsed()), r.line.trim(), width = self.width)
        };
        let lines = self.running().iter().map(line).collect();
        self.report.set_live(lines);
    }

    fn ended(&self, stage: &str, outcome: &Outcome, took: Duration) {
        let took = short(took);
        let (style, sign, text) = match outcome {
            Outcome::Done(what) => (Style::Good, "done", format!("{took}: {what}")),
            Outcome::Unchanged(why) => (Style::Dim, "unchanged", why.clone()),
            Outcome::Failed(failure) => (Style::Bad, "failed", format!("{took}: {}", failure.what)),
            Outcome::Blocked(by) => (Style::Warn, "not begun", format!("it needs {by}")),
            Outcome::Declined => (Style::Warn, "not done", "you said no".into()),
            Outcome::Interrupted => (Style::Warn, "interrupted", String::new()),
        };
        let sign = self.report.on_err(style, sign);
        self.report.note(format!("{stage:width$}  {sign}  {text}", width = self.width).trim_end());
        if let Outcome::Failed(failure) = outcome {
            self.report.stage_failure(failure);
        }
    }
}

impl Watcher for Progress<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { stage } => {
                self.running().push(Running { stage: stage.into(), watch: Stopwatch::start(), line: String::new() });
                if !self.report.is_live() {
                    self.report.note(&format!("{stage:width$}  begun", width = self.width));
                }
            }
            Event::Line { stage, text } => {
                if let Some(running) = self.running().iter_mut().find(|r| r.stage == stage) {
                    // Terraform frames its errors and rules off its plans; what moves is text.
                    if text.chars().any(char::is_alphanumeric) {
                        running.line = text.chars().filter(|c| !c.is_control()).collect();
                    }
                }
                if !self.report.is_live() && text.starts_with("waiting: ") {
                    self.report.note(&format!("{stage:width$}  {text}", width = self.width));
                }
            }
            Event::Notice { stage, text } => {
                self.report.note(&format!("{stage:width$}  {text}", width = self.width));
            }
            Event::Ended { stage, outcome, took } => {
                self.running().retain(|r| r.stage != stage);
                self.draw();
                self.ended(stage, outcome, took);
            }
        }
    }
}

impl Report {
    /// A tool's own words, where all of them are, and what to do.
    pub fn stage_failure(&self, failure: &Failure) {
        for line in &failure.tail {
            self.note(&format!("  {} {line}", self.on_err(Style::Dim, "|")));
        }
        if let Some(log) = &failure.log {
            self.note(&format!("  all of it: {}", log.display()));
        }
        if !failure.advice.is_empty() {
            self.note(&format!("  what to do: {}", failure.advice));
        }
    }
}

/// `4.2s`, `3m07s`.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}
