//! What is created once, when the cluster is initialised: the options of initdb, roles, databases and rights.

use serde::Serialize;

use super::templates::add_rendered;
use crate::cluster::{Access, Cluster, Database, Locale, Provider, User};
use crate::fileset::FileSet;

/// Adds `bootstrap.sql` and returns its path.
pub fn add(cluster: &Cluster, files: &mut FileSet) -> String {
    add_rendered(cluster, files, "db_config/bootstrap.sql", Bootstrap::of(cluster))
}

/// Returns the options of initdb that follow from the locale.
pub fn initdb(locale: &Locale) -> Vec<(&'static str, &str)> {
    let own = match locale.provider {
        Provider::Builtin => Some("builtin-locale"),
        Provider::Icu => Some("icu-locale"),
        Provider::Libc => None,
    };
    let mut options = vec![("encoding", locale.encoding.as_str()), ("locale", locale.of_the_c_library())];
    if let Some(own) = own {
        options.extend([("locale-provider", locale.provider.name()), (own, locale.name.as_str())]);
    }
    // Programs that read logs expect English.
    options.push(("lc-messages", if locale.encoding == "UTF8" { "C.UTF-8" } else { "C" }));
    options
}

#[derive(Serialize)]
struct Bootstrap<'a> {
    users: Vec<NewRole<'a>>,
    databases: Vec<NewDatabase<'a>>,
    /// Whether `pg_stat_statements` is loaded.
    statements: bool,
    /// Before PostgreSQL 15 everybody may create tables in the schema public, and the superuser owns it.
    open_schema: bool,
    /// Whether the blueprint sets `transaction_timeout`. PostgreSQL before 17 does not know it, and rejects `SET`.
    limits_transactions: bool,
}

/// A role to create. Its name is SQL.
#[derive(Serialize)]
struct NewRole<'a> {
    /// The user, as the blueprint has it.
    block: &'a User,
    name: String,
    replicates: bool,
}

/// A database to create. Every text but those of its block is SQL.
#[derive(Serialize)]
struct NewDatabase<'a> {
    /// The database, as the blueprint has it.
    block: &'a Database,
    name: String,
    owner: String,
    /// Follows the owner if the database has a locale of its own.
    options: String,
    guests: Vec<Guest>,
    /// One for each slot of logical replication, with the slot's name.
    publications: Vec<String>,
}

#[derive(Serialize)]
struct Guest {
    name: String,
    reads_only: bool,
    writes: bool,
}

impl<'a> Bootstrap<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        let postgres = &cluster.postgres;
        let replicates = |user: &User| user.grant.as_ref().is_some_and(|grant| grant.access == Access::Replicate);
        let guest = |(name, access): (&str, Access)| Guest {
            name: quoted(name),
            reads_only: access == Access::Read,
            writes: access == Access::Write,
        };
        Bootstrap {
            users: (postgres.users.iter())
                .map(|user| NewRole { block: user, name: quoted(&user.name), replicates: replicates(user) })
                .collect(),
            databases: (postgres.databases.iter())
                .map(|database| NewDatabase {
                    block: database,
                    name: quoted(&database.name),
                    owner: quoted(&database.owner),
                    options: database.locale.as_ref().map_or_else(String::new, |own| options(own, postgres.major)),
                    guests: postgres.guests(&database.name).map(guest).collect(),
                    publications: (postgres.logical_slots.iter())
                        .filter(|(_, of)| **of == database.name)
                        .map(|(slot, _)| quoted(slot))
                        .collect(),
                })
                .collect(),
            statements: postgres.preloads("pg_stat_statements"),
            open_schema: postgres.major < 15,
            limits_transactions: postgres.settings.contains_key("transaction_timeout"),
        }
    }
}

/// Returns the options for a database with a locale of its own. Only template0 can be copied with another locale.
fn options(locale: &Locale, major: u16) -> String {
    let mut sql = format!(
        " TEMPLATE template0 ENCODING {} LOCALE {}",
        literal(&locale.encoding),
        literal(locale.of_the_c_library())
    );
    let own = match locale.provider {
        Provider::Builtin => Some("BUILTIN_LOCALE"),
        Provider::Icu => Some("ICU_LOCALE"),
        Provider::Libc => None,
    };
    if major >= 15 {
        sql += &format!(" LOCALE_PROVIDER {}", locale.provider.name());
    }
    if let Some(own) = own {
        sql += &format!(" {own} {}", literal(&locale.name));
    }
    sql
}

/// Returns an SQL identifier that means exactly this name.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns an SQL string.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
