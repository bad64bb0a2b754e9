//! The lab's machines, as `pgherd lab ps` lists them.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail};

use super::machine::{self, LabMachine};

/// Whether a machine has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The machine runs.
    Running,
    /// The API stopped it.
    Stopped,
    /// `pgherd lab kill` cut its power, or it switched itself off.
    Off,
}

/// A machine in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Name in the cluster; `None` for the builder of an image.
    pub name: Option<String>,
    /// Name of its cluster.
    pub cluster: Option<String>,
    /// Instance id.
    pub id: String,
    /// Private address.
    pub address: Ipv4Addr,
    /// AMI id.
    pub image: String,
    /// Whether it has power.
    pub state: Power,
}

/// Returns all machines, ordered by cluster and address.
pub fn all() -> Result<Vec<Node>> {
    let mut nodes: Vec<Node> = machine::all()?.into_iter().map(node).collect();
    nodes.sort_by(|a, b| (&a.cluster, a.address).cmp(&(&b.cluster, b.address)));
    Ok(nodes)
}

/// Returns the machine with a name in its cluster, a full name, or an instance id.
pub fn find(name: &str) -> Result<LabMachine> {
    let mut machines = machine::all()?;
    machines.retain(|m| m.id == name || m.tag("pgherd:machine") == Some(name) || m.tag("Name") == Some(name));
    match machines.len() {
        1 => Ok(machines.remove(0)),
        0 => bail!("the lab has no machine {name}; `pgherd lab ps` lists them"),
        _ => {
            let names: Vec<&str> = machines.iter().map(|m| m.tag("Name").unwrap_or(&m.id)).collect();
            bail!("{name} is ambiguous. Use one of {}", names.join(", "))
        }
    }
}

/// Returns the machine of a cluster, by the cluster's tag and the machine's name in it.
pub fn of_cluster(tag: &str, name: &str) -> Result<LabMachine> {
    let is_meant = |m: &LabMachine| m.tag("pgherd:cluster") == Some(tag) && m.tag("pgherd:machine") == Some(name);
    let found = machine::all()?.into_iter().find(is_meant);
    found.with_context(|| format!("the lab has no machine {name} of {tag}; `pgherd lab ps` lists them"))
}

fn node(machine: LabMachine) -> Node {
    Node {
        name: machine.tag("pgherd:machine").map(str::to_string),
        cluster: machine.tag("pgherd:cluster").map(str::to_string),
        state: match (&machine.process, machine.is_off) {
            (Some(process), _) if process.is_alive() => Power::Running,
            (_, true) => Power::Off,
            _ => Power::Stopped,
        },
        id: machine.id,
        address: machine.address,
        image: machine.image,
    }
}
