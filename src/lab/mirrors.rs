//! Finds this host's package mirrors. The lab's machines use the same mirrors, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::system::files;

/// A package source of apt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptSource {
    /// Base URL, without a slash at the end.
    pub uri: String,
    /// Suites, such as `bookworm` or `bookworm-security`.
    pub suites: Vec<String>,
}

/// The mirrors of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    /// URL of the main archive.
    pub archive: String,
    /// URL of the security updates, if the host uses them.
    pub security: Option<String>,
}

/// Names of Debian's suites: releases, and aliases that move with them.
const DEBIAN: [&str; 9] = ["buster", "bullseye", "bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable"];

/// Returns Debian's mirrors among the host's sources.
pub fn debian(sources: &[AptSource]) -> Option<Mirrors> {
    let of = |wanted: fn(&str) -> bool| {
        sources.iter().find(|s| s.suites.iter().any(|suite| wanted(suite))).map(|s| s.uri.clone())
    };
    Some(Mirrors {
        archive: of(|suite| DEBIAN.contains(&suite))?,
        security: of(|suite| suite.strip_suffix("-security").is_some_and(|release| DEBIAN.contains(&release))),
    })
}

/// Returns the host names in URLs.
pub fn hosts(uris: &[&str]) -> BTreeSet<String> {
    let host = |uri: &&str| Some(uri.split_once("://")?.1.split(['/', ':']).next()?.to_string());
    uris.iter().filter_map(host).collect()
}

/// Returns the host's enabled sources of binary packages.
pub fn read() -> Result<Vec<AptSource>> {
    let dir = Path::new("/etc/apt/sources.list.d");
    let mut sources = one_line(&files::read_text("/etc/apt/sources.list".as_ref())?.unwrap_or_default());
    for name in files::list(dir)? {
        let text = files::read_text(&dir.join(&name))?.unwrap_or_default();
        match name.rsplit_once('.') {
            Some((_, "list")) => sources.extend(one_line(&text)),
            Some((_, "sources")) => sources.extend(deb822(&text)),
            _ => {}
        }
    }
    for source in &mut sources {
        // Cloud images name their mirrors in a file of their own (apt-transport-mirror(1)).
        if let Some(path) = source.uri.strip_prefix("mirror+file:") {
            let list = files::read_text(path.as_ref())?.unwrap_or_default();
            source.uri = list.split_whitespace().next().unwrap_or_default().trim_end_matches('/').to_string();
        }
    }
    sources.retain(|s| s.uri.starts_with("http://") || s.uri.starts_with("https://"));
    Ok(sources)
}

/// Reads `deb [options] URI SUITE COMPONENT…` lines.
fn one_line(text: &str) -> Vec<AptSource> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("deb "));
    lines
        .filter_map(|line| {
            let line = line.trim_start();
            let line = if line.starts_with('[') { line.split_once(']')?.1 } else { line };
            let mut words = line.split_whitespace();
            let uri = words.next()?.trim_end_matches('/').to_string();
            Some(AptSource { uri, suites: vec![words.next()?.to_string()] })
        })
        .collect()
}

/// Reads paragraphs of `Types:`, `URIs:`, `Suites:` and the like.
fn deb822(text: &str) -> Vec<AptSource> {
    let mut sources = vec![];
    for paragraph in text.split("\n\n") {
        let field = |name: &str| -> Vec<String> {
            let mut words = vec![];
            let mut inside = false;
            for line in paragraph.lines().filter(|line| !line.starts_with('#')) {
                let rest = match line.split_once(':') {
                    _ if line.starts_with([' ', '\t']) => line,
                    Some((key, rest)) => {
                        inside = key.eq_ignore_ascii_case(name);
                        rest
                    }
                    None => continue,
                };
                if inside {
                    words.extend(rest.split_whitespace().map(str::to_string));
                }
            }
            words
        };
        let off = field("Enabled").first().is_some_and(|word| matches!(word.as_str(), "no" | "false" | "off" | "0"));
        if off || !field("Types").contains(&"deb".to_string()) {
            continue;
        }
        for uri in field("URIs") {
            sources.push(AptSource { uri: uri.trim_end_matches('/').to_string(), suites: field("Suites") });
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "Types: deb deb-src\nURIs: http://mirror.example/debian/\nSuites: bookworm\n bookworm-updates\nComponents: main\n\n\
        # another\nTypes: deb\nURIs: https://safe.example/debian-security\nSuites: bookworm-security\n\n\
        Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: sid\n";

    #[test]
    fn sources_are_read_in_both_styles() {
        let mirrors = debian(&deb822(DEB822)).unwrap();
        assert_eq!(mirrors.archive, "http://mirror.example/debian");
        assert_eq!(mirrors.security.as_deref(), Some("https://safe.example/debian-security"));

        let lines = "# deb http://no.example/debian sid main\n deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian/ trixie main\n";
        assert_eq!(
            debian(&one_line(lines)),
            Some(Mirrors { archive: "http://a.example/debian".into(), security: None })
        );
        assert_eq!(debian(&one_line("deb http://u.example/ubuntu noble main")), None);
    }

    #[test]
    fn hosts_are_named_without_port_and_path() {
        let hosts = hosts(&["http://a.example/debian", "https://b.example:8443/x", "http://a.example/security"]);
        assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["a.example", "b.example"]);
    }
}
