//! The blueprint resolved: every machine with its name, zone, address, peers, ports, timers and sizes.
//!
//! Everything is computed from the blueprint alone, offline, so that all files can be complete before any machine exists.

mod addresses;
mod base;
pub mod check;
pub mod decision;
mod endpoint;
pub mod failover;
pub mod fixed;
pub mod flows;
pub mod kernel;
pub mod limits;
mod module;
pub mod perturb;
mod postgres;
pub mod quotas;
mod settings;
mod sizing;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde::Serialize;

use crate::blueprint::model::{self, Blueprint, Budget};
use crate::parameters;

pub use crate::blueprint::Partition;
pub use crate::blueprint::Peer;
pub use crate::blueprint::instance::InstanceType;
pub use crate::blueprint::model::{Access, Base, Database, Disk, Failover, Locale, Provider, State, User};
pub use crate::blueprint::regions;
pub use base::{Arch, BaseImage};
use decision::{Decision, Ledger};
pub use endpoint::{Endpoint, Scheme, Service};
use failover::{EtcdTiming, HealthCheck};
use fixed::Fixed;
use kernel::Kernel;
use limits::Limits;
pub use module::Module;

/// A cluster: the blueprint with nothing left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Prefix of every AWS name and host name.
    pub name: String,
    /// AWS region.
    pub region: String,
    /// The region's partition.
    pub partition: Partition,
    /// Addresses, and who may come from where.
    pub network: Network,
    /// What all images start from.
    pub base: BaseImage,
    /// Instance type that Packer builds on, where the blueprint names one.
    pub builder_instance_type: Option<String>,
    /// Subnet that Packer builds in, where the blueprint names one.
    pub builder_subnet_id: Option<String>,
    /// Days after which an image is said to be old.
    pub image_max_age_days: u32,
    /// PostgreSQL's version, settings, databases and users.
    pub postgres: Postgres,
    /// How the database machines' kernels share out memory and disk.
    pub kernel: Kernel,
    /// Master, slaves in their order, HAProxy.
    pub machines: Vec<Machine>,
    /// What HAProxy serves.
    pub haproxy: Haproxy,
    /// Patroni's timers.
    pub failover: Failover,
    /// Seconds that Patroni lets a crashed primary recover by itself before it fails over.
    pub primary_start_timeout: u32,
    /// etcd's timing.
    pub etcd: EtcdTiming,
    /// What a failover may cost, where the blueprint says so.
    pub budget: Budget,
    /// Rules that the blueprint accepts to break, by code, each with its reason.
    pub accepted: BTreeMap<&'static str, String>,
    /// What no blueprint can change.
    pub fixed: Fixed,
    /// Why its values are what they are.
    pub decisions: Arc<Vec<Decision>>,
    /// Every password of the cluster.
    pub secrets: Vec<Secret>,
    /// Tags on everything that is made: the blueprint's and [`CLUSTER_TAG`].
    pub tags: BTreeMap<String, String>,
    /// Where Terraform keeps its state.
    pub state: State,
    /// KMS key of disks, images and passwords; `None` is AWS's own for each service.
    pub kms_key_id: Option<String>,
}

/// The VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// All its addresses.
    pub cidr: Ipv4Net,
    /// Its id, where it exists already: nothing of it is changed.
    pub vpc_id: Option<String>,
    /// Whether Secrets Manager's endpoint is made; else the VPC has one, somewhere in `cidr`.
    pub makes_endpoint: bool,
    /// One subnet a zone, in the blueprint's order.
    pub subnets: Vec<Subnet>,
    /// Who may reach HAProxy's write and read ports.
    pub clients: Vec<Peer>,
    /// Who may reach SSH and the stats page from outside.
    pub admins: Vec<Peer>,
}

impl Network {
    /// Who may reach SSH of the machines that images are built on. Packer must be able to, by their public addresses, and nobody else
    /// knows where it runs: where no admin comes from a public address, all may, as by Packer's own default.
    pub fn builders(&self) -> Vec<Ipv4Net> {
        let public: Vec<Ipv4Net> = self.admins.iter().filter_map(Peer::range).filter(|net| !is_private(net)).collect();
        if public.is_empty() { vec![Ipv4Net::default()] } else { public }
    }
}

/// Whether packets from there arrive by VPN or peering only (RFC 1918, and RFC 6598, which VPN services hand out).
pub fn is_private(net: &Ipv4Net) -> bool {
    const SHARED: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);
    net.network().is_private() || SHARED.contains(&net.network())
}

