//! The lab's network: routed, with no way out.
//!
//! ```text
//! host 198.18.77.1 -- 198.18.77.2 [pgherd-lab: moto, packer, terraform] 169.254.0.1 -- <private_ip>/32 [pgherd-<instance id>]
//!                                                                        169.254.0.1 -- <private_ip>/32 [pgherd-<instance id>]
//! ```
//!
//! Interface endpoints' addresses are the lab's own: moto answers there as Secrets Manager does in a VPC.
//!
//! The namespace `pgherd-lab` forwards between machines and to the host's end of its link, and knows no other route: a packet to
//! an outside address is answered with "network unreachable" where it starts. Nothing of the host's own set-up changes: no
//! firewall rule, no sysctl, no bridge; what there is goes with its namespace.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use super::tool::Tools;
use crate::system::host::namespace;

/// Begins the name of every namespace of ours.
pub const PREFIX: &str = "pgherd-";
/// The namespace of moto, packer and terraform.
pub const NAMESPACE: &str = "pgherd-lab";
/// The host's link into it.
pub const HOST_LINK: &str = "pgherd0";
/// The host's address on the link, from the range for tests of network devices (RFC 2544), which no network uses.
pub const HOST_ADDRESS: &str = "198.18.77.1";
/// The lab's address on the link.
pub const LAB_ADDRESS: &str = "198.18.77.2";
/// Every machine's gateway, on the lab's end of each machine's link.
const GATEWAY: &str = "169.254.0.1";
/// Where EC2 serves instance metadata.
pub const METADATA_ADDRESS: &str = "169.254.169.254";

/// A machine's namespace.
pub fn machine_namespace(instance_id: &str) -> String {
    format!("{PREFIX}{instance_id}")
}

/// Makes the lab's own namespace and the host's link into it.
pub fn create(tools: Tools<'_>) -> Result<()> {
    let lab = format!("ip -n {NAMESPACE}");
    tools.words(&format!("ip netns add {NAMESPACE}"))?;
    tools.words(&format!("{lab} link set lo up"))?;
    // IPv6 would give each link an address by itself, and with it a way from a machine to the lab that no route describes.
    in_namespace(
        tools,
        "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6",
    )
    .or_else(|e| if ipv6_is_absent() { Ok(()) } else { Err(e) })?;
    in_namespace(tools, "echo 1 >/proc/sys/net/ipv4/ip_forward")?;
    tools.words(&format!("{lab} address add {METADATA_ADDRESS}/32 dev lo"))?;
    tools.words(&format!("ip link add {HOST_LINK} type veth peer name host netns {NAMESPACE}"))?;
    tools.words(&format!("ip link set {HOST_LINK} addrgenmode none"))?;
    tools.words(&format!("ip address add {HOST_ADDRESS}/30 dev {HOST_LINK}"))?;
    tools.words(&format!("ip link set {HOST_LINK} up"))?;
    tools.words(&format!("{lab} address add {LAB_ADDRESS}/30 dev host"))?;
    tools.words(&format!("{lab} link set host up"))?;
    Ok(())
}

/// Lets the host itself reach an address of the lab, whether or not a machine has it yet: without a route of its own, a look at a
/// machine that is not there would leave the host by its default route.
pub fn route_from_host(tools: Tools<'_>, address: Ipv4Addr) -> Result<()> {
    tools.words(&format!("ip route replace {address}/32 via {LAB_ADDRESS} dev {HOST_LINK}")).map(|_| ())
}

/// Connects a machine: its namespace, its link, and the way to it.
pub fn connect(tools: Tools<'_>, instance_id: &str, address: Ipv4Addr) -> Result<()> {
    let (name, link) = (machine_namespace(instance_id), link(instance_id));
    let machine = format!("ip -n {name}");
    let lab = format!("ip -n {NAMESPACE}");
    if namespace::exists(&name) {
        disconnect(tools, instance_id, address)?;
    }
    tools.words(&format!("ip netns add {name}"))?;
    tools.words(&format!("{machine} link set lo up"))?;
    tools.words(&format!("{lab} link add {link} type veth peer name ens5 netns {name}"))?;
    tools.words(&format!("{lab} address add {GATEWAY}/32 dev {link}"))?;
    tools.words(&format!("{lab} link set {link} up"))?;
    tools.words(&format!("{machine} address add {address}/32 dev ens5"))?;
    tools.words(&format!("{machine} link set ens5 up"))?;
    tools.words(&format!("{machine} route add {GATEWAY}/32 dev ens5"))?;
    tools.words(&format!("{machine} route add default via {GATEWAY} dev ens5"))?;
    tools.words(&format!("{lab} route replace {address}/32 dev {link} src {LAB_ADDRESS}"))?;
    // The package proxy's answers take it.
    route_from_host(tools, address)
}

