//! Writes the blueprint language as JSON Schema and as the table of the reference, both from the readers' declarations.

mod json;
mod table;

use super::validate::LANGUAGE;
use super::vocabulary::Word;

pub use json::json;
pub use table::table;

/// Returns every name of the language, block by block in the order of reading.
fn words() -> Vec<&'static Word> {
    let mut words: Vec<&Word> = LANGUAGE.iter().collect();
    words.sort_by_key(|word| LANGUAGE.iter().position(|first| first.path == word.path));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_documented() {
        assert!(words().len() > 60, "the language is not read");
        for word in words() {
            let text = word.doc.text;
            assert!(
                text.ends_with('.') && text.starts_with(|c: char| !c.is_lowercase()),
                "{}: {text}",
                word.full_name()
            );
        }
    }

    #[test]
    fn every_name_is_listed_once() {
        let mut names: Vec<String> = words().iter().map(|word| word.full_name()).collect();
        let listed = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), listed);
    }

    #[test]
    fn every_default_is_documented() {
        for word in words().iter().filter(|word| !word.is_block()) {
            let form = &word.form;
            let is_told = form.default.is_some() || form.required || !word.doc.default.is_empty();
            assert!(is_told, "{} has no documented default", word.full_name());
        }
    }
}
