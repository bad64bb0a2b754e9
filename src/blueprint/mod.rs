//! The user's intent: HCL text -> [`model::Blueprint`], or every problem of the file at once.
//!
//! ```text
//! text -> document.rs (HCL as written, with spans) -> variable.rs, expression/, tree.rs (expressions evaluated)
//!      -> validate/ (a file a block: its struct, attributes and rules) -> model.rs
//! ```

mod base;
pub mod diagnostic;
mod document;
mod expression;
pub mod first;
mod form;
pub mod instance;
mod locale;
pub mod model;
mod nearest;
mod partition;
mod peer;
mod places;
mod reader;
mod reading;
pub mod regions;
pub mod rules;
pub mod schema;
mod span;
mod syntax;
mod tree;
mod validate;
mod value;
mod variable;
mod vocabulary;

use std::collections::BTreeMap;

pub use diagnostic::Diagnostic;
pub use document::MAX_BYTES;
pub use model::Blueprint;
pub use partition::Partition;
pub use peer::Peer;
pub use places::Places;
pub use validate::is_graviton;
pub use variable::declared;

/// Reads a blueprint. `file_name` only names it in diagnostics, which come in the order of the file.
pub fn parse(file_name: &str, text: &str) -> Result<Blueprint, Vec<Diagnostic>> {
    parse_with(file_name, text, &BTreeMap::new())
}

/// Reads a blueprint with its variables set to these texts. Values of variables that it does not declare are ignored.
pub fn parse_with(
    file_name: &str,
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Blueprint, Vec<Diagnostic>> {
    let source = diagnostic::SourceText::new(file_name, text);
    let blueprint = document::parse(&source).and_then(|document| validate::blueprint(&source, &document, variables));
    match (blueprint, source.into_diagnostics()) {
        (Some(blueprint), problems) if problems.is_empty() => Ok(blueprint),
        (_, problems) => Err(problems),
    }
}