/// Cuts a machine off: packets to it are lost without an answer, as those to a machine without power are.
pub fn disconnect(tools: Tools<'_>, instance_id: &str, address: Ipv4Addr) -> Result<()> {
    let name = machine_namespace(instance_id);
    if namespace::exists(NAMESPACE) {
        tools.words(&format!("ip -n {NAMESPACE} route replace blackhole {address}/32"))?;
    }
    if namespace::exists(&name) {
        ensure!(namespace::kill_all(&name), "processes in {name} do not end");
        tools.words(&format!("ip netns delete {name}"))?;
    }
    // The link goes with its namespace, but later: machines that booted meanwhile hold copies of the namespace's mount.
    let link = link(instance_id);
    if tools.words(&format!("ip -n {NAMESPACE} link show {link}")).is_ok() {
        let _ = tools.words(&format!("ip -n {NAMESPACE} link delete {link}"));
    }
    Ok(())
}

/// Forgets an address that no machine will have again.
pub fn forget(tools: Tools<'_>, address: Ipv4Addr) -> Result<()> {
    let routes = tools.words(&format!("ip -n {NAMESPACE} route show {address}/32"))?;
    if routes.contains("blackhole") {
        tools.words(&format!("ip -n {NAMESPACE} route delete blackhole {address}/32"))?;
    }
    Ok(())
}

/// Gives the lab these addresses, where interface endpoints are, and no others.
pub fn keep_endpoints(tools: Tools<'_>, wanted: &BTreeSet<Ipv4Addr>) -> Result<()> {
    let there = tools.words(&format!("ip -n {NAMESPACE} -oneline -4 address show dev lo"))?;
    let there = own_addresses(&there);
    for address in wanted.difference(&there) {
        tools.words(&format!("ip -n {NAMESPACE} address add {address}/32 dev lo"))?;
    }
    for address in there.difference(wanted) {
        tools.words(&format!("ip -n {NAMESPACE} address delete {address}/32 dev lo"))?;
    }
    Ok(())
}

/// The addresses in what `ip -oneline address show dev lo` prints, but for those that the lab always has.
fn own_addresses(text: &str) -> BTreeSet<Ipv4Addr> {
    let addresses = text.lines().filter_map(|line| line.split_once(" inet ")?.1.split('/').next()?.parse().ok());
    addresses.filter(|address: &Ipv4Addr| !address.is_loopback() && address.to_string() != METADATA_ADDRESS).collect()
}

/// Takes every namespace of ours away, with every process in it; links and routes go with them.
pub fn destroy(tools: Tools<'_>) -> Result<()> {
    for name in namespace::with_prefix(PREFIX) {
        ensure!(namespace::kill_all(&name), "processes in the namespace {name} do not end");
        tools.words(&format!("ip netns delete {name}"))?;
    }
    // The other end goes with its namespace, but a moment later.
    if tools.words(&format!("ip link show {HOST_LINK}")).is_ok() {
        let _ = tools.words(&format!("ip link delete {HOST_LINK}"));
    }
    Ok(())
}

fn in_namespace(tools: Tools<'_>, script: &str) -> Result<()> {
    tools.run(&["ip", "netns", "exec", NAMESPACE, "sh", "-ec", script]).map(|_| ())
}

fn ipv6_is_absent() -> bool {
    !crate::system::files::exists("/proc/sys/net/ipv6".as_ref())
}

/// The lab's end of a machine's link; names of links end at 15 characters.
fn link(instance_id: &str) -> String {
    let digits = instance_id.trim_start_matches("i-");
    format!("m-{}", &digits[digits.len().saturating_sub(12)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoints_address_is_told_from_the_labs_own() {
        let text = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
                    1: lo    inet 169.254.169.254/32 scope global lo\\       valid_lft forever preferred_lft forever\n\
                    1: lo    inet 10.20.0.47/32 scope global lo\\       valid_lft forever preferred_lft forever\n";
        assert_eq!(own_addresses(text), BTreeSet::from([Ipv4Addr::new(10, 20, 0, 47)]));
    }
}
