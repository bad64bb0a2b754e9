//! The address and zone of every machine, which are fixed before any machine exists.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::decision::{ELSEWHERE, Ledger, elsewhere, list};
use super::{Arch, Cluster, Machine, Network, Role, Subnet};
use crate::blueprint::model::{self, Blueprint};

/// The first address of a subnet's database block. AWS reserves a subnet's first four addresses and its last
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>); a /28 starts at a multiple of 16.
const DATABASE_BLOCK: u32 = 16;
/// Both blocks have 16 addresses, so the master and all 15 slaves fit in one zone. HAProxy's block follows the databases'.
const BLOCK_PREFIX: u8 = 28;
const BLOCK_SIZE: u32 = 1 << (32 - BLOCK_PREFIX);
/// The first HAProxy is in the third zone where there is one. With two databases it is etcd's third member, and no zone then holds two.
/// The second is in the second zone: in another one than the first, and than the master.
const HAPROXY_ZONES: [usize; 2] = [2, 1];
/// etcd gains nothing beyond five members (<https://etcd.io/docs/v3.5/faq/>).
const MOST_ETCD_MEMBERS: usize = 5;

/// Returns the subnets of an existing VPC, or splits the network into the smallest power of two of equal parts that gives each zone one.
pub fn subnets(network: &model::NetworkBlock) -> Vec<Subnet> {
    if let Some(vpc) = &network.existing {
        let subnets = network.zones.iter().zip(&vpc.subnets);
        return subnets.map(|(zone, s)| subnet(zone, Some(&s.id), s.cidr, s.offset)).collect();
    }
    let parts = network.zones.len().next_power_of_two();
    let prefix = network.cidr.prefix_len() + parts.trailing_zeros() as u8;
    let step = 1u32 << (32 - prefix);
    let first = u32::from(network.cidr.network());
    (network.zones.iter().zip(0u32..))
        .map(|(zone, i)| {
            let cidr = Ipv4Net::new_assert(Ipv4Addr::from(first + i * step), prefix);
            subnet(zone, None, cidr, DATABASE_BLOCK)
        })
        .collect()
}

/// Returns a zone's subnet, with the cluster's blocks from `offset` on.
fn subnet(zone: &str, id: Option<&String>, cidr: Ipv4Net, offset: u32) -> Subnet {
    let databases = u32::from(cidr.network()) + offset;
    let block = |address: u32| Ipv4Net::new_assert(Ipv4Addr::from(address), BLOCK_PREFIX);
    let haproxy = block(databases + BLOCK_SIZE);
    Subnet {
        zone: zone.into(),
        id: id.cloned(),
        cidr,
        databases: block(databases),
        haproxy,
        // AWS reserves the last address of a subnet.
        endpoint: Ipv4Addr::from(u32::from(haproxy.broadcast()) - 1),
    }
}

/// Returns all machines: the master, the slaves and the HAProxies, distributed over the zones.
pub fn machines(blueprint: &Blueprint, subnets: &[Subnet]) -> Vec<Machine> {
    let databases = 1 + usize::from(blueprint.slave_count);
    let etcd = etcd_databases(databases);
    let machine = |name: String, role, subnet: &Subnet, address: u32, etcd, made: &model::MachineBlock| Machine {
        hostname: format!("{}-{name}", blueprint.name),
        name,
        role,
        zone: subnet.zone.clone(),
        address: Ipv4Addr::from(address),
        etcd,
        arch: Arch::of(&made.instance_type),
        block: made.clone(),
    };
    let haproxies = usize::from(blueprint.haproxy.count);
    let mut all = Vec::with_capacity(databases + haproxies);
    for k in 0..databases {
        let subnet = &subnets[k % subnets.len()];
        let address = u32::from(subnet.databases.network()) + (k / subnets.len()) as u32;
        let (name, role, made) = match k {
            0 => ("master".to_string(), Role::Master, &blueprint.master),
            _ => (format!("slave{k}"), Role::Slave, &blueprint.slaves),
        };
        all.push(machine(name, role, subnet, address, k < etcd, made));
    }
    for (k, zone) in HAPROXY_ZONES.into_iter().take(haproxies).enumerate() {
        let subnet = &subnets[zone % subnets.len()];
        // A cluster with a single zone has both there.
        let address = u32::from(subnet.haproxy.network()) + (k / subnets.len()) as u32;
        let name = if k == 0 { "haproxy".to_string() } else { format!("haproxy{}", k + 1) };
        let third = k == 0 && databases == 2;
        all.push(machine(name, Role::Haproxy, subnet, address, third, &blueprint.haproxy.machine));
    }
    all
}

