//! The blueprint language, told from what the readers ask for: as JSON Schema, and as the table of the README.

mod docs;
mod json;
mod table;

use super::form::Form;
use super::validate;
use super::vocabulary::{Kind, Word, full_name};
use docs::Doc;

pub use json::json;
pub use table::table;

/// A name of the language, and what is said of it.
struct Term {
    word: Word,
    doc: &'static Doc,
}

impl Term {
    fn path(&self) -> String {
        full_name(&self.word.path, self.word.name)
    }

    fn is_block(&self) -> bool {
        self.word.kind == Kind::Block
    }

    fn form(&self) -> &Form {
        &self.word.form
    }
}

/// Every name, in the order of reading; the cluster's own attributes first.
fn terms() -> Vec<Term> {
    let mut terms: Vec<Term> = (validate::words().into_iter())
        .map(|word| Term { doc: docs::of(&full_name(&word.path, word.name)), word })
        .collect();
    terms.sort_by_key(|term| !term.word.path.is_empty() || term.is_block());
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_told_of_and_nothing_else_is() {
        let mut told: Vec<&str> = terms().iter().map(|term| term.doc.path).collect();
        let untold: Vec<String> = terms().iter().filter(|t| t.doc.text.is_empty()).map(Term::path).collect();
        assert!(untold.is_empty(), "write in docs.rs what these are: {untold:?}");
        told.sort_unstable();
        told.dedup();
        let mut all: Vec<&str> = docs::ALL.iter().map(|doc| doc.path).collect();
        all.sort_unstable();
        assert_eq!(told, all, "docs.rs tells of names that nobody reads, or of one twice");
    }

    #[test]
    fn every_default_is_told() {
        for term in terms().iter().filter(|term| !term.is_block()) {
            let shown = term.form().default.is_some();
            assert!(
                shown || term.form().required || !term.doc.default.is_empty(),
                "{} has which default?",
                term.path()
            );
        }
    }
}
