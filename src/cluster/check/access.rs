//! Who may come in: which addresses may reach which port, and whether a person can log in to a machine.

use serde::Serialize;

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::flows::{Party, flows, peers};
use crate::cluster::{Cluster, Module, Peer, Role, is_private};

/// A port that other machines than the cluster's own may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Door {
    /// What listens there, such as `write` or `SSH, master and slaves`.
    pub what: String,
    /// The TCP port.
    pub port: u16,
    /// The sources that may reach it.
    pub from: Vec<String>,
    /// The EC2 key pair that is needed to log in, where one is.
    pub key_name: Option<String>,
    /// What else is needed to come in.
    pub only: Option<String>,
    /// Why nobody can come in.
    pub closed: Option<&'static str>,
}

/// Returns the ports that are open to others, in the order of the flows.
pub fn doors(cluster: &Cluster) -> Vec<Door> {
    let mut open: Vec<(&str, u16, Vec<Peer>)> = vec![];
    for flow in flows(cluster).iter().filter(|flow| flow.to == Party::Haproxy && flow.port != cluster.fixed.port.ssh) {
        let from = peers(cluster, flow.from);
        match open.iter_mut().find(|(_, port, _)| *port == flow.port) {
            Some((.., all)) => all.extend(from),
            None if matches!(flow.from, Party::Clients | Party::Admins | Party::Network) => {
                open.push((flow.name, flow.port, from));
            }
            None => {}
        }
    }
    let door = |(what, port, from): (&str, u16, Vec<Peer>)| Door {
        what: what.into(),
        port,
        from: widest(&from),
        key_name: None,
        only: None,
        closed: None,
    };
    let mut doors: Vec<Door> = open.into_iter().map(door).collect();
    let admins: Vec<String> = cluster.network.admins.iter().map(ToString::to_string).collect();
    for (blocks, key_name) in keys(cluster) {
        doors.push(Door {
            what: format!("SSH, {}", joined(&blocks)),
            port: cluster.fixed.port.ssh,
            closed: match (admins.is_empty(), key_name) {
                (false, Some(_)) => None,
                (true, Some(_)) => Some("network.admins is not set; you can add it at any time"),
                (false, None) => Some("key_name is not set; adding it later replaces the machine"),
                (true, None) => {
                    Some("network.admins and key_name are not set; adding key_name later replaces the machine")
                }
            },
            from: admins.clone(),
            key_name: key_name.map(String::from),
            only: inside(cluster, &blocks),
        });
    }
    doors.push(Door {
        what: "SSH, builder of images".into(),
        port: cluster.fixed.port.ssh,
        from: cluster.network.builders().iter().map(ToString::to_string).collect(),
        key_name: None,
        only: Some(match is_inside(cluster) {
            true => {
                "only during a build, with a key that Packer generates; set public ranges in network.admins to allow fewer addresses".into()
            }
            false => "only during a build, with a key that Packer generates".into(),
        }),
        closed: None,
    });
    doors
}

/// Returns the sources that are not part of another one, each once.
fn widest(all: &[Peer]) -> Vec<String> {
    let is_part = |one: &Peer| {
        let wider = |other: &Peer| other != one && other.range().zip(one.range()).is_some_and(|(a, b)| a.contains(&b));
        all.iter().any(wider)
    };
    let mut sources: Vec<String> = vec![];
    for source in all.iter().filter(|one| !is_part(one)).map(ToString::to_string) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// Returns whether no admin is known to come from outside. The machines of a group and the ranges of a prefix list count as inside.
fn is_inside(cluster: &Cluster) -> bool {
    cluster.network.admins.iter().filter_map(Peer::range).all(|net| is_private(&net))
}

/// Returns what an admin from outside needs to reach machines that only have private addresses.
fn inside(cluster: &Cluster, blocks: &[&'static str]) -> Option<String> {
    if is_inside(cluster) {
        return None;
    }
    let private = |role: Role| {
        let block = Module::of(role).block();
        let machine = cluster.machine_of(role)?;
        (blocks.contains(&block) && !machine.block.elastic_ip).then_some(block)
    };
    let private: Vec<&str> = Role::ALL.into_iter().filter_map(private).collect();
    let has = if private.len() == 1 { "has" } else { "have" };
    (!private.is_empty()).then(|| format!("by VPN or peering, because {} {has} no elastic_ip", joined(&private)))
}

/// The blocks by their key.
fn keys(cluster: &Cluster) -> Vec<(Vec<&'static str>, Option<&str>)> {
    let mut keys: Vec<(Vec<&str>, Option<&str>)> = vec![];
    for role in Role::ALL {
        let block = Module::of(role).block();
        let Some(machine) = cluster.machine_of(role) else { continue };
        let key = machine.block.key_name.as_deref();
        match keys.iter_mut().find(|(_, known)| *known == key) {
            Some((blocks, _)) => blocks.push(block),
            None => keys.push((vec![block], key)),
        }
    }
    keys
}

/// `a, b and c`.
fn joined(names: &[&str]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

pub(super) fn findings(cluster: &Cluster) -> Vec<Finding> {
    let admins: Vec<String> = cluster.network.admins.iter().map(ToString::to_string).collect();
    if admins.is_empty() {
        return vec![];
    }
    let without = keys(cluster).into_iter().filter(|(_, key)| key.is_none()).map(|(blocks, _)| joined(&blocks));
    let finding = |blocks: String| {
        let problem = format!("SSH of {blocks} is open to {}, but nobody can log in without a key", admins.join(", "));
        let help = format!("set key_name = \"…\" in {blocks} now; adding it later replaces the machine");
        Finding::new(&rules::ADMINS_WITHOUT_KEY, "network.admins", problem, help)
    };
    without.map(finding).collect()
}
