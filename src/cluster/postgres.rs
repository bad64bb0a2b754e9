//! PostgreSQL's version and settings as they result.

use std::collections::BTreeMap;

use super::decision::{Ledger, list};
use super::settings::{STATEMENTS, defaults};
use super::{BaseImage, Locale, Postgres};
use crate::blueprint::model::Blueprint;
use crate::parameters::value::{self, count, kib};

/// PostgreSQL's own default (<https://www.postgresql.org/docs/current/runtime-config-connection.html>), doubled:
/// HAProxy in front holds what does not fit in a queue.
pub const MAX_CONNECTIONS: u32 = 200;
/// PostgreSQL starts with no more: `MAX_BACKENDS`, the same in 13 to 18 (src/include/postmaster/postmaster.h, later
/// src/include/storage/procnumber.h).
const MOST_CONNECTIONS: u32 = 262_143;
/// `shared_buffers` from which huge pages are set aside: with 200 connections the page tables of less are below 3 GiB.
const HUGE_PAGES_FROM_KIB: i64 = 8 * 1024 * 1024;
/// PostgreSQL's own default.
const SUPERUSER_RESERVED_CONNECTIONS: u32 = 3;

/// The version, the settings (the blueprint's over pgherd's) and what exists from the start.
pub fn resolve(blueprint: &Blueprint, ledger: &mut Ledger) -> Postgres {
    let base = BaseImage::of(blueprint.image.base);
    let major = blueprint.postgres.version.unwrap_or(base.own_postgres);
    let pgdg = !base.own_patroni_fits || major != base.own_postgres;
    ledger.add(
        "postgres.version",
        major.to_string(),
        list(["postgres.version", "image.base"]),
        "the base's own major, unless the blueprint names another",
        "each distribution's package index",
    );
    ledger.add(
        "postgres.repository",
        if pgdg { "PGDG" } else { "the base's own" },
        list(["postgres.version", "image.base"]),
        "the base's own packages where they have this major and Patroni 4.0.6 or newer",
        "measured: with Patroni 3.0.2 half of the primaries that came back overwrote the new one's lock",
    );
    let mut settings = BTreeMap::new();
    for default in defaults(blueprint, major) {
        if !blueprint.postgres.settings.contains_key(default.name) {
            ledger.add(
                &format!("postgres.{}", default.name),
                &*default.value,
                default.from,
                default.why,
                default.source,
            );
            settings.insert(default.name.to_string(), default.value);
        }
    }
    for (name, value) in &blueprint.postgres.settings {
        let from = vec![format!("postgres.settings.{name}")];
        let (value, why) = match with_statistics(name, value) {
            Some(both) => (both, "the blueprint's, behind the library that counts statements"),
            None => (value.clone(), "the blueprint says so"),
        };
        ledger.add(&format!("postgres.{name}"), &*value, from, why, "the blueprint");
        settings.insert(name.clone(), value);
    }
    let reserves_huge_pages = reserves_huge_pages(&settings, major);
    if reserves_huge_pages {
        ledger.add(
            "huge_pages.reserve",
            "what shared memory takes",
            list(["postgres.shared_buffers", "postgres.huge_pages", "postgres.version"]),
            "from 8 GiB of shared_buffers on: with ordinary pages every connection has a table of its own of all of them, 16 MiB and \
             more. PostgreSQL says itself how many it takes, from 15 on. Who changes shared_buffers on a running cluster writes \
             the new number into /etc/pgherd/huge_pages of each machine",
            "https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-HUGE-PAGES",
        );
    }
    let locale = blueprint.postgres.locale.clone().unwrap_or_else(|| Locale::usual(major));
    founding(blueprint, &locale, ledger);
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

/// What is chosen once, when the cluster is founded, beside its users and databases.
fn founding(blueprint: &Blueprint, locale: &Locale, ledger: &mut Ledger) {
    ledger.add(
        "postgres.locale",
        format!("{} of {}, in {}", locale.name, locale.provider.name(), locale.encoding),
        list(["postgres.locale", "postgres.locale_provider", "postgres.encoding", "postgres.version"]),
        "by default text is sorted by code points: no upgrade of a library changes that, and none can corrupt an index. Z comes \
         before a then: COLLATE \"en-x-icu\" sorts a column or a query for people. Another locale later is another cluster, or \
         another database",
        "https://www.postgresql.org/docs/current/locale.html#LOCALE-PROVIDERS, https://wiki.postgresql.org/wiki/Locale_data_changes",
    );
    if !blueprint.postgres.logical_slots.is_empty() {
        let slots: Vec<String> = blueprint.postgres.logical_slots.keys().cloned().collect();
        ledger.add(
            "postgres.logical_slots",
            slots.join(", "),
            list(["postgres.logical_slots"]),
            "Patroni makes these slots, copies them to every standby and moves them forward there, with every major. PostgreSQL's own \
             failover slots (17 and newer) it drops until 4.1, as slots of machines that are gone",
            "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html, https://github.com/patroni/patroni/pull/3245",
        );
    }
}

/// The blueprint's list of libraries with the one that counts statements, unless it is there; a list that is empty loads nothing.
fn with_statistics(name: &str, value: &str) -> Option<String> {
    let loaded = value::libraries(value);
    let lacks = !loaded.is_empty() && loaded.iter().all(|library| library != STATEMENTS);
    (name == "shared_preload_libraries" && lacks).then(|| format!("{STATEMENTS}, {value}"))
}

/// Where it pays, and where PostgreSQL can be asked how many pages it needs.
fn reserves_huge_pages(settings: &BTreeMap<String, String>, major: u16) -> bool {
    let buffers = settings.get("shared_buffers").and_then(|value| kib("shared_buffers", value)).unwrap_or_default();
    let tries = settings.get("huge_pages").is_some_and(|value| value.eq_ignore_ascii_case("try"));
    let usual = !settings.contains_key("huge_page_size");
    major >= 15 && tries && usual && buffers >= HUGE_PAGES_FROM_KIB
}

fn number(settings: &BTreeMap<String, String>, name: &str, default: u32) -> u32 {
    settings.get(name).and_then(|value| count(name, value)).unwrap_or(default)
}

pub fn max_connections(settings: &BTreeMap<String, String>) -> u32 {
    number(settings, "max_connections", MAX_CONNECTIONS).min(MOST_CONNECTIONS)
}
