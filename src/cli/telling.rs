//! Runs work whose events are printed, in the format that the user chose.

use std::sync::Arc;

use super::args::{Format, OutputArgs};
use super::error::{CommandError, exit_code};
use super::report::{Feed, OutputMode, Report, RunView, Stream};
use crate::run::Watcher;
use crate::run::environment::Redactor;
use crate::run::events::Event;
use crate::system::Context;

/// Runs work with a feed for its events. The event for its end is sent in any case.
pub fn told(
    context: &Context,
    report: &Arc<Report>,
    telling: OutputArgs,
    work: impl FnOnce(&Feed) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let stream = telling.format == Format::Json;
    report.speak(OutputMode { quiet: telling.quiet, stream });
    let view = RunView::new(report, telling.verbose && !stream);
    let feed = Feed::to(Box::new(view), Redactor::of(&context.env), report.unwritten());
    if stream {
        feed.add(Box::new(Stream { output: telling.verbose, unwritten: Arc::clone(report.unwritten()) }));
    }
    let done = feed.during(|| work(&feed)).and_then(|()| report.finish());
    let error = done.as_ref().err().map(CommandError::to_string).unwrap_or_default();
    feed.event(Event::RunEnded { exit_code: exit_code(&done), error });
    done
}
