//! A violated rule.

use serde::{Serialize, Serializer};

use crate::blueprint::rules::Rule;

/// A rule that the cluster violates, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    #[serde(flatten, serialize_with = "rule")]
    pub rule: &'static Rule,
    /// The blueprint's attribute that causes it, such as `network.zones`.
    pub attribute: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
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
