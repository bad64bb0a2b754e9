//! A broken rule.

use serde::{Serialize, Serializer};

use crate::blueprint::rules::Rule;

/// A rule that the cluster breaks, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    #[serde(flatten, serialize_with = "rule")]
    pub rule: &'static Rule,
    /// The blueprint's attribute that has a part in it, such as `network.zones`.
    pub attribute: String,
    /// What is wrong here.
    pub problem: String,
    /// What to write instead.
    pub help: String,
}

impl Finding {
    pub(super) fn new(
        rule: &'static Rule,
        attribute: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Finding { rule, attribute: attribute.into(), problem: problem.into(), help: help.into() }
    }
}

fn rule<S: Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        code: &'static str,
        severity: &'static str,
        title: &'static str,
    }
    Shown { code: rule.code, severity: rule.severity.name(), title: rule.title }.serialize(serializer)
}
