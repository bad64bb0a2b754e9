//! Security groups and their rules.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use ipnet::Ipv4Net;
use roxmltree::{Document, Node};

use super::ask;
use crate::lab::api::{child, items, text_of};

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// What may reach its members.
    pub ingress: Vec<Permission>,
    /// What its members may reach.
    pub egress: Vec<Permission>,
}

/// Packets that a group lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Their protocol, with its ports.
    pub protocol: Protocol,
    /// Where they come from, or in an egress rule, where they go.
    pub peers: Vec<Counterpart>,
}

/// A protocol with its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// Every protocol.
    All,
    /// TCP to ports in this range, both ends included.
    Tcp(u16, u16),
    /// UDP to ports in this range, both ends included.
    Udp(u16, u16),
    /// ICMP of every type.
    Icmp,
}

/// The other side of a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counterpart {
    /// A range of addresses.
    Range(Ipv4Net),
    /// The members of a security group.
    Group(String),
}

/// Returns all security groups of a region. The ranges of prefix lists are in place of the lists.
///
/// # Errors
/// If the API is unreachable, or a rule is one that the lab cannot enforce.
pub fn groups(region: &str) -> Result<Vec<Group>> {
    let text = ask(region, "DescribeSecurityGroups", "")?;
    let document = Document::parse(&text)?;
    let mut lists: BTreeMap<String, Vec<Ipv4Net>> = BTreeMap::new();
    let named = document.descendants().filter_map(|node| text_of(node, "prefixListId"));
    for id in named.collect::<BTreeSet<_>>() {
        let ranges = prefix_list(region, &id)?;
        lists.insert(id, ranges);
    }
    read(&document, &lists)
}

fn prefix_list(region: &str, id: &str) -> Result<Vec<Ipv4Net>> {
    let text = ask(region, "GetManagedPrefixListEntries", &format!("&PrefixListId={id}"))?;
    let document = Document::parse(&text)?;
    let entries = items(child(document.root_element(), "entrySet"));
    entries.into_iter().filter_map(|entry| text_of(entry, "cidr")).map(|cidr| Ok(cidr.parse()?)).collect()
}

fn read(document: &Document<'_>, lists: &BTreeMap<String, Vec<Ipv4Net>>) -> Result<Vec<Group>> {
    let groups = items(child(document.root_element(), "securityGroupInfo"));
    let permissions = |group, list| -> Result<Vec<Permission>> {
        items(child(group, list)).into_iter().map(|node| permission(node, lists)).collect()
    };
    (groups.into_iter())
        .map(|group| {
            let id = text_of(group, "groupId").context("a security group without an id")?;
            let (ingress, egress) = (permissions(group, "ipPermissions"), permissions(group, "ipPermissionsEgress"));
            Ok(Group { ingress: ingress.context(id.clone())?, egress: egress.context(id.clone())?, id })
        })
        .collect()
}

fn permission(node: Node<'_, '_>, lists: &BTreeMap<String, Vec<Ipv4Net>>) -> Result<Permission> {
    let mut peers = vec![];
    for range in items(child(node, "ipRanges")) {
        peers.push(Counterpart::Range(text_of(range, "cidrIp").context("a range without its addresses")?.parse()?));
    }
    for group in items(child(node, "groups")) {
        peers.push(Counterpart::Group(text_of(group, "groupId").context("a rule names a group without its id")?));
    }
    for list in items(child(node, "prefixListIds")) {
        let id = text_of(list, "prefixListId").context("a rule names a prefix list without its id")?;
        peers.extend(
            lists.get(&id).with_context(|| format!("there is no {id}"))?.iter().copied().map(Counterpart::Range),
        );
    }
    Ok(Permission { protocol: protocol(node)?, peers })
}

fn protocol(node: Node<'_, '_>) -> Result<Protocol> {
    let name = text_of(node, "ipProtocol").context("a rule without a protocol")?;
    let port = |field| -> Result<u16> {
        let text = text_of(node, field).with_context(|| format!("a rule for {name} without {field}"))?;
        text.parse().with_context(|| format!("{field} is {text}"))
    };
    Ok(match name.as_str() {
        "-1" => Protocol::All,
        "tcp" => Protocol::Tcp(port("fromPort")?, port("toPort")?),
        "udp" => Protocol::Udp(port("fromPort")?, port("toPort")?),
        "icmp" if text_of(node, "fromPort").as_deref() == Some("-1") => Protocol::Icmp,
        _ => bail!("the lab cannot enforce a rule for {name}; use tcp, udp, all of icmp, or all protocols"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rule: &str) -> String {
        format!(
            "<R><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissionsEgress/><ipPermissions><item>{rule}</item></ipPermissions>\
             </item></securityGroupInfo></R>"
        )
    }

    #[test]
    fn a_rule_names_ranges_groups_and_prefix_lists() {
        let rule = "<ipProtocol>tcp</ipProtocol><fromPort>5000</fromPort><toPort>5001</toPort>\
                    <groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups>\
                    <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>\
                    <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds>";
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let lists = BTreeMap::from([("pl-1".to_string(), vec![net("10.1.0.0/16"), net("10.2.0.0/16")])]);
        let read = read(&Document::parse(&text(rule)).unwrap(), &lists).unwrap();
        let ranges = ["10.1.0.0/16", "10.2.0.0/16"].map(|range| Counterpart::Range(net(range)));
        let peers = [&[Counterpart::Range(net("10.0.0.0/8")), Counterpart::Group("sg-2".into())][..], &ranges].concat();
        let permission = Permission { protocol: Protocol::Tcp(5000, 5001), peers };
        assert_eq!(read, [Group { id: "sg-1".into(), ingress: vec![permission], egress: vec![] }]);
    }

    #[test]
    fn a_rule_that_the_lab_cannot_enforce_is_refused() {
        for rule in ["<ipProtocol>50</ipProtocol>", "<ipProtocol>icmp</ipProtocol><fromPort>8</fromPort>"] {
            let refused = read(&Document::parse(&text(rule)).unwrap(), &BTreeMap::new());
            let e = refused.unwrap_err();
            assert!(format!("{e:#}").starts_with("sg-1: the lab cannot enforce a rule for"), "{e:#}");
        }
    }
}
