//! Summarizes the result of a review: what would be done.

use std::iter;

use super::story::{StageStory, Story};
use super::{Report, Style};
use crate::tools::plan::{Change, PlanAction};

/// Returns the lines of the summary, stage by stage.
pub fn lines(report: &Report, story: &Story) -> Vec<String> {
    let stages = story.stages.iter().flat_map(|stage| of_stage(report, stage));
    let all = format!("The full plans are in {}", story.begun.logs);
    iter::once(String::new()).chain(stages).chain([String::new(), all]).collect()
}

fn of_stage(report: &Report, stage: &StageStory) -> Vec<String> {
    let id = report.on_out(Style::Bold, &stage.id);
    if let Some(need) = &stage.later {
        return vec![format!("{id}: will be planned once {need} exists; destroying data will still need confirmation")];
    }
    let mut lines = vec![];
    if let Some(plan) = &stage.plan {
        lines.push(format!("{id}: {}", plan.summary));
        lines.extend(plan.changes.iter().map(|change| format!("  {}", line(report, change))));
    }
    if let Some((image, why)) = stage.image.as_ref().and_then(|image| Some((image, image.rebuilt.as_ref()?))) {
        // Images may be built during the review.
        let built = match (stage.worked(), &stage.outcome) {
            (false, _) => "will be built",
            (true, None) => "is being built",
            (true, Some(outcome)) if outcome.ok() => "was built",
            (true, Some(_)) => "was to be built",
        };
        lines.push(format!("{id}: {} {built}: {why}", image.name));
    }
    lines
}

/// Returns a line with Terraform's sign, the resource and why it changes.
pub fn line(report: &Report, change: &Change) -> String {
    let style = match change.doing {
        PlanAction::Create | PlanAction::Import => Style::Good,
        PlanAction::Update if change.stops.is_some() || change.cuts_off => Style::Bad,
        PlanAction::Update => Style::Warn,
        PlanAction::Replace | PlanAction::Destroy | PlanAction::Forget => Style::Bad,
    };
    let why = change.why();
    let why = if why.is_empty() { why } else { format!("  ({why})") };
    format!("{} {}{why}", report.on_out(style, &format!("{:>3}", change.doing.sign())), change.address)
}
