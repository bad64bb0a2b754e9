//! `pgherd schema`: the blueprint language, for editors and for the README.

use super::args::{self, SchemaFormat};
use super::failure::Failure;
use super::report::Report;
use crate::blueprint::schema;

/// Runs the verb.
pub fn run(report: &Report, options: &args::Schema) -> Result<(), Failure> {
    match options.format {
        SchemaFormat::Json => report.line(&format!("{:#}", schema::json())),
        SchemaFormat::Markdown => report.line(schema::table().trim_end()),
    }
    Ok(())
}
