//! `rotate_password.sh`, which gives a user of the blueprint a new password, in Secrets Manager and in PostgreSQL.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deploy::quote;
use super::templates::add_rendered_as;
use crate::cluster::{Cluster, Module, Postgres, User};
use crate::fileset::{FileSet, Mode};

/// Returns a database that lets a user in: its own, or one whose owner granted it access.
pub fn opened_by<'a>(postgres: &'a Postgres, user: &str) -> Option<&'a str> {
    let opens = |name: &str| postgres.guests(name).any(|(guest, _)| guest == user);
    let found = postgres.databases.iter().find(|database| database.owner == user || opens(&database.name));
    found.map(|database| database.name.as_str())
}

/// Adds the script if the blueprint has users.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let postgres = &cluster.postgres;
    if postgres.users.is_empty() {
        return;
    }
    let of = |user: &User| (user.name.clone(), opened_by(postgres, &user.name).unwrap_or_default().to_string());
    let databases: BTreeMap<String, String> = postgres.users.iter().map(of).collect();
    let databases: Vec<String> =
        databases.iter().map(|(user, database)| format!("[{}]={}", quote(user), quote(database))).collect();
    let addresses: Vec<String> = cluster.balancers().map(|machine| machine.address.to_string()).collect();
    let values = [
        "# The blueprint's values.".to_string(),
        format!("cluster={}", quote(&cluster.name)),
        format!("region={}", quote(&cluster.region)),
        format!("haproxy_address={} write_port={}", addresses.join(","), cluster.haproxy.write_port),
        "# Each user, and a database that it may connect to (empty if there is none).".to_string(),
        format!("declare -A databases=({})", databases.join(" ")),
    ];
    #[derive(Serialize)]
    struct RotateContext {
        values: String,
        haproxy_module: &'static str,
        network_module: &'static str,
        makes_endpoint: bool,
        haproxies: usize,
    }
    let context = RotateContext {
        values: values.join("\n"),
        haproxy_module: Module::Haproxy.folder(),
        network_module: Module::Network.folder(),
        makes_endpoint: cluster.network.makes_endpoint,
        haproxies: addresses.len(),
    };
    add_rendered_as(cluster, files, "rotate_password.sh", Mode::Executable, context);
}
