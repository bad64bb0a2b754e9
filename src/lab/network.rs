//! The lab's network, which is routed and has no way out.
//!
//! ```text
//! host 198.18.77.1 -- 198.18.77.2 [pgherd-lab: moto, packer, terraform] 169.254.0.1 -- <private_ip>/32 [pgherd-<instance id>]
//!                                                                        169.254.0.1 -- <private_ip>/32 [pgherd-<instance id>]
//! ```
//!
//! The addresses of network load balancers have namespaces like machines, `pgherd-nlb-<address>`, where `balancer` runs HAProxy.
//! The lab itself has the addresses of interface endpoints. There moto serves what Secrets Manager serves in a VPC.
//!
//! The namespace `pgherd-lab` forwards between machines and to the host's end of its link. It has no other route, so a packet to
//! an outside address fails with "network unreachable" where it starts. `firewall` enforces security groups there. The host's own configuration does not change: no
//! firewall rule, no sysctl, no bridge. Everything disappears with its namespace.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Result, ensure};

use super::tool::HostTools;
use crate::cluster::fault::Traffic;
use crate::system::files;
use crate::system::host::namespace;

/// Prefix of the names of the lab's namespaces.
pub const PREFIX: &str = "pgherd-";
/// The namespace in which moto, packer and terraform run.
pub const NAMESPACE: &str = "pgherd-lab";
/// The host's link into it.
pub const HOST_LINK: &str = "pgherd0";
/// The host's address on the link, from the range for tests of network devices (RFC 2544), which no network uses.
pub const HOST_ADDRESS: &str = "198.18.77.1";
/// The lab's address on the link.
pub const LAB_ADDRESS: &str = "198.18.77.2";
/// Every machine's gateway, on the lab's end of each machine's link.
const GATEWAY: &str = "169.254.0.1";
/// The address at which EC2 serves instance metadata.
pub const METADATA_ADDRESS: &str = "169.254.169.254";

/// Returns a machine's namespace.
pub fn machine_namespace(instance_id: &str) -> String {
    format!("{PREFIX}{instance_id}")
}

