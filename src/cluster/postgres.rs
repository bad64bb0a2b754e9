//! PostgreSQL's version, its effective settings, and what exists from the start.

use std::collections::BTreeMap;

use super::decision::{Ledger, list};
use super::settings::{STATEMENTS, defaults, max_connections, number};
use super::{Access, BaseImage, Cluster, Database, Locale, Provider, User};
use crate::blueprint::model::Blueprint;
use crate::parameters::value::{self, kib};

/// The `shared_buffers` from which machines reserve huge pages. With 200 connections, the page tables of less take under 3 GiB.
const HUGE_PAGES_FROM_KIB: i64 = 8 * 1024 * 1024;
/// PostgreSQL's own default.
const SUPERUSER_RESERVED_CONNECTIONS: u32 = 3;

/// PostgreSQL, as every database machine runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The major version.
    pub major: u16,
    /// Whether packages come from PGDG's apt repository, because the base has no such major or its Patroni is too old.
    pub pgdg: bool,
    /// Whether machines reserve huge pages for shared memory.
    pub reserves_huge_pages: bool,
    /// The server's settings. Those of the blueprint override pgherd's.
    pub settings: BTreeMap<String, String>,
    /// The effective `max_connections`.
    pub max_connections: u32,
    /// The effective `superuser_reserved_connections` plus `reserved_connections` (PostgreSQL 16 and later).
    pub reserved_connections: u32,
    /// The databases that exist from the start.
    pub databases: Vec<Database>,
    /// The login roles that exist from the start.
    pub users: Vec<User>,
    /// How databases without a locale of their own store and sort text.
    pub locale: Locale,
    /// The slots for clients of logical replication, which Patroni keeps across failovers: each name with its database.
    pub logical_slots: BTreeMap<String, String>,
}

impl Postgres {
    /// Returns the users other than the owner who may connect to a database, each with what it may do there.
    pub fn guests<'a>(&'a self, database: &'a str) -> impl Iterator<Item = (&'a str, Access)> {
        self.users.iter().filter_map(move |user| {
            let grant = user.grant.as_ref().filter(|grant| grant.databases.iter().any(|name| name == database))?;
            Some((user.name.as_str(), grant.access))
        })
    }

    /// Returns whether every session has this library loaded, by its bare name.
    pub fn preloads(&self, library: &str) -> bool {
        let list = self.settings.get("shared_preload_libraries").map_or("", String::as_str);
        value::libraries(list).iter().any(|name| name == library)
    }

    /// Returns the locales of the C library that an image must generate, besides those that every image has.
    pub fn glibc_locales(&self) -> Vec<&str> {
        let own = self.databases.iter().filter_map(|database| database.locale.as_ref());
        let mut names: Vec<&str> = [&self.locale].into_iter().chain(own).map(Locale::of_the_c_library).collect();
        names.retain(|name| !["C", "C.UTF-8"].contains(name));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Resolves the version, the settings (the blueprint's override pgherd's) and what exists from the start.
pub fn resolve(blueprint: &Blueprint, ledger: &mut Ledger) -> Postgres {
    let base = BaseImage::of(blueprint.image.base);
    let major = blueprint.postgres.version.unwrap_or(base.own_postgres);
    let pgdg = !base.own_patroni_fits || major != base.own_postgres;
    ledger.add(
        "postgres.version",
        major.to_string(),
        list(["postgres.version", "image.base"]),
        "The base's own major, unless the blueprint sets another one.",
        "each distribution's package index",
        |c| c.postgres.major += 1,
    );
    ledger.add(
        "postgres.repository",
        if pgdg { "PGDG" } else { "the base's own" },
        list(["postgres.version", "image.base"]),
        "The base's own packages, if they include this major and Patroni 4.0.6 or newer; otherwise PGDG's.",
        "measured: with Patroni 3.0.2, half of the primaries that came back overwrote the new primary's lock",
        |c| c.postgres.pgdg ^= true,
    );
    let settings = settings(blueprint, major, ledger);
    let reserves_huge_pages = reserves_huge_pages(&settings, major);
    if reserves_huge_pages {
        ledger.add(
            "huge_pages.reserve",
            "what shared memory takes",
            list(["postgres.shared_buffers", "postgres.huge_pages", "postgres.version"]),
            "Machines reserve huge pages from 8 GiB of shared_buffers on. With ordinary pages every connection has a page table of its \
             own for all of it, 16 MiB or more. PostgreSQL 15 and newer report how many huge pages they need. If you change \
             shared_buffers on a running cluster, write the new number to /etc/pgherd/huge_pages on each machine.",
            "https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-HUGE-PAGES",
            |c| c.postgres.reserves_huge_pages ^= true,
        );
    }
    let locale = blueprint.postgres.locale.clone().unwrap_or_else(|| Locale::usual(major));
    record_locale(&locale, ledger);
    record_logical_slots(&blueprint.postgres.logical_slots, ledger);
    let number = |name: &str, default| number(&settings, name, default);
    Postgres {
        major,
        pgdg,
        reserves_huge_pages,
        max_connections: max_connections(&settings),
        reserved_connections: number("superuser_reserved_connections", SUPERUSER_RESERVED_CONNECTIONS)
            .saturating_add(number("reserved_connections", 0)),
        settings,
        databases: blueprint.postgres.databases.clone(),
        users: blueprint.postgres.users.clone(),
        locale,
        logical_slots: blueprint.postgres.logical_slots.clone(),
    }
}

/// Merges the blueprint's settings over pgherd's.
fn settings(blueprint: &Blueprint, major: u16, ledger: &mut Ledger) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut record = |name: &str, value: String, from, why, source| {
        let setting = name.to_string();
        ledger.add(&format!("postgres.{name}"), &*value, from, why, source, move |c: &mut Cluster| {
            c.postgres.settings.entry(setting.clone()).and_modify(|value| value.push('0'));
        });
        settings.insert(name.to_string(), value);
    };
    let written = &blueprint.postgres.settings;
    for default in defaults(blueprint, major).into_iter().filter(|default| !written.contains_key(default.name)) {
        record(default.name, default.value, default.from, default.why, default.source);
    }
    for (name, value) in written {
        let from = vec![format!("postgres.settings.{name}")];
        let (value, why) = match with_statistics(name, value) {
            Some(both) => (both, "The blueprint's list, after the library that counts statements."),
            None => (value.clone(), "The blueprint sets it."),
        };
        record(name, value, from, why, "the blueprint");
    }
    settings
}

