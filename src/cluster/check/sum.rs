//! A sum that must stay within a limit, and where its parts come from.

use serde::Serialize;

use crate::blueprint::rules::Rule;
use crate::cluster::Cluster;
use crate::parameters::value::kib;

/// Parts of a resource, whose sum must stay within a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The resource, such as `memory, HAProxy`.
    pub what: String,
    /// The unit of all numbers.
    pub unit: &'static str,
    /// The limit.
    pub limit: u64,
    /// Where the limit comes from.
    pub limit_is: String,
    /// The parts, each with its share.
    pub parts: Vec<(&'static str, u64)>,
    /// The rule that is violated when the sum exceeds the limit.
    #[serde(skip)]
    pub(super) rule: Option<&'static Rule>,
    /// The blueprint's attribute that has the largest influence.
    #[serde(skip)]
    pub(super) attribute: String,
}

impl Sum {
    /// Returns the sum of all parts.
    pub fn total(&self) -> u64 {
        self.parts.iter().map(|(_, part)| part).sum()
    }

    /// Returns whether the sum stays within the limit.
    pub fn fits(&self) -> bool {
        self.total() <= self.limit
    }
}

/// Returns a size in kB from PostgreSQL's settings, or its default.
pub(super) fn setting(cluster: &Cluster, name: &str, default: u64) -> u64 {
    let set = cluster.postgres.settings.get(name).and_then(|value| kib(name, value));
    set.and_then(|value| u64::try_from(value).ok()).unwrap_or(default)
}

/// Returns the path of the first of these settings that the blueprint sets, or `otherwise` where it sets none.
pub(super) fn attribute(cluster: &Cluster, settings: &[&str], otherwise: &str) -> String {
    let written = settings.iter().map(|name| format!("postgres.settings.{name}"));
    let own = |path: &String| cluster.decisions.iter().any(|decision| decision.from.contains(path));
    written.into_iter().find(own).unwrap_or_else(|| otherwise.to_string())
}
