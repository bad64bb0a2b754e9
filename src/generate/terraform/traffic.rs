//! `traffic.tf`: the cluster's flows as the rules that security groups are made of.

use std::collections::BTreeMap;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;

use super::hcl::{attr, block, commented, object, print};
use crate::cluster::Cluster;
use crate::cluster::flows::{Party, addresses, flows};

/// One end of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The machines of a security group.
    Group(&'static str),
    /// Addresses from outside the groups.
    Addresses(String),
}

/// A rule, before it has a description: who, whom, which port.
type Rule = (End, End, u16);

/// The text of `traffic.tf`.
pub fn text(cluster: &Cluster) -> String {
    let (mut inside, mut outside) = (vec![], vec![]);
    for ((from, to, port), purposes) in rules(cluster) {
        let name = format!("{} to {}:{port}", from.text(), to.text());
        let row = row(from.text(), to.text(), port, &purposes.join("; "));
        match from {
            End::Group(_) => inside.push((name, row)),
            End::Addresses(_) => outside.push((name, row)),
        }
    }
    let locals = block("locals")
        .attribute(commented("Among the cluster's own machines.", attr("flows", object(inside))))
        .attribute(commented("From outside: clients and admins of the blueprint.", attr("doors", object(outside))));
    let body = Body::builder().block(locals).build();
    format!("# All that may flow. security_groups.tf makes the rules.\n{}", print(&body))
}

/// Every rule once: several flows may need the same one.
fn rules(cluster: &Cluster) -> BTreeMap<Rule, Vec<&'static str>> {
    let mut all: BTreeMap<Rule, Vec<&'static str>> = BTreeMap::new();
    for flow in flows(cluster) {
        for from in ends(cluster, flow.from) {
            for to in ends(cluster, flow.to) {
                // Its one machine needs no leave to talk to itself.
                if from == to && from == End::Group("haproxy") {
                    continue;
                }
                let purposes = all.entry((from.clone(), to, flow.port)).or_default();
                if !purposes.contains(&flow.purpose) {
                    purposes.push(flow.purpose);
                }
            }
        }
    }
    all
}

fn ends(cluster: &Cluster, party: Party) -> Vec<End> {
    match party {
        Party::Clients | Party::Admins | Party::Network => {
            addresses(cluster, party).iter().map(|cidr| End::Addresses(cidr.trunc().to_string())).collect()
        }
        Party::Databases => vec![End::Group("database")],
        Party::Haproxy => vec![End::Group("haproxy")],
        Party::EtcdMembers if cluster.haproxy_machine().etcd => vec![End::Group("database"), End::Group("haproxy")],
        Party::EtcdMembers => vec![End::Group("database")],
        Party::SecretsEndpoint => vec![End::Group("endpoint")],
    }
}

impl End {
    fn text(&self) -> &str {
        match self {
            End::Group(name) => name,
            End::Addresses(cidr) => cidr,
        }
    }
}

fn row(from: &str, to: &str, port: u16, description: &str) -> Expression {
    object([("from", from.into()), ("to", to.into()), ("port", port.into()), ("description", description.into())])
}
