//! PostgreSQL's version and settings as they result.

use std::collections::BTreeMap;

use super::decision::{Ledger, list};
use super::settings::defaults;
use super::sizing::{kib, whole};
use super::{BaseImage, Postgres};
use crate::blueprint::model::Blueprint;

/// PostgreSQL's own default (<https://www.postgresql.org/docs/current/runtime-config-connection.html>), doubled:
/// HAProxy in front holds what does not fit in a queue.
pub const MAX_CONNECTIONS: u32 = 200;
/// PostgreSQL starts with no more: `MAX_BACKENDS`.
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
        ledger.add(&format!("postgres.{name}"), value, from, "the blueprint says so", "the blueprint");
        settings.insert(name.clone(), value.clone());
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
    }
}

/// Where it pays, and where PostgreSQL can be asked how many pages it needs.
fn reserves_huge_pages(settings: &BTreeMap<String, String>, major: u16) -> bool {
    let buffers = settings.get("shared_buffers").and_then(|value| kib("shared_buffers", value)).unwrap_or_default();
    let tries = settings.get("huge_pages").is_some_and(|value| value.eq_ignore_ascii_case("try"));
    let usual = !settings.contains_key("huge_page_size");
    major >= 15 && tries && usual && buffers >= HUGE_PAGES_FROM_KIB
}

fn number(settings: &BTreeMap<String, String>, name: &str, default: u32) -> u32 {
    settings.get(name).and_then(|value| whole(name, value)).unwrap_or(default)
}

pub fn max_connections(settings: &BTreeMap<String, String>) -> u32 {
    number(settings, "max_connections", MAX_CONNECTIONS).min(MOST_CONNECTIONS)
}
