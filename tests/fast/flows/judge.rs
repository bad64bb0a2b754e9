//! Compares the files with the list of flows, in both directions.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use pgherd::cluster::Cluster;
use pgherd::cluster::flows::{Flow, Party, flows};

use super::read::{self, Files, Line, Open};

/// Returns every problem, as text.
pub fn judge(cluster: &Cluster, files: &Files) -> Vec<String> {
    let flows = flows(cluster);
    let mut wrong = vec![];
    firewalls(cluster, &flows, files, &mut wrong);
    listeners(cluster, &flows, files, &mut wrong);
    logins(cluster, &flows, files, &mut wrong);
    wrong
}

/// The rules are those that the flows require, and rules between machines match the connections of the configured programs.
fn firewalls(cluster: &Cluster, flows: &[Flow], files: &Files, wrong: &mut Vec<String>) {
    let rules = read::rules(files);
    wrong.extend(rules.strange.iter().map(|what| format!("a rule of a kind that nobody reads: {what}")));
    let (doors, inside): (BTreeSet<_>, BTreeSet<_>) = rules.inward.iter().cloned().partition(|o| is_outside(&o.from));
    // Who is admitted at the other end of an outbound rule is not decided here.
    let (exits, outward): (BTreeSet<_>, BTreeSet<_>) = rules.outward.iter().cloned().partition(|o| o.to.contains('/'));
    both(wrong, "let in, not let out", &inside, "let out, not let in", &outward);
    let inside = &inside | &exits;
    both(wrong, "open, and no program connects", &inside, "shut, and a program connects", &read::connections(files));
    let asked: BTreeSet<Open> = flows.iter().flat_map(|flow| opens(cluster, flow)).collect();
    let (asked_doors, asked_inside) = asked.into_iter().partition(|open| is_outside(&open.from));
    both(wrong, "open, and no flow needs it", &inside, "shut, and a flow needs it", &asked_inside);
    both(
        wrong,
        "open from outside, and no flow needs it",
        &doors,
        "shut from outside, and a flow needs it",
        &asked_doors,
    );
    for (module, group) in read::memberships(files) {
        let expected = if module.contains("haproxy") { "haproxy" } else { "database" };
        if group != expected {
            wrong.push(format!("{module}: its machines are in {group}, not {expected}"));
        }
    }
}

/// Every listener has a flow, and every flow leads to a listener.
fn listeners(cluster: &Cluster, flows: &[Flow], files: &Files, wrong: &mut Vec<String>) {
    let listening = read::listeners(files);
    let named: BTreeSet<_> =
        flows.iter().flat_map(|flow| ends(cluster, flow.to).into_iter().map(|to| (to, flow.port))).collect();
    // The base image's SSH server and AWS's endpoint are not configured by generated files.
    let elsewhere = |(to, port): &(String, u16)| *port == 22 || to == "endpoint" || to.contains('/');
    let named = named.into_iter().filter(|end| !elsewhere(end)).collect();
    both(wrong, "listens, and no flow leads there", &listening, "a flow leads there, and nothing listens", &named);
    let endpoint = read::text(files, "network/terraform_network/endpoint.tf");
    let ours = endpoint.contains("resource \"aws_vpc_endpoint\"");
    if ours != cluster.network.makes_endpoint {
        wrong.push(format!("an endpoint is made: {ours}"));
    }
    if ours && !endpoint.contains("security_group_ids  = [aws_security_group.role[\"endpoint\"].id]") {
        wrong.push("the endpoint is not in its group".into());
    }
}

