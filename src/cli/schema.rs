//! `pgherd schema`: the blueprint language, for editors and for the README; the events of a run, for programs.

use super::args::{self, SchemaFormat};
use super::error::CommandError;
use super::report::Report;
use crate::blueprint::schema;
use crate::run::events;

/// Runs the verb.
pub fn run(report: &Report, options: &args::SchemaArgs) -> Result<(), CommandError> {
    if options.events {
        report.line(&format!("{:#}", events::schema()));
        return Ok(());
    }
    match options.format {
        SchemaFormat::Json => report.line(&format!("{:#}", schema::json())),
        SchemaFormat::Markdown => report.line(schema::table().trim_end()),
    }
    Ok(())
}
