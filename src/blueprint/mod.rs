//! The user's intent: HCL text -> [`model::Blueprint`], or every problem of the file at once.
//!
//! ```text
//! text -> document.rs (HCL as written, with spans) -> validate/ (a reader a block) -> model.rs
//! ```
//!
//! Values are written out: a blueprint says what to build, and an expression that needs evaluating would hide it.

pub mod diagnostic;
mod document;
pub mod model;
mod places;
mod reader;
pub mod rules;
mod syntax;
mod validate;
mod value;
mod vocabulary;

pub use diagnostic::Diagnostic;
pub use model::Blueprint;
pub use places::Places;
pub use validate::is_graviton;

/// Reads a blueprint. `file_name` only names it in diagnostics, which come in the order of the file.
pub fn parse(file_name: &str, text: &str) -> Result<Blueprint, Vec<Diagnostic>> {
    let source = diagnostic::Source::new(file_name, text);
    let blueprint = document::parse(&source).and_then(|document| validate::cluster(&source, &document));
    match (blueprint, source.into_diagnostics()) {
        (Some(blueprint), problems) if problems.is_empty() => Ok(blueprint),
        (_, problems) => Err(problems),
    }
}
