//! The cluster's own README: its picture, its machines and ports, the commands.

use serde::Serialize;

use super::templates;
use crate::cluster::{Cluster, Machine, Role, ports};
use crate::fileset::{FileSet, Mode};

#[derive(Serialize)]
struct Context<'a> {
    name: &'a str,
    region: &'a str,
    major: u16,
    synchronous: bool,
    ttl: u32,
    network: String,
    clients: String,
    admins: String,
    zones: Vec<Zone<'a>>,
    machines: Vec<Row<'a>>,
    slaves: usize,
    slave_names: Vec<&'a str>,
    haproxy_address: String,
    etcd_on_haproxy: bool,
    write_port: u16,
    read_port: u16,
    primary_serves_reads: bool,
    stats_port: u16,
    stats_path: &'a str,
    stats_user: &'a str,
    users: &'a [String],
    database: &'a str,
    roles: Vec<&'static str>,
    modules: Vec<&'static str>,
    ports: Ports,
}

#[derive(Serialize)]
struct Zone<'a> {
    id: String,
    name: &'a str,
    cidr: String,
    machines: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    machine: &'a Machine,
    disk: String,
}

#[derive(Serialize)]
struct Ports {
    postgres: u16,
    patroni: u16,
    etcd_client: u16,
    etcd_peer: u16,
    ssh: u16,
}

/// Adds `README.md`.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    files.add("README.md", Mode::Plain, templates::render("README.md.j2", &context(cluster)));
}

fn context(cluster: &Cluster) -> Context<'_> {
    let join = |cidrs: &[ipnet::Ipv4Net]| cidrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let zone = |subnet: &'_ crate::cluster::Subnet| subnet.zone.replace('-', "_");
    let users = &cluster.postgres.users;
    let mine = |user: &String| cluster.postgres.databases.iter().find(|d| d.owner == *user);
    Context {
        name: &cluster.name,
        region: &cluster.region,
        major: cluster.postgres.major,
        synchronous: cluster.failover.synchronous,
        ttl: cluster.failover.ttl,
        network: cluster.network.cidr.to_string(),
        clients: join(&cluster.network.clients),
        admins: join(&cluster.network.admins),
        zones: (cluster.network.subnets.iter())
            .map(|subnet| Zone {
                id: zone(subnet),
                name: &subnet.zone,
                cidr: subnet.cidr.to_string(),
                machines: cluster.machines.iter().filter(|m| m.zone == subnet.zone).map(row).collect(),
            })
            .filter(|zone| !zone.machines.is_empty())
            .collect(),
        machines: cluster.machines.iter().map(row).collect(),
        slaves: cluster.slaves().count(),
        slave_names: cluster.slaves().map(|m| m.name.as_str()).collect(),
        haproxy_address: cluster.haproxy_machine().address.to_string(),
        etcd_on_haproxy: cluster.haproxy_machine().etcd,
        write_port: cluster.haproxy.write_port,
        read_port: cluster.haproxy.read_port,
        primary_serves_reads: cluster.haproxy.primary_serves_reads,
        stats_port: cluster.haproxy.stats.port,
        stats_path: &cluster.haproxy.stats.path,
        stats_user: &cluster.haproxy.stats.user,
        users,
        database: users.first().and_then(mine).map_or("postgres", |d| &d.name),
        roles: cluster.roles().map(Role::name).collect(),
        modules: cluster.roles().map(Role::module).collect(),
        ports: Ports {
            postgres: ports::POSTGRES,
            patroni: ports::PATRONI,
            etcd_client: ports::ETCD_CLIENT,
            etcd_peer: ports::ETCD_PEER,
            ssh: ports::SSH,
        },
    }
}

fn row(machine: &Machine) -> Row<'_> {
    let disk = machine.disk;
    Row { machine, disk: format!("{} GiB gp3, {} IOPS, {} MiB/s", disk.size, disk.iops, disk.throughput) }
}
