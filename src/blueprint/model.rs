//! The blueprint as validated data. Every default that an expert would sign stands here, once.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::instance::InstanceType;
use super::partition::Partition;
use super::peer::Peer;
use super::regions;

/// A whole blueprint: what one `cluster "<name>"` block asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The cluster's name: prefix of every AWS name and host name.
    pub name: String,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Addresses, zones and who may reach what.
    pub network: Network,
    /// What the images are built from.
    pub image: Image,
    /// PostgreSQL itself.
    pub postgres: Postgres,
    /// The machine that starts as primary.
    pub master: Machine,
    /// How many slaves (0 to 15).
    pub slave_count: u8,
    /// What each slave is made of.
    pub slaves: Machine,
    /// The load balancer.
    pub haproxy: Haproxy,
    /// When and how the cluster fails over.
    pub failover: Failover,
    /// What a failover may cost; timers that the blueprint leaves open are chosen to meet it.
    pub budget: Budget,
    /// Rules that the blueprint accepts to break, by code, each with its reason.
    pub accepted: BTreeMap<&'static str, String>,
    /// Tags put on everything that is made.
    pub tags: BTreeMap<String, String>,
    /// Where Terraform keeps its state.
    pub state: State,
    /// A KMS key of the user's own for disks, images and passwords: ARN, id or alias. `None` is AWS's key for each service.
    pub kms_key_id: Option<String>,
}

/// `network { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The VPC's addresses; cut into one subnet a zone, unless the VPC exists already.
    pub cidr: Ipv4Net,
    /// Full availability-zone names, such as `eu-west-1a`.
    pub zones: Vec<String>,
    /// The VPC that the cluster moves into; `None` makes one.
    pub existing: Option<ExistingVpc>,
    /// Who may reach HAProxy's write and read ports; `None` means the network's own addresses.
    pub clients: Option<Vec<Peer>>,
    /// Who may reach SSH and the stats page, besides the network itself for neither. Default: nobody.
    pub admins: Vec<Peer>,
}

/// A VPC that is there already. Nothing of it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingVpc {
    /// Such as `vpc-0123456789abcdef0`.
    pub vpc_id: String,
    /// One a zone, in the order of [`Network::zones`].
    pub subnets: Vec<ExistingSubnet>,
    /// Whether to make a Secrets Manager endpoint in it, rather than use the one that it has.
    pub secrets_endpoint: bool,
}

/// `subnet "<zone>" { … }`: a subnet that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingSubnet {
    /// Such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// Its addresses.
    pub cidr: Ipv4Net,
    /// Where in it the cluster's 32 addresses start.
    pub offset: u32,
}

/// `image { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The distribution the images start from.
    pub base: Base,
    /// Instance type that Packer builds on; `None` takes one that fits the role's architecture.
    pub builder_instance_type: Option<String>,
    /// Subnet that Packer builds in; `None` is one of the default VPC.
    pub builder_subnet_id: Option<String>,
    /// Days after which an image is said to be old. Security fixes reach machines with a new image alone.
    pub max_age_days: u32,
}

/// A base distribution that pgherd knows how to provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Debian 13 (trixie): PostgreSQL 17, Patroni 4.0.7, etcd 3.5, HAProxy 3.0 of its own.
    Debian13,
    /// Debian 12 (bookworm).
    Debian12,
    /// Ubuntu 24.04 (noble).
    Ubuntu2404,
}

impl Base {
    /// Every base, the default first.
    pub const ALL: [Base; 3] = [Base::Debian13, Base::Debian12, Base::Ubuntu2404];

    /// The name a blueprint uses.
    pub fn name(self) -> &'static str {
        match self {
            Base::Debian13 => "debian-13",
            Base::Debian12 => "debian-12",
            Base::Ubuntu2404 => "ubuntu-24.04",
        }
    }

    /// Returns the AWS account that publishes its images in a partition; `None` where its makers publish none.
    ///
    /// Debian publishes to the commercial regions alone: what GovCloud and China list under its name comes from AWS Marketplace, to
    /// which an account must subscribe (<https://wiki.debian.org/Cloud/AmazonEC2Image>). Canonical has an account in each
    /// (<https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>).
    pub fn owner(self, partition: Partition) -> Option<&'static str> {
        match (self, partition) {
            (Base::Debian13 | Base::Debian12, Partition::Commercial) => Some("136693071363"),
            (Base::Debian13 | Base::Debian12, Partition::China | Partition::GovCloud) => None,
            (Base::Ubuntu2404, Partition::Commercial) => Some("099720109477"),
            (Base::Ubuntu2404, Partition::China) => Some("837727238323"),
            (Base::Ubuntu2404, Partition::GovCloud) => Some("513442679011"),
        }
    }

    /// PostgreSQL's major in its own packages: each distribution's package index.
    pub fn own_postgres(self) -> u16 {
        match self {
            Base::Debian13 => 17,
            Base::Debian12 => 15,
            Base::Ubuntu2404 => 16,
        }
    }
}

