//! `rotate_password.sh`: a new password for a user of the blueprint, in Secrets Manager and in PostgreSQL.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deploy::quote;
use super::templates::add_rendered_as;
use crate::cluster::Cluster;
use crate::fileset::{FileSet, Mode};

/// Adds the script, where there is a user whose password it could change.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let postgres = &cluster.postgres;
    if postgres.users.is_empty() {
        return;
    }
    // A user may not be let into every database, but into its own.
    let own = |user: &String| {
        let database = postgres.databases.iter().find(|database| database.owner == *user);
        (user.clone(), database.map_or("postgres".to_string(), |database| database.name.clone()))
    };
    let databases: BTreeMap<String, String> = postgres.users.iter().map(own).collect();
    let databases: Vec<String> =
        databases.iter().map(|(user, database)| format!("[{}]={}", quote(user), quote(database))).collect();
    let values = [
        "# What the blueprint decided.".to_string(),
        format!("cluster={}", quote(&cluster.name)),
        format!("region={}", quote(&cluster.region)),
        format!("haproxy_address={} write_port={}", cluster.haproxy_machine().address, cluster.haproxy.write_port),
        "# Each user, and a database that lets it in.".to_string(),
        format!("declare -A databases=({})", databases.join(" ")),
    ];
    #[derive(Serialize)]
    struct Context {
        values: String,
    }
    add_rendered_as(cluster, files, "rotate_password.sh", Mode::Executable, Context { values: values.join("\n") });
}
