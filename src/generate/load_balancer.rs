//! The load balancer's script and configuration, in `load_balancer/`.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::ImageContent;
use super::machine::{self, SecretFile};
use super::templates::{add_fixed, add_rendered};
use crate::cluster::limits::Limits;
use crate::cluster::timing::HealthCheck;
use crate::cluster::{Cluster, Machine, Nlb};
use crate::fileset::{FileSet, Mode};

/// Adds the files of HAProxy's machine. Returns the content of its image.
pub fn add(cluster: &Cluster, common: &[String], etcd: &[String], files: &mut FileSet) -> ImageContent {
    let script = add_fixed(cluster, files, "load_balancer/haproxy_script.sh", Mode::Executable);
    let secrets = [("STATS_PASSWORD", "stats")];
    let file = SecretFile { path: "/run/pgherd/haproxy.env", owner: "root", secrets: &secrets };
    let mut content = vec![
        add_rendered(cluster, files, "load_balancer/haproxy.cfg", Config::of(cluster)),
        add_rendered(cluster, files, "load_balancer/servers.state", Config::of(cluster)),
        add_fixed(cluster, files, "load_balancer/haproxy_unit.conf", Mode::Plain),
        machine::add_secrets(cluster, files, "load_balancer/secrets.json", &file, None),
    ];
    content.extend_from_slice(common);
    if cluster.balancers().any(|machine| machine.etcd) {
        content.extend_from_slice(etcd);
    }
    ImageContent { role: "haproxy", script, files: content }
}

#[derive(Serialize)]
struct Config<'a> {
    cluster: &'a str,
    write_port: u16,
    read_port: u16,
    primary_serves_reads: bool,
    synchronous: bool,
    stats: StatsPage<'a>,
    databases: Vec<Server<'a>>,
    /// The members of etcd.
    etcd: Vec<Server<'a>>,
    /// How many machines run this configuration.
    haproxies: usize,
    /// Whether a network load balancer is in front of them.
    nlb: bool,
    limits: Limits,
    check: CheckTimers,
}

#[derive(Serialize)]
struct StatsPage<'a> {
    port: u16,
    path: &'a str,
    user: &'a str,
}

#[derive(Serialize)]
struct Server<'a> {
    name: &'a str,
    address: Ipv4Addr,
}

impl<'a> Server<'a> {
    fn of(machine: &'a Machine) -> Self {
        Server { name: &machine.name, address: machine.address }
    }
}

/// The timers of health checks, as HAProxy reads them.
#[derive(Serialize)]
struct CheckTimers {
    inter: String,
    fastinter: String,
    downinter: String,
    fall: u32,
    read_fall: u32,
    rise: u32,
}

impl CheckTimers {
    fn of(check: HealthCheck) -> Self {
        let time = |ms: u32| if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") };
        CheckTimers {
            inter: time(check.inter),
            fastinter: time(check.fastinter),
            downinter: time(check.downinter),
            fall: check.fall,
            read_fall: check.read_fall,
            rise: check.rise,
        }
    }
}

impl<'a> Config<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        let haproxy = &cluster.haproxy;
        Config {
            cluster: &cluster.name,
            write_port: haproxy.write_port,
            read_port: haproxy.read_port,
            primary_serves_reads: haproxy.primary_serves_reads,
            synchronous: cluster.failover.synchronous.is_on(),
            stats: StatsPage { port: haproxy.stats.port, path: &haproxy.stats.path, user: &haproxy.stats.user },
            databases: cluster.databases().map(Server::of).collect(),
            etcd: cluster.etcd_members().map(Server::of).collect(),
            haproxies: cluster.balancers().count(),
            nlb: cluster.blueprint.haproxy.nlb != Nlb::Off,
            limits: haproxy.limits,
            check: CheckTimers::of(haproxy.check),
        }
    }
}
