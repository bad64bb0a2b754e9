//! The database machines' scripts and configuration, in `db_config/`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::ImageContent;
use super::bootstrap;
use super::machine::{self, FounderSecrets, SecretFile};
use super::templates::{add_fixed, add_plain, add_rendered, add_rendered_as};
use crate::cluster::flows::{APPLICATIONS, Login, REPLICATION, REWIND, addresses, flows};
use crate::cluster::{Cluster, Role};
use crate::fileset::{FileSet, Mode};

/// Adds the files of the database machines. Returns the content of the master's image and, if there are slaves, of theirs.
pub fn add(cluster: &Cluster, common: &[String], etcd: &[String], files: &mut FileSet) -> Vec<ImageContent> {
    let mut content = vec![
        add_provisioner(cluster, files),
        add_rendered(cluster, files, "db_config/provision.env", Provision::of(cluster)),
        add_rendered(cluster, files, "db_config/patroni.yml", Patroni::of(cluster)),
        add_rendered(cluster, files, "db_config/pg_hba.conf", PgHba::of(cluster)),
        bootstrap::add(cluster, files),
        add_secrets(cluster, files),
        add_fixed(cluster, files, "db_config/patroni_unit.conf", Mode::Plain),
        add_rendered(cluster, files, "db_config/kernel.conf", &cluster.kernel),
        add_fixed(cluster, files, "db_config/pgherd-disk.socket", Mode::Plain),
        add_fixed(cluster, files, "db_config/pgherd-disk@.service", Mode::Plain),
        add_fixed(cluster, files, "db_config/pgherd-kernel.service", Mode::Plain),
        add_fixed(cluster, files, "db_config/pgherd-yield.service", Mode::Plain),
        add_fixed(cluster, files, "db_config/pgherd-yield.timer", Mode::Plain),
        add_plain(files, "db_config/pgherd-founded.service", Mode::Plain),
        add_plain(files, "db_config/pgherd-silent-peers.service", Mode::Plain),
        add_rendered(cluster, files, "db_config/silent_peers.nft", SilentPeers::of(cluster)),
    ];
    content.push(add_plain(files, "db_config/herdctl", Mode::Executable));
    if cluster.postgres.reserves_huge_pages {
        content.push(add_plain(files, "db_config/huge_pages.sh", Mode::Executable));
        content.push(add_plain(files, "db_config/pgherd-huge-pages.service", Mode::Plain));
    }
    for script in [
        "disk_report.py",
        "founding.py",
        "post_bootstrap.py",
        "reserve_space.sh",
        "server_certificate.sh",
        "try_settings.py",
        "wait_for_cluster.py",
        "yield_etcd_leader.py",
    ] {
        content.push(add_fixed(cluster, files, &format!("db_config/{script}"), Mode::Executable));
    }
    content.extend_from_slice(common);
    content.extend_from_slice(etcd);
    (cluster.roles().filter(|role| *role != Role::Haproxy))
        .map(|role| ImageContent {
            role: role.name(),
            script: add_plain(files, &format!("db_config/{}_script.sh", role.name()), Mode::Executable),
            files: content.clone(),
        })
        .collect()
}

/// Adds the provisioner, which is the same in every cluster that reserves no huge pages.
fn add_provisioner(cluster: &Cluster, files: &mut FileSet) -> String {
    #[derive(Serialize)]
    struct Provisioner {
        huge_pages: bool,
    }
    let path = "db_config/provision_database.sh";
    match cluster.postgres.reserves_huge_pages {
        true => add_rendered_as(cluster, files, path, Mode::Executable, Provisioner { huge_pages: true }),
        false => add_fixed(cluster, files, path, Mode::Executable),
    }
}

#[derive(Serialize)]
struct Provision {
    codename: &'static str,
    major: u16,
    pgdg: bool,
    locales: String,
}

impl Provision {
    fn of(cluster: &Cluster) -> Self {
        Provision {
            codename: cluster.base.codename,
            major: cluster.postgres.major,
            pgdg: cluster.postgres.pgdg,
            locales: cluster.postgres.glibc_locales().join(" "),
        }
    }
}

