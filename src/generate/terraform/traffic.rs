//! `traffic.tf`, which lists the cluster's flows as rules of security groups.

use std::collections::BTreeMap;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;

use super::hcl::{attr, block, commented, object, print};
use crate::cluster::flows::{Party, flows, peers};
use crate::cluster::{Cluster, Peer};

/// One end of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The machines of a security group.
    Group(&'static str),
    /// Others: an address range, a security group or a prefix list.
    Others(Peer),
}

/// A rule without its description: from, to, port.
type TrafficRule = (End, End, u16);

/// Returns the text of `traffic.tf`.
pub fn text(cluster: &Cluster) -> String {
    let (mut inside, mut doors, mut exits) = (vec![], vec![], vec![]);
    for ((from, to, port), purposes) in rules(cluster) {
        let name = format!("{} to {}:{port}", from.text(), to.text());
        let row = row(&from, &to, port, &purposes.join("; "));
        match (from, to) {
            (End::Group(_), End::Group(_)) => inside.push((name, row)),
            (End::Others(_), _) => doors.push((name, row)),
            (End::Group(_), End::Others(_)) => exits.push((name, row)),
        }
    }
    let mut groups = vec![
        ("database", "Database machines: PostgreSQL, Patroni, etcd".into()),
        ("haproxy", "Load balancer: HAProxy".into()),
        // Without a network load balancer it has no rules. If it went with the load balancer, this module would delete it before the
        // load balancer's own module has deleted that, and AWS refuses to delete a group in use.
        ("nlb", "Network load balancer in front of HAProxy, if there is one".into()),
    ];
    if cluster.network.makes_endpoint {
        groups.push(("endpoint", "Secrets Manager inside the VPC".into()));
    }
    let mut locals = block("locals")
        .attribute(commented("The security groups, and the machines in them.", attr("groups", object(groups))))
        .attribute(commented("Between the cluster's own machines.", attr("flows", object(inside))))
        .attribute(commented("From clients and admins of the blueprint.", attr("doors", object(doors))));
    if !exits.is_empty() {
        let comment = "To the VPC's own Secrets Manager endpoint.";
        locals = locals.attribute(commented(comment, attr("exits", object(exits))));
    }
    let body = Body::builder().block(locals).build();
    format!("# All permitted connections. security_groups.tf turns them into rules.\n{}", print(&body))
}

/// Returns every rule once, with the purposes of all flows that need it.
fn rules(cluster: &Cluster) -> BTreeMap<TrafficRule, Vec<&'static str>> {
    let mut all: BTreeMap<TrafficRule, Vec<&'static str>> = BTreeMap::new();
    for flow in flows(cluster) {
        for from in ends(cluster, flow.from) {
            for to in ends(cluster, flow.to) {
                // A single machine needs no leave to talk to itself.
                if from == to && from == End::Group("haproxy") && cluster.balancers().count() == 1 {
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
        Party::SecretsEndpoint if cluster.network.makes_endpoint => vec![End::Group("endpoint")],
        Party::Clients | Party::Admins | Party::Network | Party::SecretsEndpoint => {
            peers(cluster, party).iter().map(|peer| End::Others(peer.clone())).collect()
        }
        Party::Databases => vec![End::Group("database")],
        Party::Haproxy => vec![End::Group("haproxy")],
        Party::Nlb => vec![End::Group("nlb")],
        Party::EtcdMembers if cluster.balancers().any(|machine| machine.etcd) => {
            vec![End::Group("database"), End::Group("haproxy")]
        }
        Party::EtcdMembers => vec![End::Group("database")],
    }
}

impl End {
    fn text(&self) -> String {
        match self {
            End::Group(name) => (*name).to_string(),
            End::Others(peer) => peer.to_string(),
        }
    }
}

fn row(from: &End, to: &End, port: u16, description: &str) -> Expression {
    let kind = match from {
        End::Group(_) => None,
        End::Others(Peer::Range(_)) => Some("range"),
        End::Others(Peer::Group(_)) => Some("group"),
        End::Others(Peer::PrefixList(_)) => Some("prefix list"),
    };
    let rule = [
        ("from", from.text().into()),
        ("to", to.text().into()),
        ("port", port.into()),
        ("description", description.into()),
    ];
    object(rule.into_iter().chain(kind.map(|kind| ("kind", kind.into()))))
}
