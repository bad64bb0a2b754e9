//! Reads `postgres { … }`.

pub mod databases;
mod locale;
pub mod slots;
pub mod users;

use std::collections::BTreeMap;

use serde::Serialize;

use super::settings::{self, ServerContext};
use super::{BlockReader, Reading, Refusal, doc, is, refuse};
use crate::blueprint::locale::Locale;
use databases::Database;
use users::User;

/// `postgres { … }`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PostgresBlock {
    /// Major version; `None` is the base distribution's own.
    pub version: Option<u16>,
    /// Server settings (GUCs) by name, with their values as in `postgresql.conf`, unquoted.
    pub settings: BTreeMap<String, String>,
    /// Databases that exist from the start.
    pub databases: Vec<Database>,
    /// Login roles that exist from the start.
    pub users: Vec<User>,
    /// How text is stored and sorted in a database that has no locale of its own; `None` is [`Locale::usual`].
    pub locale: Option<Locale>,
    /// Replication slots of clients that survive a failover: the name of each, and its database.
    pub logical_slots: BTreeMap<String, String>,
}

/// Reads the block.
pub fn read(r: &BlockReader, context: &ServerContext) -> PostgresBlock {
    let version = doc(
        "version",
        "PostgreSQL's major version. One that the base does not package comes from PGDG's apt repository.",
    )
    .by_default("the base's own (17 on `debian-13`)");
    let version = r.integer(version, 0, 13..=18, "(a major version)");
    let written = version.is_set().then_some(version.value as u16);
    let major = (!version.is_refused()).then(|| written.unwrap_or(context.own_major));
    let locale = locale::read(r, locale::OF_THE_CLUSTER, None, major);
    let users = users::read(r);
    let owners: Vec<&str> = users.iter().map(|user| user.name.value.as_str()).collect();
    let databases = databases::read(r, &owners, locale.as_ref(), major);
    let users = users::resolve(r, users, &databases);
    let logical_slots = slots::read(r, &databases);
    let locales = locale.iter().chain(databases.iter().filter_map(|database| database.locale.as_ref()));
    let locales: Vec<&str> = locales.map(Locale::of_the_c_library).collect();
    let context = ServerContext { logical_slots: logical_slots.len() as u32, ..*context };
    let settings = settings::read(r, &context, major, &locales);
    slots::check(r, &logical_slots, &settings);
    PostgresBlock { version: written, settings, databases, users, locale, logical_slots }
}

/// Refuses a name that was listed before.
fn once<'a>(name: &str, mut earlier: impl Iterator<Item = &'a Reading<String>>) -> Result<(), Refusal> {
    match earlier.any(|earlier| earlier.value == name) {
        true => refuse(&is::REPEATED, format!("`{name}` is listed twice"), "remove the second one"),
        false => Ok(()),
    }
}

/// Refuses the block of a name that has a block already, or is in the short `list`: the block says more.
fn one_block<'a>(
    kind: &str,
    name: &str,
    list: &str,
    mut earlier: impl Iterator<Item = (&'a Reading<String>, bool)>,
) -> Result<(), Refusal> {
    match earlier.find(|(earlier, _)| earlier.value == name) {
        Some((_, true)) => {
            let problem = format!("`{name}` has two `{kind}` blocks");
            refuse(&is::REPEATED, problem, "merge the second one into the first")
        }
        Some((_, false)) => {
            let problem = format!("`{name}` is in `{list}` and has a block as well");
            refuse(&is::REPEATED, problem, format!("remove `{name}` from `{list}`; the block alone is enough"))
        }
        None => Ok(()),
    }
}