/// `postgres { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Postgres {
    /// Major version; `None` is the base distribution's own.
    pub version: Option<u16>,
    /// Server settings (GUCs) by name, values as they would stand in `postgresql.conf`, unquoted.
    pub settings: BTreeMap<String, String>,
    /// Databases that exist from the start, by name.
    pub databases: Vec<Database>,
    /// Login roles that exist from the start.
    pub users: Vec<User>,
    /// How text is stored and sorted where a database has no locale of its own; `None` is [`Locale::usual`].
    pub locale: Option<Locale>,
    /// Replication slots of clients that survive a failover: the name of each, and its database.
    pub logical_slots: BTreeMap<String, String>,
}

/// The fewest `max_wal_senders` with which everything streams: each standby and each client of a logical slot, two senders for a
/// base backup (<https://www.postgresql.org/docs/current/app-pgbasebackup.html>), and one for an operator.
pub fn least_wal_senders(slaves: u32, logical_slots: u32) -> u32 {
    slaves + 3 + logical_slots
}

/// The fewest `max_replication_slots` that hold each standby's and each client's, and one more; Patroni ignores fewer than 4
/// (`CMDLINE_OPTIONS` in its postgresql/config.py).
pub fn least_replication_slots(slaves: u32, logical_slots: u32) -> u32 {
    (slaves + 1 + logical_slots).max(4)
}

/// How text is stored, sorted and compared. Chosen when a database is made; another one later is another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    /// Whose rules they are.
    pub provider: Provider,
    /// Its name, as the provider writes it.
    pub name: String,
    /// PostgreSQL's name of the encoding.
    pub encoding: String,
}

/// Who knows how text is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// PostgreSQL itself (17 and newer): the same on every machine, for as long as the major lasts.
    Builtin,
    /// The ICU library (15 and newer).
    Icu,
    /// The C library.
    Libc,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 3] = [Provider::Builtin, Provider::Icu, Provider::Libc];

    /// PostgreSQL's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Builtin => "builtin",
            Provider::Icu => "icu",
            Provider::Libc => "libc",
        }
    }

    /// Who has a locale of this name, where nobody is named: PostgreSQL itself if it can.
    pub fn of(locale: &str, major: u16) -> Self {
        let own = ["C", "C.UTF-8", "PG_UNICODE_FAST"].contains(&locale);
        if own && major >= 17 { Provider::Builtin } else { Provider::Libc }
    }
}

impl Locale {
    /// What a cluster has whose blueprint says nothing: code points in UTF-8, by PostgreSQL itself where it can.
    pub fn usual(major: u16) -> Self {
        const NAME: &str = "C.UTF-8";
        Locale { provider: Provider::of(NAME, major), name: NAME.into(), encoding: "UTF8".into() }
    }

    /// Whether its rules are those of a library that an upgrade of the base brings anew.
    pub fn follows_a_library(&self) -> bool {
        match self.provider {
            Provider::Builtin => false,
            Provider::Icu => true,
            Provider::Libc => !["C", "C.UTF-8"].contains(&self.name.as_str()),
        }
    }

    /// The locale of the C library that the server runs with, beside its own.
    pub fn of_the_c_library(&self) -> &str {
        match (self.provider, self.encoding.as_str()) {
            (Provider::Libc, _) => &self.name,
            (_, "UTF8") => "C.UTF-8",
            _ => "C",
        }
    }
}

/// A database that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that owns it: one of [`Postgres::users`], or `postgres`.
    pub owner: String,
    /// How its text is stored and sorted; `None` is as the cluster's.
    pub locale: Option<Locale>,
}

/// A login role that exists from the start. It connects to the databases that it owns, and to those of its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// What it may do in databases of others; `None` for a user of the `users` list.
    pub grant: Option<Grant>,
}

/// What a user may do in databases that it does not own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The databases that it may connect to.
    pub databases: Vec<String>,
    /// What it may do there.
    pub access: Access,
}

/// What a user may do with the tables of a database's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read rows.
    Read,
    /// Read and write rows.
    Write,
    /// Read rows, and follow their changes by logical replication.
    Replicate,
}

impl Access {
    /// Every kind of access, the default first.
    pub const ALL: [Access; 3] = [Access::Read, Access::Write, Access::Replicate];

    /// The name a blueprint uses.
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::Replicate => "replicate",
        }
    }
}

/// What a machine is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// EC2 instance type.
    pub instance_type: String,
    /// What it has: by its name where that is known, else as `memory_gb` and `vcpus` say.
    pub instance: Option<InstanceType>,
    /// Its (root) disk.
    pub disk: Disk,
    /// Whether it gets an Elastic IP: to reach it from outside, never for replication.
    pub elastic_ip: bool,
    /// Name of an EC2 key pair for SSH.
    pub key_name: Option<String>,
}