/// A zone's subnet and the blocks in it that belong to a kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// Availability zone.
    pub zone: String,
    /// The subnet's id, where it exists already.
    pub id: Option<String>,
    /// The subnet's addresses.
    pub cidr: Ipv4Net,
    /// Where its database machines live, those of later included: `pg_hba.conf` names this.
    pub databases: Ipv4Net,
    /// Where HAProxy lives.
    pub haproxy: Ipv4Net,
    /// Where Secrets Manager's endpoint is, if one is made: the last address but one of HAProxy's block. The last may be the subnet's
    /// own last, which AWS keeps (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>).
    pub endpoint: Ipv4Addr,
}

/// The seat a machine is built for. Who leads PostgreSQL is Patroni's to say, never the role's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The first database machine: it starts as primary.
    Master,
    /// A database machine that starts as standby.
    Slave,
    /// The load balancer.
    Haproxy,
}

impl Role {
    /// Every role, in the order of the pipeline.
    pub const ALL: [Role; 3] = [Role::Master, Role::Slave, Role::Haproxy];

    /// The name that images, modules and files carry.
    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Slave => "slave",
            Role::Haproxy => "haproxy",
        }
    }
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// `master`, `slave1` …, `haproxy`.
    pub name: String,
    /// `<cluster>-<name>`: its host name and its AWS `Name`.
    pub hostname: String,
    /// Its seat.
    pub role: Role,
    /// Availability zone.
    pub zone: String,
    /// Fixed private address.
    pub address: Ipv4Addr,
    /// Whether it is a member of etcd.
    pub etcd: bool,
    /// EC2 instance type.
    pub instance_type: String,
    /// Processor architecture, by the instance type's family.
    pub arch: Arch,
    /// What that type has, where it is known or the blueprint says so.
    #[serde(skip)]
    pub instance: Option<InstanceType>,
    /// Root disk.
    #[serde(skip)]
    pub disk: Disk,
    /// Whether it gets an Elastic IP.
    pub elastic_ip: bool,
    /// EC2 key pair for SSH.
    pub key_name: Option<String>,
}

/// PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Major version.
    pub major: u16,
    /// Whether packages come from PGDG's apt repository: Patroni or this major is not the base's own.
    pub pgdg: bool,
    /// Whether machines set huge pages aside for shared memory.
    pub reserves_huge_pages: bool,
    /// Server settings, the blueprint's over pgherd's.
    pub settings: BTreeMap<String, String>,
    /// `max_connections` as it results.
    pub max_connections: u32,
    /// `superuser_reserved_connections` as it results, and `reserved_connections` (PostgreSQL 16 and later).
    pub reserved_connections: u32,
    /// Databases that exist from the start.
    pub databases: Vec<Database>,
    /// Login roles that exist from the start.
    pub users: Vec<User>,
    /// How text is stored and sorted where a database has no locale of its own.
    pub locale: Locale,
    /// Slots for clients of logical replication that Patroni carries over a failover: the name of each, and its database.
    pub logical_slots: BTreeMap<String, String>,
}

impl Postgres {
    /// The users that may connect to a database beside its owner, each with what it may do there.
    pub fn guests<'a>(&'a self, database: &'a str) -> impl Iterator<Item = (&'a str, Access)> {
        self.users.iter().filter_map(move |user| {
            let grant = user.grant.as_ref().filter(|grant| grant.databases.iter().any(|name| name == database))?;
            Some((user.name.as_str(), grant.access))
        })
    }

    /// Libraries that every session finds loaded, by their bare names.
    pub fn preloads(&self, library: &str) -> bool {
        let list = self.settings.get("shared_preload_libraries").map_or("", String::as_str);
        parameters::value::libraries(list).iter().any(|name| name == library)
    }

    /// Locales of the C library that an image makes, beside those that every image has.
    pub fn glibc_locales(&self) -> Vec<&str> {
        let own = self.databases.iter().filter_map(|database| database.locale.as_ref());
        let mut names: Vec<&str> = [&self.locale].into_iter().chain(own).map(Locale::of_the_c_library).collect();
        names.retain(|name| !["C", "C.UTF-8"].contains(name));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What HAProxy serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Haproxy {
    /// Port that leads to the primary.
    pub write_port: u16,
    /// Port that leads to the standbys.
    pub read_port: u16,
    /// Whether the primary takes its share of the reads.
    pub primary_serves_reads: bool,
    /// How it finds out who is primary and who is well.
    pub check: HealthCheck,
    /// How many connections it passes on.
    pub limits: Limits,
    /// The stats page.
    pub stats: model::Stats,
}

/// Who uses a password, and by that who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// The database machines read it at boot; Terraform makes it.
    Databases,
    /// HAProxy's machine reads it at boot; Terraform makes it.
    Haproxy,
    /// Applications and people read it. The machine that founds the cluster makes it and puts it into Secrets Manager; no
    /// machine can read it.
    Clients,
}