#[derive(Serialize)]
struct Patroni<'a> {
    cluster: &'a str,
    etcd: Vec<Ipv4Addr>,
    ttl: u32,
    loop_wait: u32,
    retry_timeout: u32,
    synchronous: bool,
    strict: bool,
    synchronous_nodes: u32,
    primary_start_timeout: u32,
    settings: Vec<SettingsGroup<'a>>,
    slots: &'a BTreeMap<String, String>,
    initdb: Vec<(&'static str, &'a str)>,
    major: u16,
}

impl<'a> Patroni<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        Patroni {
            cluster: &cluster.name,
            etcd: cluster.etcd_members().map(|m| m.address).collect(),
            ttl: cluster.failover.ttl,
            loop_wait: cluster.failover.loop_wait,
            retry_timeout: cluster.failover.retry_timeout,
            synchronous: cluster.failover.synchronous.is_on(),
            strict: cluster.failover.synchronous.is_strict(),
            synchronous_nodes: cluster.synchronous_nodes,
            primary_start_timeout: cluster.primary_start_timeout,
            settings: SettingsGroup::of(cluster),
            slots: &cluster.postgres.logical_slots,
            initdb: bootstrap::initdb(&cluster.postgres.locale),
            major: cluster.postgres.major,
        }
    }
}

/// Settings that have one reason in common.
#[derive(Serialize)]
struct SettingsGroup<'a> {
    why: &'static str,
    /// Names and values. Values are quoted, so that YAML reads `on` and `1.1` as text.
    settings: Vec<(&'a str, String)>,
}

impl<'a> SettingsGroup<'a> {
    /// Returns all settings, in the order of their decisions.
    fn of(cluster: &'a Cluster) -> Vec<Self> {
        let mut groups: Vec<Self> = vec![];
        for decision in cluster.decisions.iter() {
            let name = decision.name.strip_prefix("postgres.");
            let Some((name, value)) = name.and_then(|name| cluster.postgres.settings.get_key_value(name)) else {
                continue;
            };
            let setting = (name.as_str(), yaml(value));
            match groups.last_mut().filter(|group| group.why == decision.why) {
                Some(group) => group.settings.push(setting),
                None => groups.push(SettingsGroup { why: decision.why, settings: vec![setting] }),
            }
        }
        groups
    }
}

/// The machines whose silence means something.
#[derive(Serialize)]
struct SilentPeers {
    databases: Vec<Ipv4Addr>,
}

impl SilentPeers {
    fn of(cluster: &Cluster) -> Self {
        SilentPeers { databases: cluster.databases().map(|machine| machine.address).collect() }
    }
}

/// The lines of `pg_hba.conf` that flows need, aligned to the file's columns.
#[derive(Serialize)]
struct PgHba {
    replication: Vec<String>,
    rewind: Vec<String>,
    applications: Vec<String>,
}

impl PgHba {
    fn of(cluster: &Cluster) -> Self {
        let flows = flows(cluster);
        let lines = |login: Login| {
            let asking = flows.iter().filter(|flow| flow.logins.contains(&login));
            asking.flat_map(|flow| addresses(cluster, flow.from)).map(|from| line(login, from)).collect()
        };
        PgHba { replication: lines(REPLICATION), rewind: lines(REWIND), applications: lines(APPLICATIONS) }
    }
}

fn line(Login { database, user }: Login, from: Ipv4Net) -> String {
    format!("hostssl  {database:<11}  {user:<15}  {from:<18} scram-sha-256", from = from.to_string())
}

/// Returns a YAML string. JSON's strings are valid double-quoted strings of YAML.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn add_secrets(cluster: &Cluster, files: &mut FileSet) -> String {
    let patroni = [
        ("PATRONI_SUPERUSER_PASSWORD", "superuser"),
        ("PATRONI_REPLICATION_PASSWORD", "replication"),
        ("PATRONI_REWIND_PASSWORD", "rewind"),
        ("PATRONI_RESTAPI_PASSWORD", "patroni-api"),
    ];
    let file = SecretFile { path: "/run/pgherd/patroni.env", owner: "postgres", secrets: &patroni };
    let users: Vec<String> = cluster.postgres.users.iter().map(|user| user.name.clone()).collect();
    let founder = FounderSecrets { users: &users, record: cluster.founding_record() };
    machine::add_secrets(cluster, files, "db_config/secrets.json", &file, Some(&founder))
}
