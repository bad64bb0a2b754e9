//! What would be done, before anybody is asked: the result of a review.

use super::story::{Stage, Story};
use super::{Report, Style};
use crate::run::events::ImageSeen;
use crate::tools::plan::Change;
use crate::tools::terraform::Doing;

/// Prints it.
pub fn print(report: &Report, story: &Story) {
    report.line("");
    story.stages.iter().for_each(|stage| print_stage(report, stage));
    report.line(&format!("\nEvery attribute of the plans is in {}", story.begun.logs));
}

fn print_stage(report: &Report, stage: &Stage) {
    let id = report.on_out(Style::Bold, &stage.id);
    if let Some(need) = &stage.later {
        report.line(&format!("{id}: planned when {need} is there; you are asked again if that destroys anything"));
    } else if let Some(plan) = &stage.plan {
        report.line(&format!("{id}: {}", plan.summary));
        plan.changes.iter().for_each(|change| report.line(&format!("  {}", line(report, change))));
    }
    if let Some(image) = &stage.image {
        if let Some(why) = &image.rebuilt {
            report.line(&format!("{id}: {} will be built: {why}", image.name));
        }
        print_base(report, &id, image);
    }
}

fn print_base(report: &Report, id: &str, image: &ImageSeen) {
    if let Some(moved) = &image.base_moved {
        report.line(&format!("{id}: {moved}"));
    }
}

/// Terraform's sign, the resource, and what is to be known of it.
pub fn line(report: &Report, change: &Change) -> String {
    let style = match change.doing {
        Doing::Create => Style::Good,
        Doing::Update => Style::Warn,
        Doing::Replace | Doing::Destroy => Style::Bad,
    };
    let why = change.why();
    let why = if why.is_empty() { why } else { format!("  ({why})") };
    format!("{} {}{why}", report.on_out(style, &format!("{:>3}", change.doing.sign())), change.address)
}
