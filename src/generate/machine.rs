//! The files that every machine has, in `machine/`.

use std::net::Ipv4Addr;

use serde::Serialize;
use serde_json::json;

use super::templates::{add_fixed, add_plain, add_rendered};
use crate::cluster::{Cluster, Machine, Service};
use crate::fileset::{FileSet, Mode};

/// Adds the files of every image. Returns their paths.
pub fn add_common(cluster: &Cluster, files: &mut FileSet) -> Vec<String> {
    #[derive(Serialize)]
    struct Machines<'a> {
        cluster: &'a str,
        machines: &'a [Machine],
    }
    #[derive(Serialize)]
    struct Hosts {
        host: String,
        addresses: Vec<Ipv4Addr>,
    }
    let network = &cluster.network;
    let endpoints = network.subnets.iter().filter(|_| network.makes_endpoint).map(|subnet| subnet.endpoint);
    let hosts = Hosts { host: cluster.secrets_host(), addresses: endpoints.collect() };
    vec![
        add_rendered(cluster, files, "machine/hosts", hosts),
        add_fixed(cluster, files, "machine/common.sh", Mode::Plain),
        add_fixed(cluster, files, "machine/identity.sh", Mode::Executable),
        add_fixed(cluster, files, "machine/read_secrets.py", Mode::Executable),
        add_fixed(cluster, files, "machine/amazon_time.sources", Mode::Plain),
        add_fixed(cluster, files, "machine/journald.conf", Mode::Plain),
        add_plain(files, "machine/pgherd-host-keys.service", Mode::Plain),
        add_plain(files, "machine/pgherd-identity.service", Mode::Plain),
        add_plain(files, "machine/pgherd-secrets.service", Mode::Plain),
        add_rendered(
            cluster,
            files,
            "machine/machines.tsv",
            Machines { cluster: &cluster.name, machines: &cluster.machines },
        ),
    ]
}

/// Adds the files of images whose machines may be members of etcd. Returns their paths.
pub fn add_etcd(cluster: &Cluster, files: &mut FileSet) -> Vec<String> {
    #[derive(Serialize)]
    struct Etcd<'a> {
        cluster: &'a str,
        members: String,
        founders: String,
        heartbeat: u32,
        election: u32,
    }
    let members: Vec<String> =
        cluster.etcd_members().map(|m| format!("{}={}", m.name, cluster.endpoint_on(Service::EtcdPeer, m))).collect();
    vec![
        add_fixed(cluster, files, "machine/etcd_api.py", Mode::Plain),
        add_fixed(cluster, files, "machine/etcd_join.py", Mode::Executable),
        add_fixed(cluster, files, "machine/leave_etcd.py", Mode::Executable),
        add_fixed(cluster, files, "machine/etcd_network.conf", Mode::Plain),
        add_fixed(cluster, files, "machine/etcd_unit.conf", Mode::Plain),
        add_rendered(
            cluster,
            files,
            "machine/etcd.env",
            Etcd {
                cluster: &cluster.name,
                members: members.join(","),
                founders: members[..members.len().min(cluster.fixed.etcd.founders as usize)].join(","),
                heartbeat: cluster.etcd.heartbeat,
                election: cluster.etcd.election,
            },
        ),
    ]
}

/// A file in memory that gets a machine's secrets at boot, in the format of systemd's `EnvironmentFile`.
pub struct SecretFile<'a> {
    /// Path on the machine.
    pub path: &'a str,
    /// The only system user who can read it.
    pub owner: &'a str,
    /// Each variable, and its secret's name after the cluster's.
    pub secrets: &'a [(&'a str, &'a str)],
}

/// The secrets that a machine writes when it initialises the cluster.
pub struct FounderSecrets<'a> {
    /// The users whose passwords it makes.
    pub users: &'a [String],
    /// The secret in which it records its disk, [`Cluster::founding_record`].
    pub record: String,
}

/// Adds the list of a role's secrets: those that its machines read into a file at boot, and what a founder needs. Returns its path.
///
/// # Panics
/// If the cluster has no such secret: a programming error.
pub fn add_secrets(
    cluster: &Cluster,
    files: &mut FileSet,
    path: &str,
    file: &SecretFile<'_>,
    founder: Option<&FounderSecrets<'_>>,
) -> String {
    let named = |key: &str, suffix: &str| {
        let name = format!("{}/{suffix}", cluster.name);
        assert!(cluster.secrets.iter().any(|s| s.name == name), "the cluster has no secret {name}");
        (key.to_string(), name.into())
    };
    let secrets: serde_json::Map<_, _> = file.secrets.iter().map(|(key, suffix)| named(key, suffix)).collect();
    let mut plan = json!({
        "region": cluster.region,
        "file": { "path": file.path, "owner": file.owner, "secrets": secrets },
    });
    if let Some(FounderSecrets { users, record }) = founder {
        let users: serde_json::Map<_, _> = users.iter().map(|user| named(user, &format!("user/{user}"))).collect();
        plan["founded"] = record.as_str().into();
        if !users.is_empty() {
            plan["users"] = users.into();
        }
    }
    files.add(path, Mode::Plain, format!("{plan:#}\n"));
    path.to_string()
}
