//! `README.md` of a cluster: its picture, machines and ports, how to use it, and where its state is.

use serde::Serialize;

use super::{rotate, templates};
use crate::cluster::fault::{Fault, nlb_down, predict, seconds};
use crate::cluster::flows::{Party, flows};
use crate::cluster::timing::Timers;
use crate::cluster::{Cluster, Machine, Module, Nlb, Peer, Role, Service, State};
use crate::fileset::FileSet;

/// What the templates of `README.md` and `RUNBOOK.md` know of a cluster.
#[derive(Serialize)]
pub(super) struct ReadmeContext<'a> {
    name: &'a str,
    region: &'a str,
    major: u16,
    synchronous: bool,
    /// Whether commits wait even while there is no standby.
    strict: bool,
    etcd: String,
    clients: String,
    admins: String,
    /// From where Packer's temporary builders accept SSH.
    builders: String,
    logs_in: bool,
    ssh_user: &'a str,
    cidr: String,
    vpc_id: Option<&'a str>,
    makes_endpoint: bool,
    zones: Vec<Zone<'a>>,
    machines: Vec<&'a Machine>,
    slaves: usize,
    slave_names: Vec<&'a str>,
    haproxies: Vec<&'a Machine>,
    /// What the read port leads to.
    reads: &'static str,
    /// The addresses of all HAProxies, as libpq takes them.
    haproxy_hosts: String,
    /// What libpq's connection string sets beside host, port, user and database.
    libpq_settings: String,
    /// The same with their write ports, and with their read ports.
    write_hosts: String,
    read_hosts: String,
    haproxy_address: String,
    haproxy_elastic_ip: bool,
    /// Whether there is a network load balancer.
    has_nlb: bool,
    /// Whether it has public addresses.
    is_nlb_public: bool,
    /// Seconds until it sends no more connections to a HAProxy that is lost.
    nlb_down: u32,
    /// How long clients of a HAProxy whose machine is lost wait at worst, where they know another.
    lost_haproxy: String,
    databases_elastic_ip: bool,
    postgres_port: u16,
    write_port: u16,
    read_port: u16,
    primary_serves_reads: bool,
    stats_port: u16,
    /// The admin port's URL, without a path.
    stats_url: String,
    stats_path: &'a str,
    stats_user: &'a str,
    users: Vec<&'a str>,
    database: &'a str,
    roles: Vec<&'static str>,
    /// The role of the load balancers.
    balancer: Role,
    /// The folders of the modules that make machines.
    modules: Vec<&'static str>,
    all_modules: Vec<&'static str>,
    /// Where each module's state is in S3; empty if states are files beside the modules.
    states: Vec<StateObject>,
    logical_slots: Vec<Slot<'a>>,
    ports: Vec<PortRow>,
}

/// A module's state in S3.
#[derive(Serialize)]
struct StateObject {
    module: &'static str,
    place: String,
}

/// A slot of logical replication.
#[derive(Serialize)]
struct Slot<'a> {
    name: &'a str,
    database: &'a str,
    /// The database's owner.
    owner: &'a str,
}

#[derive(Serialize)]
struct Zone<'a> {
    id: String,
    name: &'a str,
    cidr: String,
    machines: Vec<&'a Machine>,
}

/// A port of one kind of machine, with every flow that ends there.
#[derive(Serialize)]
struct PortRow {
    on: String,
    port: u16,
    what: Vec<&'static str>,
    from: Vec<String>,
    auth: Vec<&'static str>,
}

/// Adds `README.md`.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    templates::add_rendered(cluster, files, "README.md", context(cluster));
}