/// Records where everything lives, and why there.
pub fn record(network: &Network, machines: &[Machine], ledger: &mut Ledger) {
    network.subnets.iter().for_each(|subnet| record_subnet(subnet, network.makes_endpoint, ledger));
    for machine in machines {
        let (block, count) = match machine.role {
            Role::Haproxy => ("haproxy", "haproxy.count"),
            Role::Master | Role::Slave => ("databases", "slaves.count"),
        };
        let from = vec![format!("network.{}.{block}", machine.zone), count.into()];
        let name = machine.name.clone();
        ledger.add(
            &format!("address.{}", machine.name),
            machine.address.to_string(),
            from,
            "Machines are distributed over the zones. Addresses are planned, so that every file is complete before a machine exists.",
            "this cluster's design",
            move |c| c.machines.iter_mut().filter(|m| m.name == name).for_each(|m| m.address = ELSEWHERE),
        );
    }
    let members: Vec<&str> = machines.iter().filter(|m| m.etcd).map(|m| m.name.as_str()).collect();
    ledger.add(
        "etcd.members",
        members.join(", "),
        list(["slaves.count"]),
        "An odd number of members, five at most. Where there are two databases, the first HAProxy's machine is the third member.",
        "https://etcd.io/docs/v3.5/faq/",
        |c| c.machines.iter_mut().rfind(|m| m.etcd).into_iter().for_each(|m| m.etcd = false),
    );
}

/// Records a zone's subnet and its blocks.
fn record_subnet(subnet: &Subnet, makes_endpoint: bool, ledger: &mut Ledger) {
    const SUBNETS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html";
    let name = format!("network.{}", subnet.zone);
    let here = |change: fn(&mut Subnet)| {
        let zone = subnet.zone.clone();
        move |c: &mut Cluster| c.network.subnets.iter_mut().filter(|subnet| subnet.zone == zone).for_each(change)
    };
    let (from, why) = match subnet.id {
        Some(_) => (list(["network.subnet"]), "The subnet exists already. The blueprint describes it."),
        None => (
            list(["network.cidr", "network.zones"]),
            "The network is split into equal parts: the smallest power of two that gives each zone one.",
        ),
    };
    let zone = subnet.zone.clone();
    ledger.add(&name, subnet.cidr.to_string(), from, why, SUBNETS, move |c| {
        move_zone(c, &zone);
    });
    if let Some(id) = &subnet.id {
        let why =
            "The subnet is looked up by its id, because AWS lets two subnets have the same name. It is not changed.";
        let change = here(|subnet| subnet.id.as_mut().into_iter().for_each(|id| id.push('0')));
        ledger.add(&format!("{name}.id"), id, list(["network.subnet"]), why, SUBNETS, change);
    }
    let mut block = |kind: &str, block: Ipv4Net, change: fn(&mut Subnet)| {
        let why = "Each kind of machine has a block of its own, after the addresses that AWS reserves. Rules name blocks, so another \
                   machine changes no rule.";
        ledger.add(&format!("{name}.{kind}"), block.to_string(), vec![name.clone()], why, SUBNETS, here(change));
    };
    block("databases", subnet.databases, |subnet| subnet.databases = elsewhere());
    block("haproxy", subnet.haproxy, |subnet| subnet.haproxy = elsewhere());
    if makes_endpoint {
        const ENDPOINT: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html";
        let why = "The endpoint's address is planned like a machine's, so that machines know it without the VPC's DNS, which only knows \
                   Secrets Manager's public addresses.";
        let from = vec![format!("{name}.haproxy")];
        let change = here(|subnet| subnet.endpoint = ELSEWHERE);
        ledger.add(&format!("{name}.endpoint"), subnet.endpoint.to_string(), from, why, ENDPOINT, change);
    }
}

/// Perturbs a zone: its subnet lies elsewhere, and the zone of everything in it has another name.
fn move_zone(c: &mut Cluster, zone: &str) {
    for subnet in c.network.subnets.iter_mut().filter(|subnet| subnet.zone == zone) {
        subnet.cidr = elsewhere();
        subnet.zone.push('0');
    }
    c.machines.iter_mut().filter(|machine| machine.zone == zone).for_each(|machine| machine.zone.push('0'));
}

/// Returns how many of the databases are members of etcd. The total is odd: with two databases the first HAProxy's machine is the third member.
fn etcd_databases(databases: usize) -> usize {
    match databases {
        2 => 2,
        n => {
            let most = n.min(MOST_ETCD_MEMBERS);
            most - usize::from(most % 2 == 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_end_of_a_subnet_the_endpoint_has_an_address_that_aws_gives_away() {
        let subnet = subnet("eu-west-1a", None, "10.1.0.0/26".parse().expect("a range"), 32);
        assert_eq!(subnet.haproxy.broadcast(), subnet.cidr.broadcast(), "the tightest place that a blueprint may name");
        assert_eq!(subnet.endpoint, Ipv4Addr::new(10, 1, 0, 62));
    }
}
