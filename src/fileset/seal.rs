//! The seal of a directory: hashes of what its files were made from and of what they contain. While both are unchanged, the files are up
//! to date, and `gen` need not generate them to know that.

use super::{Mode, RelPath, sha256_hex};

/// The seal of a directory. If it is broken, missing or from another version of pgherd, the files are generated and compared one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// SHA-256 of what the files were made from: the program, the blueprint and the variables.
    pub origin: String,
    /// SHA-256 of the [`Listing`] of every file that `gen` writes.
    pub listing: String,
}

impl Seal {
    /// Parses a seal; returns `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, listing) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Seal { origin: origin.into(), listing: listing.into() })
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        format!("{} {}\n", self.origin, self.listing)
    }
}

/// Returns one hash of several parts. No other sequence of parts has the same.
pub fn origin(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {part}", part.len())).collect();
    sha256_hex(parts.concat().as_bytes())
}

/// The files with their modes and hashes, in the order of their paths.
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

    /// Returns the hash of the listing.
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
