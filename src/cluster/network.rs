//! The network of a cluster: its addresses, and who may come in from outside.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::Peer;

/// The VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The range of its addresses.
    pub cidr: Ipv4Net,
    /// Its id, where it exists already. pgherd does not change it then.
    pub vpc_id: Option<String>,
    /// Whether Terraform creates Secrets Manager's endpoint. Otherwise the VPC has one, somewhere in `cidr`.
    pub makes_endpoint: bool,
    /// One subnet per zone, in the blueprint's order.
    pub subnets: Vec<Subnet>,
    /// Who may reach HAProxy's write and read ports.
    pub clients: Vec<Peer>,
    /// Who may reach SSH and the stats page from outside.
    pub admins: Vec<Peer>,
}

impl Network {
    /// Returns who may reach SSH on the machines that build images. Packer must reach their public addresses, and only its user knows
    /// where it runs. Where no admin has a public address, everybody may, which is also Packer's own default.
    pub fn builders(&self) -> Vec<Ipv4Net> {
        let public: Vec<Ipv4Net> = self.admins.iter().filter_map(Peer::range).filter(|net| !is_private(net)).collect();
        if public.is_empty() { vec![Ipv4Net::default()] } else { public }
    }
}

/// Returns whether a range is reachable only by VPN or peering (RFC 1918, and RFC 6598, which VPN services hand out).
pub fn is_private(net: &Ipv4Net) -> bool {
    const SHARED: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);
    net.network().is_private() || SHARED.contains(&net.network())
}

/// A zone's subnet, with a block of addresses for each kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// The availability zone.
    pub zone: String,
    /// The subnet's id, where it exists already.
    pub id: Option<String>,
    /// The subnet's addresses.
    pub cidr: Ipv4Net,
    /// The addresses of its database machines, including those that are added later. `pg_hba.conf` names this block.
    pub databases: Ipv4Net,
    /// The addresses of its load balancers.
    pub haproxy: Ipv4Net,
    /// The address of Secrets Manager's endpoint, if one is made: the last but one of HAProxy's block. The last may also be the
    /// subnet's last, which AWS reserves (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>).
    pub endpoint: Ipv4Addr,
}
