//! Who may open which port of whom: every rule of the security groups, as data.

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use ipnet::Ipv4Net;

use super::hcl::{attr, block, commented, object, print};
use crate::cluster::{Cluster, Role, ports};

const HTTPS: u16 = 443;

/// From one group of machines to another.
struct Flow {
    from: &'static str,
    to: &'static str,
    port: u16,
    description: &'static str,
}

/// From addresses outside to a group of machines.
struct Door {
    from: Ipv4Net,
    to: &'static str,
    port: u16,
    description: &'static str,
}

/// The text of `traffic.tf`.
pub fn text(cluster: &Cluster) -> String {
    let flows = flows(cluster).into_iter().map(|flow| {
        let Flow { from, to, port, description } = flow;
        (format!("{from} to {to}:{port}"), row(from.into(), to, port, description))
    });
    let doors = doors(cluster).into_iter().map(|door| {
        let Door { from, to, port, description } = door;
        (format!("{from} to {to}:{port}"), row(from.to_string().into(), to, port, description))
    });
    let locals = block("locals")
        .attribute(commented("Among the cluster's own machines.", attr("flows", object(flows))))
        .attribute(commented("From outside: clients and admins of the blueprint.", attr("doors", object(doors))));
    let body = Body::builder().block(locals).build();
    format!("# All that may flow. security_groups.tf makes the rules.\n{}", print(&body))
}

fn row(from: Expression, to: &str, port: u16, description: &str) -> Expression {
    object([("from", from), ("to", to.into()), ("port", port.into()), ("description", description.into())])
}

fn flows(cluster: &Cluster) -> Vec<Flow> {
    let flow = |from, to, port, description| Flow { from, to, port, description };
    let mut all = vec![
        flow("database", "database", ports::POSTGRES, "Replication, pg_rewind"),
        flow("database", "database", ports::PATRONI, "Patroni asks its peers before it takes over"),
        flow("database", "database", ports::ETCD_CLIENT, "Patroni and etcdctl to etcd"),
        flow("database", "database", ports::ETCD_PEER, "etcd among its members"),
        flow("database", "endpoint", HTTPS, "Reading passwords at boot"),
        flow("haproxy", "database", ports::POSTGRES, "Clients, through the load balancer"),
        flow("haproxy", "database", ports::PATRONI, "Health checks: who is primary, who lags"),
        flow("haproxy", "endpoint", HTTPS, "Reading passwords at boot"),
    ];
    if cluster.haproxy_machine().etcd {
        // Two databases: the load balancer's machine is etcd's third member.
        for (from, to) in [("database", "haproxy"), ("haproxy", "database")] {
            all.push(flow(from, to, ports::ETCD_CLIENT, "etcd's third member lives with HAProxy"));
            all.push(flow(from, to, ports::ETCD_PEER, "etcd's third member lives with HAProxy"));
        }
    }
    all
}

fn doors(cluster: &Cluster) -> Vec<Door> {
    let door = |from: &Ipv4Net, to, port, description| Door { from: from.trunc(), to, port, description };
    let network = &cluster.network;
    let haproxy = &cluster.haproxy;
    let mut all = vec![];
    for client in &network.clients {
        all.push(door(client, "haproxy", haproxy.write_port, "Clients: reads and writes"));
        all.push(door(client, "haproxy", haproxy.read_port, "Clients: reads"));
    }
    all.push(door(&network.cidr, "haproxy", haproxy.stats.port, "Health and metrics, from inside the network"));
    for admin in &network.admins {
        all.push(door(admin, "haproxy", haproxy.stats.port, "Admins: statistics page, health, metrics"));
        for group in [Role::Haproxy.name(), "database"] {
            all.push(door(admin, group, ports::SSH, "Admins: SSH"));
        }
    }
    // Terraform's map must not hold a key twice: networks may be named twice, or the network itself be among the admins.
    let mut seen = std::collections::HashSet::new();
    all.retain(|door| seen.insert((door.from, door.to, door.port)));
    all
}