/// Makes the lab's own namespace and the host's link into it.
pub fn create(tools: HostTools<'_>) -> Result<()> {
    let lab = format!("ip -n {NAMESPACE}");
    tools.words(&format!("ip netns add {NAMESPACE}"))?;
    tools.words(&format!("{lab} link set lo up"))?;
    // With IPv6, each link would get an address by itself, and a machine could reach the lab without a route.
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

/// Routes an address of the lab from the host, even if no machine has it yet. Otherwise a packet to a machine that does not exist
/// would leave the host by its default route.
pub fn route_from_host(tools: HostTools<'_>, address: Ipv4Addr) -> Result<()> {
    tools.words(&format!("ip route replace {address}/32 via {LAB_ADDRESS} dev {HOST_LINK}")).map(|_| ())
}

/// Connects a machine: makes its namespace, its link and the routes to it.
pub fn connect(tools: HostTools<'_>, instance_id: &str, address: Ipv4Addr) -> Result<()> {
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
    // Replies of the package proxy need this route.
    route_from_host(tools, address)
}

/// Loads a machine's own settings of the kernel's network, if it has any. A container may not do so itself.
pub fn tune(tools: HostTools<'_>, instance_id: &str, settings: &Path) -> Result<()> {
    if !files::exists(settings) {
        return Ok(());
    }
    let name = machine_namespace(instance_id);
    let load = format!("--load={}", settings.display());
    tools.run(&["ip", "netns", "exec", &name, "sysctl", "--quiet", "--ignore", "--pattern=^-?net\\.", &load]).map(drop)
}

/// Takes a machine off the network at once and silently: nothing reaches it, and nothing that its dying processes send gets out.
pub fn unplug(tools: HostTools<'_>, instance_id: &str, address: Ipv4Addr) -> Result<()> {
    if namespace::exists(NAMESPACE) {
        // The route first: without one, the lab would tell the senders that the machine is unreachable.
        tools.words(&format!("ip -n {NAMESPACE} route replace blackhole {address}/32"))?;
        let link = link(instance_id);
        if tools.words(&format!("ip -n {NAMESPACE} link show {link}")).is_ok() {
            tools.words(&format!("ip -n {NAMESPACE} link set {link} down"))?;
        }
    }
    Ok(())
}

/// Drops this traffic between a machine and its peers, or all others if there are no peers, until [`mend`]. The machine itself notices
/// nothing, as if a cable far away were cut.
pub fn cut(tools: HostTools<'_>, instance_id: &str, traffic: Traffic, peers: &[Ipv4Addr]) -> Result<()> {
    apply(tools, &disturbed(instance_id, traffic, peers, "drop"))
}

/// Loses this percentage of the packets that a machine sends and receives, until [`mend`].
pub fn lose(tools: HostTools<'_>, instance_id: &str, percent: u32) -> Result<()> {
    let verdict = format!("numgen random mod 100 < {percent} drop");
    apply(tools, &disturbed(instance_id, Traffic::All, &[], &verdict))
}

fn apply(tools: HostTools<'_>, rules: &str) -> Result<()> {
    tools.run(&["ip", "netns", "exec", NAMESPACE, "nft", rules]).map(drop)
}

/// The ports of etcd's clients and of its members.
const ETCD_PORTS: &str = "2379-2380";

/// Returns the rules that do this to a machine's traffic, in a table of their own.
fn disturbed(instance_id: &str, traffic: Traffic, peers: &[Ipv4Addr], verdict: &str) -> String {
    let (table, link) = (cut_table(instance_id), link(instance_id));
    let ports = match traffic {
        Traffic::Etcd => ["sport", "dport"].map(|side| format!("tcp {side} {{ {ETCD_PORTS} }} ")).to_vec(),
        _ => vec![String::new()],
    };
    let peers: Vec<String> = peers.iter().map(Ipv4Addr::to_string).collect();
    let peers = peers.join(", ");
    let mut rules = format!("add table inet {table}\ndelete table inet {table}\nadd table inet {table}\n");
    // What the machine sends comes in by the lab's end of its link, and what it receives goes out there.
    for (hook, sides) in [("input", &["iif"][..]), ("output", &["oif"]), ("forward", &["iif", "oif"])] {
        rules += &format!("add chain inet {table} {hook} {{ type filter hook {hook} priority -300; }}\n");
        for side in sides {
            let (peer, is_meant) = match *side {
                "iif" => ("daddr", traffic != Traffic::Inbound),
                _ => ("saddr", traffic != Traffic::Outbound),
            };
            let with = if peers.is_empty() { String::new() } else { format!("ip {peer} {{ {peers} }} ") };
            for ports in ports.iter().filter(|_| is_meant) {
                rules += &format!("add rule inet {table} {hook} {side}name \"{link}\" {with}{ports}{verdict}\n");
            }
        }
    }
    rules
}

/// Undoes [`cut`] and [`lose`].
pub fn mend(tools: HostTools<'_>, instance_id: &str) -> Result<()> {
    let table = cut_table(instance_id);
    // Added first, so that deleting a table that is not there is no error.
    let rules = format!("add table inet {table}\ndelete table inet {table}\n");
    tools.run(&["ip", "netns", "exec", NAMESPACE, "nft", &rules]).map(drop)
}

/// Returns the name of the table of rules that cut a machine off.
fn cut_table(instance_id: &str) -> String {
    format!("cut_{}", instance_id.replace('-', "_"))
}

/// Disconnects a machine. Packets to it are lost silently, as if it had no power.
pub fn disconnect(tools: HostTools<'_>, instance_id: &str, address: Ipv4Addr) -> Result<()> {
    let name = machine_namespace(instance_id);
    if namespace::exists(NAMESPACE) {
        tools.words(&format!("ip -n {NAMESPACE} route replace blackhole {address}/32"))?;
    }
    if namespace::exists(&name) {
        ensure!(namespace::kill_all(&name), "cannot end the processes in {name}");
        tools.words(&format!("ip netns delete {name}"))?;
    }
    // The link disappears with its namespace, but later: machines that booted meanwhile hold copies of the namespace's mount.
    let link = link(instance_id);
    if tools.words(&format!("ip -n {NAMESPACE} link show {link}")).is_ok() {
        let _ = tools.words(&format!("ip -n {NAMESPACE} link delete {link}"));
    }
    Ok(())
}

/// Removes the route of an address that no machine will have again.
pub fn forget(tools: HostTools<'_>, address: Ipv4Addr) -> Result<()> {
    let routes = tools.words(&format!("ip -n {NAMESPACE} route show {address}/32"))?;
    if routes.contains("blackhole") {
        tools.words(&format!("ip -n {NAMESPACE} route delete blackhole {address}/32"))?;
    }
    Ok(())
}

/// Gives the lab exactly these addresses of interface endpoints.
pub fn keep_endpoints(tools: HostTools<'_>, wanted: &BTreeSet<Ipv4Addr>) -> Result<()> {
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

/// Returns the addresses in the output of `ip -oneline address show dev lo`, without those that the lab always has.
fn own_addresses(text: &str) -> BTreeSet<Ipv4Addr> {
    let addresses = text.lines().filter_map(|line| line.split_once(" inet ")?.1.split('/').next()?.parse().ok());
    addresses.filter(|address: &Ipv4Addr| !address.is_loopback() && address.to_string() != METADATA_ADDRESS).collect()
}

/// Removes all namespaces of the lab with their processes, links and routes.
pub fn destroy(tools: HostTools<'_>) -> Result<()> {
    for name in namespace::with_prefix(PREFIX) {
        ensure!(namespace::kill_all(&name), "cannot end the processes in the namespace {name}");
        tools.words(&format!("ip netns delete {name}"))?;
    }
    // The other end disappears with its namespace, but a moment later.
    if tools.words(&format!("ip link show {HOST_LINK}")).is_ok() {
        let _ = tools.words(&format!("ip link delete {HOST_LINK}"));
    }
    Ok(())
}

fn in_namespace(tools: HostTools<'_>, script: &str) -> Result<()> {
    tools.run(&["ip", "netns", "exec", NAMESPACE, "sh", "-ec", script]).map(|_| ())
}

fn ipv6_is_absent() -> bool {
    !crate::system::files::exists("/proc/sys/net/ipv6".as_ref())
}

/// Returns the name of the lab's end of a machine's link. Linux limits names of links to 15 characters.
fn link(instance_id: &str) -> String {
    let digits = instance_id.trim_start_matches("i-");
    format!("m-{}", &digits[digits.len().saturating_sub(12)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(traffic: Traffic, peers: &[Ipv4Addr]) -> Vec<String> {
        let all = disturbed("i-1", traffic, peers, "drop");
        let of = |line: &str| line.strip_prefix("add rule inet cut_i_1 ").map(String::from);
        all.lines().filter_map(of).collect()
    }

    #[test]
    fn a_cut_drops_only_its_traffic() {
        assert_eq!(rules(Traffic::All, &[]).len(), 4);
        let inbound = ["output oifname \"m-1\" drop", "forward oifname \"m-1\" drop"];
        assert_eq!(rules(Traffic::Inbound, &[]), inbound);
        let outbound = ["input iifname \"m-1\" drop", "forward iifname \"m-1\" drop"];
        assert_eq!(rules(Traffic::Outbound, &[]), outbound);
        let both = rules(Traffic::All, &[Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
        assert_eq!(both[2], "forward iifname \"m-1\" ip daddr { 10.0.0.1, 10.0.0.2 } drop");
        assert_eq!(both[3], "forward oifname \"m-1\" ip saddr { 10.0.0.1, 10.0.0.2 } drop");
        assert!(rules(Traffic::Etcd, &[]).iter().all(|rule| rule.contains("port { 2379-2380 } drop")));
        assert_eq!(rules(Traffic::Etcd, &[]).len(), 8);
    }

    #[test]
    fn an_endpoints_address_is_told_from_the_labs_own() {
        let text = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
                    1: lo    inet 169.254.169.254/32 scope global lo\\       valid_lft forever preferred_lft forever\n\
                    1: lo    inet 10.20.0.47/32 scope global lo\\       valid_lft forever preferred_lft forever\n";
        assert_eq!(own_addresses(text), BTreeSet::from([Ipv4Addr::new(10, 20, 0, 47)]));
    }
}
