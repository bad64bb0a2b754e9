//! `pgherd keep`, which pgherd starts itself: see [`crate::run::keeper`].

use super::args;
use super::report::Report;
use crate::run::keeper::{self, Kept};
use crate::system::Context;

/// Runs the verb and returns the tool's exit code.
pub fn run(context: &Context, report: &Report, options: args::KeepArgs) -> u8 {
    let entry = options.entry.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let journal = options.journal.zip(entry);
    let kept = Kept { log: options.log, journal, proof: options.proof, argv: options.command };
    let code = keeper::keep(context, &kept, &mut |line| report.line(line));
    u8::try_from(code).unwrap_or(u8::MAX)
}
