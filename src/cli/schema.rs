//! `pgherd schema`: prints the blueprint language or the events of a run.

use super::args::{self, SchemaFormat};
use super::error::CommandError;
use super::report::Report;
use crate::blueprint::schema;
use crate::drill;
use crate::run::events;

/// Runs the verb.
pub fn run(report: &Report, options: &args::SchemaArgs) -> Result<(), CommandError> {
    if options.events {
        report.line(&format!("{:#}", events::schema()));
        return Ok(());
    }
    if options.drill {
        report.line(&format!("{:#}", drill::events::schema()));
        return Ok(());
    }
    match options.format {
        SchemaFormat::Json => report.line(&format!("{:#}", schema::json())),
        SchemaFormat::Markdown => report.line(schema::table().trim_end()),
    }
    Ok(())
}