/// A password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Its name in AWS Secrets Manager.
    pub name: String,
    /// What it opens.
    pub description: String,
    /// Who uses it.
    pub reader: Reader,
}

/// The tag that everything of a cluster bears: its name and region. IAM's roles and copies of images know no region, so the name alone
/// would take those of a cluster of the same name in another region for its own.
pub const CLUSTER_TAG: &str = "pgherd:cluster";

impl Cluster {
    /// The value of [`CLUSTER_TAG`], such as `herd/eu-west-1`.
    pub fn tag(&self) -> &str {
        &self.tags[CLUSTER_TAG]
    }

    /// Returns the key of a module's state in an S3 bucket.
    pub fn state_key(&self, prefix: &str, module: Module) -> String {
        format!("{}/{}.tfstate", self.state_folder(prefix), module.name())
    }

    /// Returns what the keys of all states begin with. Name and region are in it: clusters of other names and regions may share the
    /// bucket.
    pub fn state_folder(&self, prefix: &str) -> String {
        let parts = [prefix.trim_matches('/'), &self.name, &self.region];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// The keys of a module's state in earlier versions: they had no region, and the default prefix ended with the cluster's name.
    pub fn former_state_keys(&self, module: Module) -> Vec<String> {
        let State::S3 { key_prefix, .. } = &self.state else { return vec![] };
        let module = module.name();
        let mut keys = vec![format!("{key_prefix}/{}/{module}.tfstate", self.name)];
        if key_prefix == "pgherd" {
            keys.push(format!("{key_prefix}/{0}/{0}/{module}.tfstate", self.name));
        }
        keys
    }

    /// Why a decision was made.
    ///
    /// # Panics
    /// If none has this name: a programming error.
    pub fn why(&self, name: &str) -> &'static str {
        let decision = self.decisions.iter().find(|decision| decision.name == name);
        decision.unwrap_or_else(|| panic!("nothing decides {name}")).why
    }

    /// Returns the AWS account that publishes the images that this cluster's are built from.
    ///
    /// # Panics
    /// If nobody publishes them there: validation has refused such a blueprint.
    pub fn image_owner(&self) -> &'static str {
        let owner = self.base.base.owner(self.partition);
        owner.unwrap_or_else(|| panic!("{} has no images in {}", self.base.base.name(), self.partition.name()))
    }

    /// Returns the name by which Secrets Manager is known in the cluster's region
    /// (<https://docs.aws.amazon.com/general/latest/gr/asm.html>).
    pub fn secrets_host(&self) -> String {
        format!("secretsmanager.{}.{}", self.region, self.partition.domain())
    }

    /// The database machines: master first, then the slaves.
    pub fn databases(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(|m| m.role != Role::Haproxy)
    }

    /// The slaves, in their order.
    pub fn slaves(&self) -> impl Iterator<Item = &Machine> {
        self.machines_of(Role::Slave)
    }

    /// The master.
    pub fn master(&self) -> &Machine {
        &self.machines[0]
    }

    /// Returns the machines of a role, in their order.
    pub fn machines_of(&self, role: Role) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(move |m| m.role == role)
    }

    /// Returns the load balancers.
    pub fn balancers(&self) -> impl Iterator<Item = &Machine> {
        self.machines_of(Role::Haproxy)
    }

    /// Returns the load balancer that clients and operators use where they can use only one.
    ///
    /// # Panics
    /// If there is none: [`resolve`] makes at least one.
    pub fn first_balancer(&self) -> &Machine {
        self.balancers().next().unwrap_or_else(|| panic!("{} has no load balancer", self.name))
    }

    /// The members of etcd.
    pub fn etcd_members(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(|m| m.etcd)
    }

    /// The roles that this cluster has machines of, in the order of the pipeline: a cluster without slaves has no slave image.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| self.machines.iter().any(|m| m.role == *role))
    }

    /// What every machine of a role is made of: the first one stands for all.
    pub fn machine_of(&self, role: Role) -> Option<&Machine> {
        self.machines.iter().find(|m| m.role == role)
    }
}

