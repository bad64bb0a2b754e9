//! Tells the user what an interrupt (Ctrl-C) does.

use std::sync::Arc;

use super::report::Report;
use crate::system::Interrupt;

/// Handles interrupts from here on, and prints what each of them does.
pub fn listen(report: &Arc<Report>, interrupt: &Interrupt) -> anyhow::Result<()> {
    let report = Arc::clone(report);
    interrupt.listen(move |count, running| {
        let tools = running.join(", ");
        let are = if running.len() == 1 { "is" } else { "are" };
        report.say(&match count {
            1 if running.is_empty() => "Interrupted. No tool is running.".into(),
            1 => format!("Interrupted. {tools} {are} shutting down; waiting."),
            2 if running.is_empty() => "Still stopping. A third interrupt kills the tools.".into(),
            2 => {
                format!("Still waiting for {tools}. A third interrupt kills the tools, which may leave incomplete resources in AWS.")
            }
            _ => "Killed.".into(),
        });
    })
}
