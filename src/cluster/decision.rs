//! Why a value is what it is, noted where it is computed.

use serde::Serialize;

/// A value that pgherd derived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What it is called, such as `haproxy.write.maxconn`.
    pub name: String,
    /// The value, with its unit.
    pub value: String,
    /// Attributes of the blueprint, and names of other decisions, that it follows from.
    pub from: Vec<String>,
    /// Why so and not otherwise.
    pub why: &'static str,
    /// The manual's page, or the measurement, behind the rule.
    pub source: &'static str,
}

/// The decisions of a cluster, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Ledger(Vec<Decision>);

impl Ledger {
    /// Notes a decision.
    pub fn add(
        &mut self,
        name: &str,
        value: impl Into<String>,
        from: Vec<String>,
        why: &'static str,
        source: &'static str,
    ) {
        self.0.push(Decision { name: name.into(), value: value.into(), from, why, source });
    }

    /// All of them.
    pub fn into_decisions(self) -> Vec<Decision> {
        self.0
    }
}

/// Names that a decision follows from.
pub fn list<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}
