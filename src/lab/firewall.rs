//! Enforces security groups, as the API has them, between everything that has an address in the lab.
//!
//! A rule decides about a connection's first packet. Security groups are stateful: what belongs to an open connection passes, also
//! after the rule that let it in was removed. For TCP that needs no table of connections, because only the first packet has SYN
//! without ACK. Such a table would have its own idea of what is still open after a fault.
//!
//! The host stands for an operator in the VPC, and moto's namespace for AWS itself and for Packer. Neither has a network interface
//! in the API, and what they open is not filtered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use anyhow::Result;

use super::ec2::{Counterpart, Group, Interface, Permission, Protocol};
use super::network::{METADATA_ADDRESS, NAMESPACE};
use super::tool::HostTools;

/// The table in the lab's namespace.
const TABLE: &str = "security_groups";

/// Replaces the rules in the lab's namespace, all at once.
pub fn apply(tools: HostTools<'_>, rules: &str) -> Result<()> {
    tools.run(&["ip", "netns", "exec", NAMESPACE, "nft", rules]).map(drop)
}

/// Returns nftables' rules for these interfaces.
pub fn rules(interfaces: &[Interface], groups: &[Group]) -> String {
    let mut members: BTreeMap<&str, BTreeSet<Ipv4Addr>> = BTreeMap::new();
    for interface in interfaces {
        for group in &interface.groups {
            members.entry(group).or_default().insert(interface.address);
        }
    }
    // Added first, so that deleting a table that is not there is no error.
    let mut text = format!("add table ip {TABLE}\ndelete table ip {TABLE}\nadd table ip {TABLE}\n");
    for hook in ["forward", "input"] {
        text += &format!("add chain ip {TABLE} {hook} {{ type filter hook {hook} priority filter; policy accept; }}\n");
        text += &format!("add rule ip {TABLE} {hook} tcp flags & (syn | ack) != syn accept\n");
        text += &format!("add rule ip {TABLE} {hook} iifname {{ \"lo\", \"host\" }} accept\n");
        // No security group applies to instance metadata.
        text += &format!("add rule ip {TABLE} {hook} ip daddr {METADATA_ADDRESS} accept\n");
    }
    let of = |interface: &Interface, way: fn(&Group) -> &Vec<Permission>| -> Vec<Permission> {
        let its = groups.iter().filter(|group| interface.groups.contains(&group.id));
        its.flat_map(way).cloned().collect()
    };
    for interface in interfaces {
        let address = interface.address;
        for (chain, other, permissions) in [
            ("from", "daddr", of(interface, |group| &group.egress)),
            ("to", "saddr", of(interface, |group| &group.ingress)),
        ] {
            let chain = format!("{chain}_{}", address.to_string().replace('.', "_"));
            text += &format!("add chain ip {TABLE} {chain}\n");
            for (peers, packets) in permissions.iter().filter_map(|permission| matches(permission, &members)) {
                text += &format!("add rule ip {TABLE} {chain} ip {other} {{ {peers} }} {packets}return\n");
            }
            text += &format!("add rule ip {TABLE} {chain} drop\n");
        }
    }
    // Out of the sender, then into the receiver.
    for hook in ["forward", "input"] {
        for (field, chain) in [("saddr", "from"), ("daddr", "to")] {
            for address in interfaces.iter().map(|interface| interface.address).collect::<BTreeSet<_>>() {
                let its = address.to_string().replace('.', "_");
                text += &format!("add rule ip {TABLE} {hook} ip {field} {address} jump {chain}_{its}\n");
            }
        }
    }
    text
}

/// Returns a permission's peers and its packets in nftables' words; nothing if it has no peers.
fn matches(permission: &Permission, members: &BTreeMap<&str, BTreeSet<Ipv4Addr>>) -> Option<(String, String)> {
    let mut peers = BTreeSet::new();
    for peer in &permission.peers {
        match peer {
            Counterpart::Range(range) => drop(peers.insert(range.to_string())),
            Counterpart::Group(id) => {
                peers.extend(members.get(id.as_str()).into_iter().flatten().map(Ipv4Addr::to_string))
            }
        }
    }
    let packets = match permission.protocol {
        Protocol::All => String::new(),
        Protocol::Tcp(from, to) => format!("tcp dport {from}-{to} "),
        Protocol::Udp(from, to) => format!("udp dport {from}-{to} "),
        Protocol::Icmp => "ip protocol icmp ".to_string(),
    };
    (!peers.is_empty()).then(|| (peers.into_iter().collect::<Vec<_>>().join(", "), packets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(address: [u8; 4], group: &str) -> Interface {
        Interface { address: address.into(), groups: vec![group.to_string()], is_endpoint: false, balancer: None }
    }

    #[test]
    fn each_interface_lets_in_what_its_groups_allow() {
        let permission = |peer, port| Permission { protocol: Protocol::Tcp(port, port), peers: vec![peer] };
        let clients = Counterpart::Range("10.30.0.0/24".parse().unwrap());
        let groups = [
            Group { id: "sg-lb".into(), ingress: vec![permission(clients, 5000)], egress: vec![] },
            Group {
                id: "sg-db".into(),
                ingress: vec![
                    permission(Counterpart::Group("sg-lb".into()), 5432),
                    permission(Counterpart::Group("sg-none".into()), 22),
                ],
                egress: vec![],
            },
        ];
        let text = rules(&[interface([10, 20, 0, 32], "sg-lb"), interface([10, 20, 0, 16], "sg-db")], &groups);
        let of = |chain: &str| {
            let begin = format!("add rule ip {TABLE} {chain} ");
            text.lines().filter_map(|line| line.strip_prefix(&begin)).map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("to_10_20_0_32"), ["ip saddr { 10.30.0.0/24 } tcp dport 5000-5000 return", "drop"]);
        assert_eq!(of("to_10_20_0_16"), ["ip saddr { 10.20.0.32 } tcp dport 5432-5432 return", "drop"]);
        assert_eq!(of("from_10_20_0_16"), ["drop"], "without a rule, nothing is allowed");
        assert_eq!(of("forward").last().unwrap(), "ip daddr 10.20.0.32 jump to_10_20_0_32");
    }
}