/// Resolves a validated blueprint. It cannot fail: what could has been refused by validation.
pub fn resolve(blueprint: &Blueprint) -> Cluster {
    let subnets = addresses::subnets(&blueprint.network);
    let machines = addresses::machines(blueprint, &subnets);
    let mut ledger = Ledger::default();
    let fixed = Fixed::DEFAULT;
    written::record(blueprint, &mut ledger);
    let network = Network {
        cidr: blueprint.network.cidr,
        vpc_id: blueprint.network.existing.as_ref().map(|vpc| vpc.vpc_id.clone()),
        makes_endpoint: blueprint.network.existing.as_ref().is_none_or(|vpc| vpc.secrets_endpoint),
        subnets,
        clients: blueprint.network.clients.clone().unwrap_or_else(|| vec![blueprint.network.cidr.into()]),
        admins: blueprint.network.admins.clone(),
    };
    addresses::record(&network, &machines, &mut ledger);
    let etcd = EtcdTiming::DEFAULT;
    let check = HealthCheck::DEFAULT;
    let members = machines.iter().filter(|m| m.etcd).count();
    let postgres = postgres::resolve(blueprint, &mut ledger);
    let kernel = kernel::resolve(&machines, &postgres, &mut ledger);
    let timers = failover::timers(blueprint, &postgres, members, etcd, check);
    let (failover, primary_start_timeout) = failover::resolve(blueprint, timers, &mut ledger);
    let haproxy = Haproxy {
        write_port: blueprint.haproxy.write_port,
        read_port: blueprint.haproxy.read_port,
        primary_serves_reads: blueprint.haproxy.primary_serves_reads,
        check,
        limits: Limits::new(
            postgres.max_connections,
            postgres.reserved_connections,
            blueprint.slave_count.into(),
            blueprint.haproxy.primary_serves_reads,
        ),
        stats: blueprint.haproxy.stats.clone(),
    };
    limits::record(&haproxy, &postgres, &mut ledger);
    fixed.record(&mut ledger);
    let mut tags = blueprint.tags.clone();
    tags.insert(CLUSTER_TAG.into(), format!("{}/{}", blueprint.name, blueprint.region));
    Cluster {
        name: blueprint.name.clone(),
        region: blueprint.region.clone(),
        partition: partition(blueprint),
        network,
        base: BaseImage::of(blueprint.image.base),
        builder_instance_type: blueprint.image.builder_instance_type.clone(),
        builder_subnet_id: blueprint.image.builder_subnet_id.clone(),
        image_max_age_days: blueprint.image.max_age_days,
        postgres,
        kernel,
        machines,
        haproxy,
        failover,
        primary_start_timeout,
        etcd,
        budget: blueprint.budget.clone(),
        accepted: blueprint.accepted.clone(),
        fixed,
        decisions: Arc::new(ledger.into_decisions()),
        secrets: secrets(blueprint),
        tags,
        state: blueprint.state.clone(),
        kms_key_id: blueprint.kms_key_id.clone(),
    }
}

fn partition(blueprint: &Blueprint) -> Partition {
    let partition = Partition::of(&blueprint.region);
    partition.unwrap_or_else(|| panic!("{} is in no partition that is known", blueprint.region))
}

fn secrets(blueprint: &Blueprint) -> Vec<Secret> {
    use Reader::*;
    let secret = |suffix: &str, description: &str, reader| Secret {
        name: format!("{}/{suffix}", blueprint.name),
        description: description.into(),
        reader,
    };
    let mut all = vec![
        secret("superuser", "PostgreSQL superuser postgres", Databases),
        secret("replication", "PostgreSQL replication user replicauser", Databases),
        secret("rewind", "PostgreSQL user rewind_user, for pg_rewind", Databases),
        secret("patroni-api", "Patroni REST API, user patroni", Databases),
        secret("stats", &format!("HAProxy stats page, user {}", blueprint.haproxy.stats.user), Haproxy),
    ];
    for user in &blueprint.postgres.users {
        let user = &user.name;
        all.push(secret(&format!("user/{user}"), &format!("PostgreSQL user {user}"), Clients));
    }
    all
}