/// Returns what the templates know of a cluster.
pub(super) fn context(cluster: &Cluster) -> ReadmeContext<'_> {
    let zone = |subnet: &'_ crate::cluster::Subnet| subnet.zone.replace('-', "_");
    let postgres = &cluster.postgres;
    let users: Vec<&str> = postgres.users.iter().map(|user| user.name.as_str()).collect();
    let database = users.first().and_then(|user| rotate::opened_by(postgres, user)).unwrap_or("DATABASE");
    let hosts = |shown: &dyn Fn(String) -> String| -> String {
        cluster.balancers().map(|m| shown(m.address.to_string())).collect::<Vec<_>>().join(",")
    };
    let modules: Vec<Module> = cluster.roles().map(Module::of).collect();
    ReadmeContext {
        name: &cluster.name,
        region: &cluster.region,
        major: cluster.postgres.major,
        synchronous: cluster.failover.synchronous.is_on(),
        strict: cluster.failover.synchronous.is_strict(),
        etcd: (cluster.etcd_members())
            .map(|machine| cluster.endpoint_on(Service::EtcdClient, machine).to_string())
            .collect::<Vec<_>>()
            .join(","),
        clients: join(&cluster.network.clients),
        admins: join(&cluster.network.admins),
        builders: sources(cluster),
        logs_in: !cluster.network.admins.is_empty() && cluster.machines.iter().any(|m| m.block.key_name.is_some()),
        ssh_user: cluster.base.ssh_user,
        cidr: cluster.network.cidr.to_string(),
        vpc_id: cluster.network.vpc_id.as_deref(),
        makes_endpoint: cluster.network.makes_endpoint,
        zones: (cluster.network.subnets.iter())
            .map(|subnet| Zone {
                id: zone(subnet),
                name: &subnet.zone,
                cidr: subnet.cidr.to_string(),
                machines: cluster.machines.iter().filter(|m| m.zone == subnet.zone).collect(),
            })
            .filter(|zone| !zone.machines.is_empty())
            .collect(),
        machines: cluster.machines.iter().collect(),
        slaves: cluster.slaves().count(),
        slave_names: cluster.slaves().map(|m| m.name.as_str()).collect(),
        haproxies: cluster.balancers().collect(),
        reads: match (cluster.slaves().count(), cluster.haproxy.primary_serves_reads) {
            (0, _) => "the primary, too",
            (_, true) => "any database",
            (_, false) => "the standbys",
        },
        haproxy_hosts: hosts(&|address| address),
        libpq_settings: cluster.libpq_settings(),
        write_hosts: hosts(&|address| format!("{address}:{}", cluster.haproxy.write_port)),
        read_hosts: hosts(&|address| format!("{address}:{}", cluster.haproxy.read_port)),
        haproxy_address: cluster.write_endpoint().host,
        has_nlb: cluster.nlb_name().is_some(),
        is_nlb_public: cluster.blueprint.haproxy.nlb == Nlb::Public,
        nlb_down: nlb_down(&cluster.fixed.nlb).iter().map(|term| term.ms).sum::<u32>() / 1000,
        lost_haproxy: seconds(predict(&Timers::of(cluster), Fault::HaproxyMachine).bound().unwrap_or_default()),
        haproxy_elastic_ip: cluster.balancers().any(|m| m.block.elastic_ip),
        databases_elastic_ip: cluster.machines.iter().any(|m| m.role != Role::Haproxy && m.block.elastic_ip),
        postgres_port: cluster.fixed.port.postgres,
        write_port: cluster.haproxy.write_port,
        read_port: cluster.haproxy.read_port,
        primary_serves_reads: cluster.haproxy.primary_serves_reads,
        stats_port: cluster.haproxy.stats.port,
        stats_url: cluster.admin_endpoint().to_string(),
        stats_path: &cluster.haproxy.stats.path,
        stats_user: &cluster.haproxy.stats.user,
        users,
        database,
        roles: cluster.roles().map(Role::name).collect(),
        balancer: Role::Haproxy,
        modules: modules.iter().map(|module| module.folder()).collect(),
        all_modules: [Module::Network].iter().chain(&modules).map(|module| module.folder()).collect(),
        states: [Module::Network].iter().chain(&modules).filter_map(|module| state(cluster, *module)).collect(),
        logical_slots: slots(cluster),
        ports: listening(cluster),
    }
}

/// Returns from where Packer's builders accept SSH, for people.
fn sources(cluster: &Cluster) -> String {
    let ranges: Vec<String> = cluster.network.builders().iter().map(ToString::to_string).collect();
    ranges.join(", ")
}

fn state(cluster: &Cluster, module: Module) -> Option<StateObject> {
    let State::S3 { bucket, key_prefix, .. } = &cluster.blueprint.state else { return None };
    let place = format!("s3://{bucket}/{}", cluster.state_key(key_prefix, module));
    Some(StateObject { module: module.folder(), place })
}

fn slots(cluster: &Cluster) -> Vec<Slot<'_>> {
    let postgres = &cluster.postgres;
    let owner = |name: &str| postgres.databases.iter().find(|database| database.name == name).map(|d| d.owner.as_str());
    let slots = postgres.logical_slots.iter();
    slots.filter_map(|(name, database)| Some(Slot { name, database, owner: owner(database)? })).collect()
}

fn listening(cluster: &Cluster) -> Vec<PortRow> {
    let mut all: Vec<PortRow> = vec![];
    for flow in flows(cluster) {
        let on = party(cluster, flow.to);
        let at = all.iter().position(|p| p.on == on && p.port == flow.port).unwrap_or(all.len());
        if at == all.len() {
            all.push(PortRow { on, port: flow.port, what: vec![], from: vec![], auth: vec![] });
        }
        let row = &mut all[at];
        let from = party(cluster, flow.from);
        if !row.what.contains(&flow.purpose) {
            row.what.push(flow.purpose);
        }
        if !row.from.contains(&from) {
            row.from.push(from);
        }
        if !row.auth.contains(&flow.auth) {
            row.auth.push(flow.auth);
        }
    }
    all
}

fn party(cluster: &Cluster, party: Party) -> String {
    match party {
        Party::Clients => join(&cluster.network.clients),
        Party::Admins => join(&cluster.network.admins),
        Party::Network => cluster.network.cidr.to_string(),
        Party::Databases => "databases".into(),
        Party::Haproxy => "HAProxy".into(),
        Party::Nlb => "the network load balancer".into(),
        Party::EtcdMembers => "etcd members".into(),
        Party::SecretsEndpoint if !cluster.network.makes_endpoint => {
            format!("Secrets Manager's endpoint, which the VPC has in {}", cluster.network.cidr)
        }
        Party::SecretsEndpoint => "Secrets Manager's endpoint".into(),
    }
}

fn join(peers: &[Peer]) -> String {
    peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
