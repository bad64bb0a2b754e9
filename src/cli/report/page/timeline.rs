//! The timeline of a run: when each stage ran, and how long it took in earlier runs.

use serde::Serialize;

use crate::cli::report::story::{StageStory, Story};
use crate::cli::report::view::short;
use crate::run::Outcome;
use crate::run::events::Phase;

/// The row of a stage.
#[derive(Debug, Serialize)]
pub struct StageRow {
    id: String,
    /// The stages that it depends on.
    needs: String,
    /// Its outcome in a word, such as `done` or `failed`.
    verdict: &'static str,
    class: &'static str,
    /// Its outcome in detail.
    what: String,
    took: String,
    bars: Vec<Bar>,
    /// Durations of earlier runs, oldest first, and of this one, as heights from 0 to 100.
    history: Vec<f64>,
    /// The usual duration, in words.
    usual: String,
}

/// A bar, in thousandths of the whole width.
#[derive(Debug, Serialize)]
struct Bar {
    x: f64,
    width: f64,
    class: &'static str,
    title: String,
}

/// A mark on the time axis.
#[derive(Debug, Serialize)]
pub struct Tick {
    /// Position, in percent.
    x: f64,
    label: String,
}

/// Returns about six marks at round times.
pub fn ticks(seconds: f64) -> Vec<Tick> {
    const STEPS: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];
    let total = seconds.max(0.1);
    let step = STEPS.into_iter().find(|step| total / step <= 6.0).unwrap_or(3600.0);
    let label = |at: f64| match at {
        _ if step < 1.0 => format!("{at:.1}s"),
        at if at < 60.0 => format!("{at:.0}s"),
        at if step < 60.0 => format!("{:.0}:{:02.0}", (at / 60.0).floor(), at % 60.0),
        at => format!("{:.0} min", at / 60.0),
    };
    // A mark at the very end would stick out.
    let count = (total / step * 0.97).floor() as u32;
    (0..=count).map(|i| f64::from(i) * step).map(|at| Tick { x: round(at / total * 100.0), label: label(at) }).collect()
}

/// Returns the row of a stage.
pub fn row(story: &Story, stage: &StageStory, earlier: &[Story]) -> StageRow {
    let total = (story.to - story.from).max(0.1);
    let place = |from: f64, to: f64| {
        let x = (from - story.from) / total * 1000.0;
        // Even an instant must be visible.
        (round(x.clamp(0.0, 996.0)), round(((to - from) / total * 1000.0).max(4.0)))
    };
    let (verdict, class, what) = verdict(story, stage);
    let mut bars = vec![];
    for span in &stage.spans {
        let to = span.to.unwrap_or(story.to);
        let took = short(to - span.from);
        let (class, title) = match span.phase {
            Phase::Review => ("review", format!("review: {took}")),
            Phase::Work => (class, format!("{verdict}: {took}")),
        };
        if span.phase == Phase::Work && span.from - story.phase_from > total / 200.0 {
            let (x, width) = place(story.phase_from, span.from);
            bars.push(Bar {
                x,
                width,
                class: "waits",
                title: format!("waited: {}", short(span.from - story.phase_from)),
            });
        }
        let (x, width) = place(span.from, to);
        bars.push(Bar { x, width, class, title });
    }
    let before: Vec<f64> = earlier.iter().rev().filter_map(|story| same(story, stage)).collect();
    let took = stage.took();
    StageRow {
        id: stage.id.clone(),
        needs: stage.needs.join(", "),
        verdict,
        class,
        what,
        took: took.map(short).unwrap_or_default(),
        bars,
        usual: usual(&before, took),
        history: history(&before, took),
    }
}

/// Returns how long a stage took in an earlier run, if it ended in the same way: a stage with nothing to do says nothing about one with work.
fn same(story: &Story, stage: &StageStory) -> Option<f64> {
    let other = story.stages.iter().find(|other| other.id == stage.id)?;
    let alike = std::mem::discriminant(other.outcome.as_ref()?) == std::mem::discriminant(stage.outcome.as_ref()?);
    other.took().filter(|_| alike)
}

fn history(before: &[f64], took: Option<f64>) -> Vec<f64> {
    let Some(took) = took.filter(|_| !before.is_empty()) else { return vec![] };
    let all: Vec<f64> = before.iter().copied().chain([took]).collect();
    let most = all.iter().copied().fold(0.001, f64::max);
    all.iter().map(|one| round((one / most * 100.0).max(4.0))).collect()
}

fn usual(before: &[f64], took: Option<f64>) -> String {
    if before.is_empty() || took.is_none() {
        return String::new();
    }
    let mut sorted = before.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = if sorted.len() == 1 { "run" } else { "runs" };
    format!("median {} in {} earlier {runs}", short(sorted[sorted.len() / 2]), sorted.len())
}

fn verdict(story: &Story, stage: &StageStory) -> (&'static str, &'static str, String) {
    if let (Some(need), Phase::Review, Some(Outcome::Unchanged(_))) = (&stage.later, story.phase, &stage.outcome) {
        return ("not reviewed", "dim", format!("will be planned once {need} exists"));
    }
    match &stage.outcome {
        Some(Outcome::Done(what)) => ("done", "good", what.clone()),
        Some(Outcome::Unchanged(why)) => ("unchanged", "dim", why.clone()),
        Some(Outcome::Failed(failure)) => ("failed", "bad", failure.what.clone()),
        Some(Outcome::Unseen(failure)) => ("not verified", "warn", failure.what.clone()),
        Some(Outcome::Blocked(by)) => ("skipped", "warn", format!("{by} did not succeed")),
        Some(Outcome::Declined) => ("declined", "warn", String::new()),
        Some(Outcome::Interrupted) => ("interrupted", "warn", String::new()),
        None if stage.running_since().is_some() => ("killed", "bad", "was running".into()),
        None => match (&stage.later, story.phase) {
            (Some(need), _) => ("not reviewed", "dim", format!("will be planned once {need} exists")),
            (None, _) => ("not started", "dim", String::new()),
        },
    }
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_few_round_points() {
        let labels = |seconds| ticks(seconds).into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(0.45), "0.0s 0.1s 0.2s 0.3s 0.4s");
        assert_eq!(labels(44.0), "0s 10s 20s 30s 40s");
        assert_eq!(labels(170.0), "0s 30s 1:00 1:30 2:00 2:30");
        assert_eq!(labels(1000.0), "0s 5 min 10 min 15 min");
    }
}
