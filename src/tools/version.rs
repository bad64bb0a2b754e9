//! Versions.

use std::fmt;

/// Major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first version that a text names: `Packer v1.6.6`, `aws-cli/2.15.1 Python/3.11`.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
            let mut parts = word.split('.').map(str::parse);
            match (parts.next()?, parts.next()?, parts.next()) {
                (Ok(major), Ok(minor), None) => Some(Version(major, minor, 0)),
                (Ok(major), Ok(minor), Some(Ok(patch))) => Some(Version(major, minor, patch)),
                _ => None,
            }
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_tools_print() {
        assert_eq!(Version::find("Packer v1.6.6\n"), Some(Version(1, 6, 6)));
        assert_eq!(Version::find("aws-cli/2.15.1 Python/3.11.7"), Some(Version(2, 15, 1)));
        assert_eq!(Version::find("{\n  \"terraform_version\": \"1.11.4\","), Some(Version(1, 11, 4)));
        assert_eq!(Version::find("OpenTofu v1.11.0-beta1"), Some(Version(1, 11, 0)));
        assert_eq!(Version::find("no version. at all"), None);
    }
}
