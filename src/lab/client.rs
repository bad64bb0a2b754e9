//! The network of an application in the lab: it has an address from which the cluster's clients come.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use ipnet::Ipv4Net;

use super::network;
use super::tool::HostTools;
use crate::cluster::Cluster;
use crate::system::Interrupt;
use crate::system::host::namespace;

/// Takes the place of an instance id in the names of the namespace and its link.
const ID: &str = "client";

/// A client's network, until it is dropped.
#[derive(Debug)]
pub struct ClientNetwork<'a> {
    tools: HostTools<'a>,
    address: Ipv4Addr,
}

impl<'a> ClientNetwork<'a> {
    /// Makes the network, in place of one that a killed process left.
    ///
    /// # Errors
    /// If clients come from no range of addresses: the security groups let nobody else in.
    pub fn make(tools: HostTools<'a>, cluster: &Cluster) -> Result<Self> {
        let clients: Vec<Ipv4Net> = cluster.network.clients.iter().filter_map(|peer| peer.range()).collect();
        ensure!(
            !clients.is_empty(),
            "network.clients has no range of addresses, and a client in the lab needs an address in one. Add a range, such as \"{}\"",
            cluster.network.cidr
        );
        let address = address(cluster.network.cidr, &clients);
        network::connect(tools, ID, address)?;
        Ok(ClientNetwork { tools, address })
    }

    /// Moves the calling thread into it.
    pub fn enter(&self) -> Result<()> {
        Ok(namespace::enter(&network::machine_namespace(ID))?)
    }
}

impl Drop for ClientNetwork<'_> {
    fn drop(&mut self) {
        // The interrupt that ended the drill must not prevent this.
        let interrupt = Interrupt::default();
        let tools = HostTools { context: self.tools.context, interrupt: &interrupt };
        // What stays is replaced by the next client, or removed with the lab.
        let _ = network::disconnect(tools, ID, self.address);
        let _ = network::forget(tools, self.address);
    }
}

/// Returns the last host address of the network if clients may be there, or else of the first range that they come from. pgherd puts
/// no machine there: machines are near the beginning of their subnet.
fn address(network: Ipv4Net, clients: &[Ipv4Net]) -> Ipv4Addr {
    let admits = |net: &Ipv4Net| net.contains(&last(network));
    match clients.first() {
        Some(first) if !clients.iter().any(admits) => last(*first),
        _ => last(network),
    }
}

fn last(net: Ipv4Net) -> Ipv4Addr {
    net.hosts().last().unwrap_or(net.network())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_comes_from_where_the_blueprint_expects_it() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let own = net("10.20.0.0/16");
        assert_eq!(address(own, &[own]), Ipv4Addr::new(10, 20, 255, 254));
        assert_eq!(address(own, &[net("10.30.0.0/24"), own]), Ipv4Addr::new(10, 20, 255, 254));
        assert_eq!(address(own, &[net("10.30.0.0/24")]), Ipv4Addr::new(10, 30, 0, 254));
    }
}
