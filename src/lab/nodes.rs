//! The machines as a person sees them.

use std::net::Ipv4Addr;

use anyhow::{Result, bail};

use super::machine::{self, Machine};

/// Whether a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// Stopped by the API.
    Stopped,
    /// Without power: `kill`, or its own doing.
    Off,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the cluster; an image's builder has none.
    pub name: Option<String>,
    /// Its cluster.
    pub cluster: Option<String>,
    /// Instance id.
    pub id: String,
    /// Private address.
    pub address: Ipv4Addr,
    /// AMI id.
    pub image: String,
    /// Whether it runs.
    pub state: State,
}

/// All machines, by cluster and name.
pub fn all() -> Result<Vec<Node>> {
    let mut nodes: Vec<Node> = machine::all()?.into_iter().map(node).collect();
    nodes.sort_by(|a, b| (&a.cluster, a.address).cmp(&(&b.cluster, b.address)));
    Ok(nodes)
}

/// The machine that a person means: by its name in the cluster, its full name, or its instance id.
pub fn find(name: &str) -> Result<Machine> {
    let mut machines = machine::all()?;
    machines.retain(|m| m.id == name || m.tag("pgherd:machine") == Some(name) || m.tag("Name") == Some(name));
    match machines.len() {
        1 => Ok(machines.remove(0)),
        0 => bail!("no machine {name} in the lab: pgherd lab ps lists them"),
        _ => {
            let names: Vec<&str> = machines.iter().map(|m| m.tag("Name").unwrap_or(&m.id)).collect();
            bail!("{name} could be any of {}", names.join(", "))
        }
    }
}

fn node(machine: Machine) -> Node {
    Node {
        name: machine.tag("pgherd:machine").map(str::to_string),
        cluster: machine.tag("pgherd:cluster").map(str::to_string),
        state: match (&machine.process, machine.is_off) {
            (Some(process), _) if process.is_alive() => State::Running,
            (_, true) => State::Off,
            _ => State::Stopped,
        },
        id: machine.id,
        address: machine.address,
        image: machine.image,
    }
}
