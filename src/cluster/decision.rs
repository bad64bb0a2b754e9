//! Why a value is what it is, recorded where the value is computed.

use std::fmt::{self, Debug, Formatter};
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::Cluster;

/// A value that pgherd derived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Its name, such as `haproxy.write.maxconn`.
    pub name: String,
    /// The value, with its unit.
    pub value: String,
    /// The blueprint's attributes and the other decisions that it follows from.
    pub from: Vec<String>,
    /// Why it has this value and no other.
    pub why: &'static str,
    /// The manual's page, or the measurement, behind the rule.
    pub source: &'static str,
    /// How to give the cluster another value.
    #[serde(skip)]
    perturbation: Perturbation,
}

impl Decision {
    /// Returns the cluster with only this decision's value changed. What then changes in the generated files depends on this decision.
    pub fn perturb(&self, cluster: &Cluster) -> Cluster {
        let mut other = cluster.clone();
        (self.perturbation.0)(&mut other);
        other
    }
}

/// Gives a cluster another value for one decision. The recorder of a decision declares it, so a new decision cannot lack one.
#[derive(Clone)]
struct Perturbation(Arc<dyn Fn(&mut Cluster) + Send + Sync>);

impl Debug for Perturbation {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str("Perturbation")
    }
}

/// A decision's name implies its perturbation, so comparing names is enough.
impl PartialEq for Perturbation {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Perturbation {}

/// An address that belongs to nobody (RFC 5737), for perturbations.
pub const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Returns a range that belongs to nobody (RFC 5737), for perturbations.
pub fn elsewhere() -> Ipv4Net {
    Ipv4Net::new_assert(ELSEWHERE, 24).trunc()
}

/// The decisions of a cluster, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Ledger(Vec<Decision>);

impl Ledger {
    /// Records a decision. `perturb` gives a cluster another value for it.
    pub fn add(
        &mut self,
        name: &str,
        value: impl Into<String>,
        from: Vec<String>,
        why: &'static str,
        source: &'static str,
        perturb: impl Fn(&mut Cluster) + Send + Sync + 'static,
    ) {
        let perturbation = Perturbation(Arc::new(perturb));
        self.0.push(Decision { name: name.into(), value: value.into(), from, why, source, perturbation });
    }

    /// Records a value that the blueprint's attribute of the same name sets.
    pub fn attribute(
        &mut self,
        name: &str,
        value: impl Into<String>,
        why: &'static str,
        source: &'static str,
        perturb: impl Fn(&mut Cluster) + Send + Sync + 'static,
    ) {
        self.add(name, value, list([name]), why, source, perturb);
    }

    /// Returns all decisions.
    pub fn into_decisions(self) -> Vec<Decision> {
        self.0
    }
}

/// Returns names that a decision follows from.
pub fn list<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}
