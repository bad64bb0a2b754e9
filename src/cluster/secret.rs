//! The passwords of a cluster: who creates them, and who may read them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::flows::Party;
use crate::blueprint::model::Blueprint;

/// Who creates a password and puts it into Secrets Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Creator {
    /// Terraform, with the network.
    Terraform,
    /// The machine that initialises the cluster. It can write the password, and no machine can read it.
    Founder,
}

/// A password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Its name in AWS Secrets Manager.
    pub name: String,
    /// What it opens.
    pub description: String,
    /// Who creates it.
    pub creator: Creator,
    /// Everyone who may read it.
    pub readers: BTreeSet<Party>,
}

/// Returns every password of a cluster.
pub fn secrets(blueprint: &Blueprint) -> Vec<Secret> {
    let secret = |suffix: &str, description: &str, creator, reader| Secret {
        name: format!("{}/{suffix}", blueprint.name),
        description: description.into(),
        creator,
        readers: [reader].into(),
    };
    let database = |suffix, description| secret(suffix, description, Creator::Terraform, Party::Databases);
    let stats = format!("HAProxy stats page, user {}", blueprint.haproxy.stats.user);
    let mut all = vec![
        database("superuser", "PostgreSQL superuser postgres"),
        database("replication", "PostgreSQL replication user replicauser"),
        database("rewind", "PostgreSQL user rewind_user, for pg_rewind"),
        database("patroni-api", "Patroni REST API, user patroni"),
        secret("stats", &stats, Creator::Terraform, Party::Haproxy),
    ];
    for user in &blueprint.postgres.users {
        let (suffix, description) = (format!("user/{}", user.name), format!("PostgreSQL user {}", user.name));
        all.push(secret(&suffix, &description, Creator::Founder, Party::Clients));
    }
    all
}
