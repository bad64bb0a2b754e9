//! `RUNBOOK.md` of a cluster: commands for an operator when something breaks or must change.

use serde::Serialize;

use super::{readme, templates};
use crate::cluster::{Access, Cluster};
use crate::fileset::FileSet;

#[derive(Serialize)]
struct RunbookContext<'a> {
    #[serde(flatten)]
    readme: readme::ReadmeContext<'a>,
    example: Example<'a>,
    /// Whether `pg_stat_statements` is loaded, which a database of the blueprint then has.
    statements: bool,
    /// Before PostgreSQL 15 everybody may create tables in the schema public.
    open_schema: bool,
    /// Whether this PostgreSQL has failover slots of its own.
    failover_slots: bool,
}

/// Names in the examples: the cluster's own, or made up if it has none.
#[derive(Serialize)]
struct Example<'a> {
    database: &'a str,
    owner: &'a str,
    guest: &'a str,
    follower: &'a str,
    new_database: &'a str,
    slot: &'a str,
    new_slot: &'a str,
}

/// Adds `RUNBOOK.md`.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let postgres = &cluster.postgres;
    let context = RunbookContext {
        readme: readme::context(cluster),
        example: example(cluster),
        statements: postgres.preloads("pg_stat_statements"),
        open_schema: postgres.major < 15,
        failover_slots: postgres.major >= 17,
    };
    templates::add_rendered(cluster, files, "RUNBOOK.md", context);
}

fn example(cluster: &Cluster) -> Example<'_> {
    let postgres = &cluster.postgres;
    let slot = postgres.logical_slots.iter().next();
    let database = match slot {
        Some((_, name)) => postgres.databases.iter().find(|database| database.name == *name),
        None => postgres.databases.first(),
    };
    let (database, owner) = database.map_or(("app", "app"), |found| (&found.name, &found.owner));
    let mut guests = postgres.guests(database);
    let follower = guests.find(|(_, access)| *access == Access::Replicate).map_or("follower", |(name, _)| name);
    Example {
        database,
        owner,
        guest: "newcomer",
        follower,
        new_database: "newcomer",
        slot: slot.map_or("warehouse", |(name, _)| name),
        new_slot: "newslot",
    }
}