/// Each line of pg_hba.conf has a flow with that login and those addresses, and each such flow its lines.
fn logins(cluster: &Cluster, flows: &[Flow], files: &Files, wrong: &mut Vec<String>) {
    let line = |kind: &str, database: &str, user: &str, from: &str, method: &str| Line {
        kind: kind.into(),
        database: database.into(),
        user: user.into(),
        from: from.into(),
        method: method.into(),
    };
    let mut asked = BTreeSet::from([
        // The machine itself: its superuser over the socket, and Patroni over its own address.
        line("local", "all", "postgres", "", "peer"),
        line("hostssl", "replication", "replicauser", "samehost", "scram-sha-256"),
    ]);
    let subnets = &cluster.network.subnets;
    for flow in flows {
        assert!(flow.logins.is_empty() == ((flow.to, flow.port) != (Party::Databases, 5432)), "{}", flow.name);
        for login in flow.logins {
            let blocks: Vec<Ipv4Net> = match flow.from {
                Party::Databases => subnets.iter().map(|s| s.databases).collect(),
                Party::Haproxy => subnets.iter().map(|s| s.haproxy).collect(),
                other => panic!("{other:?} must not reach PostgreSQL past HAProxy"),
            };
            let lines =
                blocks.iter().map(|b| line("hostssl", login.database, login.user, &b.to_string(), "scram-sha-256"));
            asked.extend(lines);
        }
    }
    let hba = read::hba(files);
    let there: BTreeSet<Line> = hba.iter().cloned().collect();
    both(wrong, "a line that no flow needs", &there, "a login without its line", &asked);
    // Each block must contain exactly its machines.
    for machine in read::machines(files) {
        let user = |user: &str| {
            let address: std::net::Ipv4Addr = machine.address.parse().expect("an address");
            let inside = |line: &&Line| line.from.parse().is_ok_and(|net: Ipv4Net| net.contains(&address));
            hba.iter().filter(|line| line.user == user).any(|line| inside(&line))
        };
        let database = machine.group == "database";
        for (name, wanted) in [("replicauser", database), ("rewind_user", database), ("+pgherd_clients", !database)] {
            if user(name) != wanted {
                wrong.push(format!("{} ({}) as {name}: {}", machine.address, machine.group, user(name)));
            }
        }
    }
}

/// Returns a flow as rules between groups and addresses.
fn opens(cluster: &Cluster, flow: &Flow) -> Vec<Open> {
    let pairs = ends(cluster, flow.from).into_iter().flat_map(|from| {
        ends(cluster, flow.to).into_iter().map(move |to| Open { from: from.clone(), to, port: flow.port })
    });
    // A single HAProxy's machine connects to itself without a rule.
    let alone = cluster.balancers().count() == 1;
    pairs.filter(|open| !(alone && open.from == open.to && open.from == "haproxy")).collect()
}

/// Returns whether it is not one of the cluster's own groups.
fn is_outside(end: &str) -> bool {
    !matches!(end, "database" | "haproxy" | "nlb" | "endpoint")
}

fn ends(cluster: &Cluster, party: Party) -> Vec<String> {
    let cidrs = |nets: &[Ipv4Net]| nets.iter().map(|net| net.trunc().to_string()).collect();
    let network = &cluster.network;
    match party {
        Party::Clients => network.clients.iter().map(ToString::to_string).collect(),
        Party::Admins => network.admins.iter().map(ToString::to_string).collect(),
        Party::Network => cidrs(&[network.cidr]),
        Party::Databases => vec!["database".into()],
        Party::Haproxy => vec!["haproxy".into()],
        Party::Nlb => vec!["nlb".into()],
        Party::EtcdMembers => {
            let member = |m: &pgherd::cluster::Machine| if m.role.name() == "haproxy" { "haproxy" } else { "database" };
            let groups: BTreeSet<&str> = cluster.etcd_members().map(member).collect();
            groups.into_iter().map(str::to_string).collect()
        }
        Party::SecretsEndpoint if network.makes_endpoint => vec!["endpoint".into()],
        Party::SecretsEndpoint => cidrs(&[network.cidr]),
    }
}

fn both<T: Ord + std::fmt::Debug>(
    wrong: &mut Vec<String>,
    only_left: &str,
    left: &BTreeSet<T>,
    only_right: &str,
    right: &BTreeSet<T>,
) {
    wrong.extend(left.difference(right).map(|one| format!("{only_left}: {one:?}")));
    wrong.extend(right.difference(left).map(|one| format!("{only_right}: {one:?}")));
}
