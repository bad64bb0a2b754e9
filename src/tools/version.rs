//! Versions of programs.

use std::fmt;

/// A version: major, minor, patch, and whether it is released. A pre-release is older than its release
/// (<https://semver.org/#spec-item-11>). Two pre-releases of one version count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    numbers: (u32, u32, u32),
    released: bool,
}

impl Version {
    /// Returns a released version.
    pub const fn of(major: u32, minor: u32, patch: u32) -> Self {
        Version { numbers: (major, minor, patch), released: true }
    }

    /// Returns the first version that a text names: `Packer v1.6.6`, `aws-cli/2.15.1 Python/3.11`, `Terraform v1.11.0-rc1`.
    pub fn find(text: &str) -> Option<Self> {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            let word = &rest[at..];
            let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
            let (numbers, after) = word.split_at(end);
            let mut parts = numbers.split('.').map(str::parse);
            let numbers = match (parts.next()?, parts.next(), parts.next()) {
                (Ok(major), Some(Ok(minor)), None) => Some((major, minor, 0)),
                (Ok(major), Some(Ok(minor)), Some(Ok(patch))) => Some((major, minor, patch)),
                _ => None,
            };
            if let Some(numbers) = numbers {
                // `-rc1` and `-dev` are pre-releases; `-4` is the revision of a package.
                let mut suffix = after.chars();
                let pre = suffix.next() == Some('-') && suffix.next().is_some_and(|c| c.is_ascii_alphabetic());
                return Some(Version { numbers, released: !pre });
            }
            rest = after;
        }
        None
    }

    /// Returns what is wrong with the version if it is older than this floor.
    pub fn older_than(self, floor: Self) -> Option<String> {
        let pre = if self.numbers == floor.numbers { " (it is a pre-release)" } else { "" };
        (self < floor).then(|| format!("older than {floor}{pre}"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.numbers;
        let pre = if self.released { "" } else { " (pre-release)" };
        write!(f, "{major}.{minor}.{patch}{pre}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_tools_print() {
        assert_eq!(Version::find("Packer v1.6.6\n"), Some(Version::of(1, 6, 6)));
        assert_eq!(Version::find("aws-cli/2.15.1 Python/3.11.7"), Some(Version::of(2, 15, 1)));
        assert_eq!(Version::find("{\n  \"terraform_version\": \"1.11.4\","), Some(Version::of(1, 11, 4)));
        assert_eq!(Version::find("Packer v1.6.6+ds1-4"), Some(Version::of(1, 6, 6)));
        assert_eq!(Version::find("1.6.6-4"), Some(Version::of(1, 6, 6)));
        assert_eq!(Version::find("no version. at all"), None);
    }

    #[test]
    fn a_pre_release_is_older_than_its_release_alone() {
        let floor = Version::of(1, 11, 0);
        for text in ["Terraform v1.11.0-rc1", "{\"terraform_version\": \"1.11.0-beta2\"}", "OpenTofu v1.11.0-dev"] {
            let found = Version::find(text).expect(text);
            assert_eq!(found.older_than(floor).as_deref(), Some("older than 1.11.0 (it is a pre-release)"), "{text}");
            assert_eq!(found.to_string(), "1.11.0 (pre-release)");
        }
        assert_eq!(Version::find("v1.10.9").unwrap().older_than(floor).as_deref(), Some("older than 1.11.0"));
        for text in ["v1.11.0", "v1.11.1-rc1", "v1.12.0-alpha20250101"] {
            assert_eq!(Version::find(text).expect(text).older_than(floor), None, "{text}");
        }
    }
}
