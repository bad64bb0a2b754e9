//! Plays network load balancers: one HAProxy, in a network of its own, for each of their addresses.
//!
//! Each follows the listeners, target groups and checks that the API has. Like AWS's, it sends connections to healthy targets, closes
//! the sessions of a target that becomes unhealthy, and uses all targets if none is healthy. Unlike AWS's, it opens connections from its own
//! address: targets do not see the client's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Result;

use super::ec2::Interface;
use super::elb::{BalancedPort, NetworkLoadBalancer};
use super::network::NAMESPACE;
use super::tool::HostTools;
use super::{daemons, network, paths, store};
use crate::system::files;
use crate::system::host::daemon::Process;

/// Files that `ip netns exec` puts over those in `/etc`, by namespace.
const NETNS_ETC: &str = "/etc/netns";

/// Makes the load balancers as the API has them.
pub fn keep(tools: HostTools<'_>, balancers: &[NetworkLoadBalancer], interfaces: &[Interface]) -> Result<()> {
    let of = |interface: &Interface| balancers.iter().find(|one| interface.balancer.as_ref() == Some(&one.id));
    let nodes = interfaces.iter().filter_map(|interface| Some((interface.address, of(interface)?)));
    let nodes: BTreeMap<Ipv4Addr, &NetworkLoadBalancer> = nodes.collect();
    for address in there()?.into_iter().filter(|address| !nodes.contains_key(address)) {
        remove(tools, address)?;
    }
    for (address, balancer) in &nodes {
        // HAProxy does not start without a listener.
        if !balancer.listeners.is_empty() {
            keep_node(tools, *address, &config(*address, &balancer.listeners))?;
        }
    }
    keep_names(&nodes)
}

fn keep_node(tools: HostTools<'_>, address: Ipv4Addr, config: &str) -> Result<()> {
    let (file, daemon) = (file(address), daemon(address));
    let is_known = files::read_text(&file)?.as_deref() == Some(config);
    if is_known && daemons::is_alive(&daemon) {
        return Ok(());
    }
    files::make_dirs(&dir())?;
    files::write(&file, config.as_bytes())?;
    match store::load::<Process>(&paths::daemon(&daemon))?.filter(Process::is_alive) {
        // The master process starts another worker. The old one keeps its sessions.
        Some(master) => tools.words(&format!("kill -USR2 {}", master.pid)).map(drop),
        None => {
            network::connect(tools, &id(address), address)?;
            let namespace = network::machine_namespace(&id(address));
            let argv = ["ip", "netns", "exec", &namespace, "haproxy", "-W", "-f", &file.display().to_string()];
            daemons::start(&daemon, &argv.map(str::to_string), &tools.context.env)
        }
    }
}

fn remove(tools: HostTools<'_>, address: Ipv4Addr) -> Result<()> {
    network::disconnect(tools, &id(address), address)?;
    network::forget(tools, address)?;
    files::remove(&paths::daemon(&daemon(address)))?;
    Ok(files::remove(&file(address))?)
}

/// Gives the lab's own namespace, where `pgherd lab shell` runs, the names of the load balancers.
fn keep_names(nodes: &BTreeMap<Ipv4Addr, &NetworkLoadBalancer>) -> Result<()> {
    if nodes.is_empty() {
        return forget_names();
    }
    let mut text = files::read_text("/etc/hosts".as_ref())?.unwrap_or_default();
    for (address, balancer) in nodes {
        text += &format!("{address} {}\n", balancer.dns_name);
    }
    let dir = PathBuf::from(NETNS_ETC).join(NAMESPACE);
    let hosts = dir.join("hosts");
    if files::read_text(&hosts)?.as_deref() != Some(&text) {
        files::make_dirs(&dir)?;
        files::write(&hosts, text.as_bytes())?;
    }
    Ok(())
}

/// Removes the names.
pub fn forget_names() -> Result<()> {
    let dir = PathBuf::from(NETNS_ETC).join(NAMESPACE);
    files::remove(&dir.join("hosts"))?;
    files::remove_empty_dir(&dir);
    files::remove_empty_dir(NETNS_ETC.as_ref());
    Ok(())
}

/// Returns the addresses that have a HAProxy, or had one when the lab last looked.
fn there() -> Result<BTreeSet<Ipv4Addr>> {
    if !files::exists(&dir()) {
        return Ok(BTreeSet::new());
    }
    let names = files::list(&dir())?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".cfg")?.parse().ok()).collect())
}

/// Takes the place of an instance id in the names of the namespace and its link.
fn id(address: Ipv4Addr) -> String {
    format!("nlb-{address}")
}

fn daemon(address: Ipv4Addr) -> String {
    id(address)
}

fn dir() -> PathBuf {
    paths::state().join("balancers")
}

fn file(address: Ipv4Addr) -> PathBuf {
    dir().join(format!("{address}.cfg"))
}

/// Returns HAProxy's configuration for one address of a load balancer.
fn config(address: Ipv4Addr, listeners: &[BalancedPort]) -> String {
    // Keepalives of the target's HAProxy end here, so nothing but the end of a session may end it.
    let mut text = String::from(
        "global\n    log stderr format raw daemon info\ndefaults\n    log global\n    mode tcp\n    retries 0\n    timeout client 24h\n    timeout server 24h\n",
    );
    for BalancedPort { port, check, targets } in listeners {
        // HAProxy's timeout of checks begins when they are connected. The timeout of connections bounds the time before.
        let servers: Vec<String> = targets.iter().map(ToString::to_string).collect();
        text += &format!(
            "listen {port}\n    bind {address}:{port}\n    balance roundrobin\n    option httpchk GET {}\n    http-check expect rstatus ^[23]\n    \
             timeout connect {}s\n    timeout check {}s\n    default-server port {} inter {}s fall {} rise {} on-marked-down shutdown-sessions\n",
            check.path, check.timeout, check.timeout, check.port, check.interval, check.unhealthy, check.healthy
        );
        text.extend(servers.iter().map(|server| format!("    server {server} {server} check\n")));
        // If all targets are unhealthy, all of them are used.
        text += "    option allbackups\n";
        text.extend(servers.iter().map(|server| format!("    server open-{server} {server} backup\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::elb::TargetCheck;

    #[test]
    fn a_target_is_checked_as_its_group_says() {
        let path = "/health".to_string();
        let check = TargetCheck { port: 7000, path, interval: 5, timeout: 2, healthy: 3, unhealthy: 2 };
        let targets = vec!["10.20.0.32:5000".parse().unwrap()];
        let text = config(Ipv4Addr::new(10, 20, 0, 4), &[BalancedPort { port: 5000, check, targets }]);
        for line in [
            "    bind 10.20.0.4:5000\n",
            "    option httpchk GET /health\n",
            "    timeout connect 2s\n    timeout check 2s\n",
            "    default-server port 7000 inter 5s fall 2 rise 3 on-marked-down shutdown-sessions\n",
            "    server 10.20.0.32:5000 10.20.0.32:5000 check\n",
            "    server open-10.20.0.32:5000 10.20.0.32:5000 backup\n",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
