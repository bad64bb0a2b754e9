//! The database machines' scripts and configuration: `db_config/`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::machine::{self, SecretFile};
use super::templates::{add_plain, add_rendered};
use super::{ImageContent, ports_of};
use crate::cluster::flows::{APPLICATIONS, Login, REPLICATION, REWIND, addresses, flows};
use crate::cluster::{Cluster, Role};
use crate::fileset::{FileSet, Mode};

/// Adds the files of the database machines; answers what goes into the master's image and, if there are slaves, theirs.
pub fn add(cluster: &Cluster, common: &[String], etcd: &[String], files: &mut FileSet) -> Vec<ImageContent> {
    let mut content = vec![
        add_plain(files, "db_config/provision_database.sh", Mode::Executable),
        add_rendered(files, "db_config/provision.env", Provision::of(cluster)),
        add_rendered(files, "db_config/patroni.yml", Patroni::of(cluster)),
        add_rendered(files, "db_config/pg_hba.conf", PgHba::of(cluster)),
        add_rendered(files, "db_config/bootstrap.sql", Bootstrap::of(cluster)),
        add_secrets(cluster, files),
        add_plain(files, "db_config/patroni_unit.conf", Mode::Plain),
        add_plain(files, "db_config/pgherd-yield.service", Mode::Plain),
        add_plain(files, "db_config/pgherd-yield.timer", Mode::Plain),
    ];
    for script in
        ["herdctl", "post_bootstrap.py", "server_certificate.sh", "wait_for_cluster.py", "yield_etcd_leader.py"]
    {
        content.push(add_plain(files, &format!("db_config/{script}"), Mode::Executable));
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

#[derive(Serialize)]
struct Provision {
    codename: &'static str,
    major: u16,
    pgdg: bool,
}

impl Provision {
    fn of(cluster: &Cluster) -> Self {
        Provision { codename: cluster.base.codename, major: cluster.postgres.major, pgdg: cluster.postgres.pgdg }
    }
}

#[derive(Serialize)]
struct Patroni<'a> {
    cluster: &'a str,
    ports: super::Ports,
    etcd: Vec<Ipv4Addr>,
    ttl: u32,
    loop_wait: u32,
    retry_timeout: u32,
    synchronous: bool,
    primary_start_timeout: u32,
    /// Values as YAML reads them: quoted, so that `on` and `1.1` stay texts.
    settings: BTreeMap<&'a str, String>,
    major: u16,
}

impl<'a> Patroni<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        Patroni {
            cluster: &cluster.name,
            ports: ports_of(),
            etcd: cluster.etcd_members().map(|m| m.address).collect(),
            ttl: cluster.failover.ttl,
            loop_wait: cluster.failover.loop_wait,
            retry_timeout: cluster.failover.retry_timeout,
            synchronous: cluster.failover.synchronous,
            primary_start_timeout: cluster.primary_start_timeout,
            settings: cluster.postgres.settings.iter().map(|(name, value)| (name.as_str(), yaml(value))).collect(),
            major: cluster.postgres.major,
        }
    }
}

/// The lines that flows ask for, as wide as the file's columns.
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

#[derive(Serialize)]
struct Bootstrap {
    users: Vec<String>,
    databases: Vec<Owned>,
}

#[derive(Serialize)]
struct Owned {
    name: String,
    owner: String,
}

impl Bootstrap {
    fn of(cluster: &Cluster) -> Self {
        let owned = |d: &crate::cluster::Database| Owned { name: quoted(&d.name), owner: quoted(&d.owner) };
        Bootstrap {
            users: cluster.postgres.users.iter().map(|u| quoted(u)).collect(),
            databases: cluster.postgres.databases.iter().map(owned).collect(),
        }
    }
}

/// A YAML text: JSON's are a subset of YAML's double-quoted ones.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An SQL identifier that means exactly this name.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn add_secrets(cluster: &Cluster, files: &mut FileSet) -> String {
    let patroni = [
        ("PATRONI_SUPERUSER_PASSWORD", "superuser"),
        ("PATRONI_REPLICATION_PASSWORD", "replication"),
        ("PATRONI_REWIND_PASSWORD", "rewind"),
        ("PATRONI_RESTAPI_PASSWORD", "patroni-api"),
    ];
    let wanted = [
        SecretFile {
            path: "/run/pgherd/patroni.env",
            owner: "postgres",
            secrets: patroni.map(|(key, name)| (key.to_string(), name.to_string())).to_vec(),
        },
        SecretFile {
            path: "/run/pgherd/users.json",
            owner: "postgres",
            secrets: cluster.postgres.users.iter().map(|u| (u.clone(), format!("user/{u}"))).collect(),
        },
    ];
    machine::add_secrets(cluster, files, "db_config/secrets.json", &wanted)
}
