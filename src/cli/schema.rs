//! `pgherd schema`: the blueprint language, for editors and for the README; the events of a run, for programs.

use super::args::{self, SchemaFormat};
use super::failure::Failure;
use super::report::Report;
use crate::blueprint::schema;
use crate::run::events;

/// Runs the verb.
pub fn run(report: &Report, options: &args::Schema) -> Result<(), Failure> {
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
