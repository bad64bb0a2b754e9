//! Ctrl-C, as a person sees it.

use std::sync::Arc;

use super::report::Report;
use crate::system::Interrupt;

/// Takes Ctrl-C over, and says what it does.
pub fn listen(report: &Arc<Report>, interrupt: &Interrupt) -> anyhow::Result<()> {
    let report = Arc::clone(report);
    interrupt.listen(move |count, running| {
        let tools = running.join(", ");
        let told = if running.len() == 1 { "was told, and is" } else { "were told, and are" };
        report.say(&match count {
            1 if running.is_empty() => "interrupted: nothing that could be half done runs".into(),
            1 => format!("interrupted: {tools} {told} given the time to end in order"),
            2 if running.is_empty() => "still at it; once more kills".into(),
            2 => format!("still waiting for {tools}; once more kills, and may leave half-made things behind"),
            _ => "killed".into(),
        });
    })
}