fn record_locale(locale: &Locale, ledger: &mut Ledger) {
    ledger.add(
        "postgres.locale",
        format!("{} of {}, in {}", locale.name, locale.provider.name(), locale.encoding),
        list(["postgres.locale", "postgres.locale_provider", "postgres.encoding", "postgres.version"]),
        "By default, text is sorted by code point. No upgrade of a library can change that order and corrupt an index. Upper-case Z \
         then sorts before lower-case a: COLLATE \"en-x-icu\" sorts a column or a query for people. To change the locale later, \
         create another database or another cluster.",
        "https://www.postgresql.org/docs/current/locale.html#LOCALE-PROVIDERS, https://wiki.postgresql.org/wiki/Locale_data_changes",
        |c| {
            let Locale { provider, name, encoding } = &mut c.postgres.locale;
            *provider = if *provider == Provider::Libc { Provider::Icu } else { Provider::Libc };
            name.push('0');
            encoding.push('0');
        },
    );
}

fn record_logical_slots(slots: &BTreeMap<String, String>, ledger: &mut Ledger) {
    if slots.is_empty() {
        return;
    }
    let names: Vec<&str> = slots.keys().map(String::as_str).collect();
    ledger.attribute(
        "postgres.logical_slots",
        names.join(", "),
        "Patroni creates these slots, copies them to every standby and advances them there, with every major. Before 4.1 it drops \
         PostgreSQL's own failover slots (17 and newer), because it takes them for slots of machines that are gone.",
        "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html, https://github.com/patroni/patroni/pull/3245",
        |c| c.postgres.logical_slots.clear(),
    );
}

/// Returns the blueprint's list of libraries with the one that counts statements, if it lacks that one. An empty list loads nothing.
fn with_statistics(name: &str, value: &str) -> Option<String> {
    let loaded = value::libraries(value);
    let lacks = !loaded.is_empty() && loaded.iter().all(|library| library != STATEMENTS);
    (name == "shared_preload_libraries" && lacks).then(|| format!("{STATEMENTS}, {value}"))
}

/// Returns whether huge pages are worth reserving and PostgreSQL can report how many it needs.
fn reserves_huge_pages(settings: &BTreeMap<String, String>, major: u16) -> bool {
    let buffers = settings.get("shared_buffers").and_then(|value| kib("shared_buffers", value)).unwrap_or_default();
    let tries = settings.get("huge_pages").is_some_and(|value| value.eq_ignore_ascii_case("try"));
    let usual = !settings.contains_key("huge_page_size");
    major >= 15 && tries && usual && buffers >= HUGE_PAGES_FROM_KIB
}