/// A gp3 volume. Bounds: <https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// GiB.
    pub size: u32,
    /// I/O operations a second; gp3's own baseline is 3000.
    pub iops: u32,
    /// MiB a second; gp3's own baseline is 125.
    pub throughput: u32,
}

/// `haproxy { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Haproxy {
    /// What its machine is made of.
    pub machine: Machine,
    /// Port that always leads to the primary.
    pub write_port: u16,
    /// Port that leads to the standbys.
    pub read_port: u16,
    /// Whether the primary takes its share of the reads (the seed's round robin over all).
    pub primary_serves_reads: bool,
    /// The stats page.
    pub stats: Stats,
}

/// `stats { … }` of HAProxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Port of the stats page, metrics and health.
    pub port: u16,
    /// Path of the stats page.
    pub path: String,
    /// User that logs in; its password is made by Terraform.
    pub user: String,
}

/// `failover { … }`; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failover {
    /// Whether a commit waits for a standby, so that no acknowledged write is lost.
    pub synchronous: bool,
    /// How long the leader key lives without being renewed.
    pub ttl: u32,
    /// How often Patroni looks. 2 rather than Patroni's 10: with `ttl` at its least, a dead machine then costs less than 30 s of
    /// writes at worst (`pgherd check` adds it up); a look costs etcd one small write.
    pub loop_wait: u32,
    /// How long Patroni retries etcd and PostgreSQL before it gives up.
    pub retry_timeout: u32,
}

/// `failover { rto = … rpo = … }`; times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// How long writes may stop at worst when one thing fails.
    pub rto: Option<u32>,
    /// How much of what was acknowledged may be lost then, in seconds of writes; 0 is nothing.
    pub rpo: Option<u32>,
    /// Attributes of `failover` that the blueprint wrote itself: they stay as written.
    pub written: Vec<&'static str>,
}

/// `state { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A `terraform.tfstate` beside each module.
    Local,
    /// An S3 backend with its own lock file.
    S3 {
        /// Bucket that already exists.
        bucket: String,
        /// Prefix of the key; the module's name follows it.
        key_prefix: String,
        /// The bucket's region.
        region: String,
    },
}

impl Blueprint {
    /// The smallest blueprint: a name and a region; everything else is the default.
    pub fn smallest(name: &str, region: &str) -> Self {
        // Where every account has other zones, a blueprint must name its own, and is refused without.
        let zones = regions::default_zones(region).unwrap_or_else(|| vec![format!("{region}a"), format!("{region}b")]);
        Blueprint {
            name: name.into(),
            region: region.into(),
            network: Network {
                cidr: Ipv4Net::new_assert(Ipv4Addr::new(10, 20, 0, 0), 16),
                zones,
                existing: None,
                clients: None,
                admins: vec![],
            },
            image: Image {
                base: Base::Debian13,
                builder_instance_type: None,
                builder_subnet_id: None,
                max_age_days: 30,
            },
            postgres: Postgres {
                version: None,
                settings: BTreeMap::new(),
                databases: vec![],
                users: vec![],
                locale: None,
                logical_slots: BTreeMap::new(),
            },
            master: Machine::database(),
            slave_count: 2,
            slaves: Machine::database(),
            haproxy: Haproxy {
                machine: Machine::balancer(),
                write_port: 5000,
                read_port: 5001,
                primary_serves_reads: false,
                stats: Stats { port: 7000, path: "/admin?stats".into(), user: "admin1".into() },
            },
            failover: Failover { synchronous: true, ttl: 20, loop_wait: 2, retry_timeout: 5 },
            budget: Budget::default(),
            accepted: BTreeMap::new(),
            tags: BTreeMap::new(),
            state: State::Local,
            kms_key_id: None,
        }
    }
}

impl Machine {
    /// The default database machine: 2 vCPU, 8 GiB, 100 GiB of gp3.
    fn database() -> Self {
        Machine::of("m6i.large", Disk { size: 100, ..Disk::GP3_BASELINE })
    }

    /// The default machine of HAProxy: 3.125 Gbit/s all day, where three m6i.large can send 2.343. The cheapest type of x86
    /// with that much in every commercial region (2026-11; c5n.large is absent from eight, m5n.large from 23). Two vCPUs
    /// pass on far more; HAProxy needs no memory to speak of.
    fn balancer() -> Self {
        Machine::of("c6in.large", Disk { size: 10, ..Disk::GP3_BASELINE })
    }

    fn of(instance_type: &str, disk: Disk) -> Self {
        let instance = InstanceType::of(instance_type);
        Machine { instance_type: instance_type.into(), instance, disk, elastic_ip: false, key_name: None }
    }
}

impl Disk {
    /// What every gp3 volume has at no extra cost.
    pub const GP3_BASELINE: Disk = Disk { size: 8, iops: 3000, throughput: 125 };
}
