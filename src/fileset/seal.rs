//! The seal of a folder: what its files were made from, and what they held. While both are as they were, `gen` would write what stands
//! there, and need not make it to know that.

use super::{Mode, RelPath, sha256_hex};

/// Where it is broken, or missing, or of another `gen`, nothing is lost: the files are made and compared one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// SHA-256 of what the files were made from: program, blueprint, variables.
    pub origin: String,
    /// SHA-256 of the [`Listing`] of every file that `gen` writes.
    pub listing: String,
}

impl Seal {
    /// Reads a seal; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, listing) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Seal { origin: origin.into(), listing: listing.into() })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        format!("{} {}\n", self.origin, self.listing)
    }
}

/// One hash over several parts: no other parts have the same.
pub fn origin(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {part}", part.len())).collect();
    sha256_hex(parts.concat().as_bytes())
}

/// Files with their modes and hashes, in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct Listing(String);

impl Listing {
    /// Adds the next file.
    pub fn add(&mut self, path: &RelPath, mode: Mode, sha256: &str) {
        self.0.push_str(if mode == Mode::Executable { "x " } else { "- " });
        for part in [sha256, " ", path.as_str(), "\n"] {
            self.0.push_str(part);
        }
    }

    /// Its hash.
    pub fn hash(&self) -> String {
        sha256_hex(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(files: &[(&str, Mode, &str)]) -> String {
        let mut listing = Listing::default();
        for (path, mode, sha256) in files {
            listing.add(&RelPath::new(*path), *mode, sha256);
        }
        listing.hash()
    }

    #[test]
    fn any_difference_breaks_it() {
        let sealed = hash(&[("a", Mode::Plain, "1"), ("b", Mode::Plain, "2")]);
        for other in [
            hash(&[("a", Mode::Plain, "1"), ("b", Mode::Plain, "3")]),
            hash(&[("a", Mode::Plain, "1"), ("b", Mode::Executable, "2")]),
            hash(&[("a", Mode::Plain, "1"), ("c", Mode::Plain, "2")]),
            hash(&[("a", Mode::Plain, "1")]),
        ] {
            assert_ne!(sealed, other);
        }
    }

    #[test]
    fn no_other_parts_have_the_same_origin() {
        assert_ne!(origin(&["ab", "c"]), origin(&["a", "bc"]));
        assert_ne!(origin(&["ab"]), origin(&["ab", ""]));
    }

    #[test]
    fn is_read_as_it_was_written_and_no_beginning_of_it_is() {
        let seal = Seal { origin: origin(&["x"]), listing: hash(&[]) };
        let text = seal.to_text();
        assert_eq!(Seal::parse(&text), Some(seal));
        for end in 0..text.len() {
            assert_eq!(Seal::parse(&text[..end]), None);
        }
    }
}
