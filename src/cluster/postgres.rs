//! PostgreSQL's version and settings.

use std::collections::BTreeMap;

use super::decision::{Ledger, list};
use super::instance::Instance;
use super::{BaseImage, Postgres, sizing};
use crate::blueprint::model::Blueprint;

/// PostgreSQL's own default (<https://www.postgresql.org/docs/current/runtime-config-connection.html>), doubled:
/// HAProxy in front holds what does not fit in a queue.
const MAX_CONNECTIONS: u32 = 200;
/// PostgreSQL starts with no more: `MAX_BACKENDS`.
const MOST_CONNECTIONS: u32 = 262_143;
/// PostgreSQL's own default.
const SUPERUSER_RESERVED_CONNECTIONS: u32 = 3;

/// Patroni's own default of `max_wal_senders` and `max_replication_slots`: the least there are.
const WAL_SENDERS: u32 = 10;

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
    for default in defaults(blueprint) {
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
    let number = |name: &str, default| settings.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    Postgres {
        major,
        pgdg,
        max_connections: number("max_connections", MAX_CONNECTIONS).min(MOST_CONNECTIONS),
        reserved_connections: number("superuser_reserved_connections", SUPERUSER_RESERVED_CONNECTIONS)
            .saturating_add(number("reserved_connections", 0)),
        settings,
        databases: blueprint.postgres.databases.clone(),
        users: blueprint.postgres.users.clone(),
    }
}

/// A setting that pgherd decides.
struct Setting {
    name: &'static str,
    value: String,
    from: Vec<String>,
    why: &'static str,
    source: &'static str,
}

const MANUAL: &str = "https://www.postgresql.org/docs/current/runtime-config.html";
const RESOURCES: &str = "https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS";
const WAL: &str = "https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-MAX-WAL-SIZE";
const REPLICATION: &str = "https://www.postgresql.org/docs/current/runtime-config-replication.html";

/// Settings that every cluster starts with. Sizes fit the smallest of the database machines: any may become primary.
fn defaults(blueprint: &Blueprint) -> Vec<Setting> {
    let mut kinds = vec![("master", &blueprint.master)];
    if blueprint.slave_count > 0 {
        kinds.push(("slaves", &blueprint.slaves));
    }
    let from = |attribute: &str| kinds.iter().map(|(block, _)| format!("{block}.{attribute}")).collect::<Vec<_>>();
    let mib = |n: u64| format!("{n}MB");
    let disk = kinds.iter().map(|(_, m)| m.disk.size).min().unwrap_or(blueprint.master.disk.size);
    let sized = |name, value, from, why, source| Setting { name, value, from, why, source };
    let fixed = |name, value: &str, why| Setting { name, value: value.into(), from: vec![], why, source: MANUAL };
    const LOG: &str = "what a person at 3 a.m. needs in the log";
    const KEEPALIVE: &str = "a client whose machine died is found within two minutes, not after the kernel's two hours";
    const STANDBY: &str =
        "a standby whose machine died stops holding up commits after this, not after a minute; it reconnects by itself";
    const RETRY: &str =
        "a standby looks for its new primary every second, not every five: until one streams, commits wait";
    let mut all = vec![
        fixed(
            "max_connections",
            &MAX_CONNECTIONS.to_string(),
            "PostgreSQL's own default, doubled; HAProxy holds what does not fit in a queue",
        ),
        sized(
            "max_slot_wal_keep_size",
            mib(sizing::max_slot_wal_keep_mib(disk)),
            from("disk.size"),
            "a quarter of the disk, so that a standby that is gone can never fill it",
            REPLICATION,
        ),
        sized(
            "max_wal_size",
            mib(sizing::max_wal_size_mib(disk)),
            from("disk.size"),
            "a tenth of the disk, 1 to 16 GiB: larger makes crash recovery longer",
            WAL,
        ),
        fixed("log_checkpoints", "on", LOG),
        fixed("log_lock_waits", "on", LOG),
        fixed("log_autovacuum_min_duration", "10s", LOG),
        fixed("log_temp_files", "10MB", LOG),
        fixed("log_line_prefix", "%m [%p] %q%u@%d %h ", LOG),
        fixed("tcp_keepalives_idle", "60", KEEPALIVE),
        fixed("tcp_keepalives_interval", "10", KEEPALIVE),
        fixed("tcp_keepalives_count", "6", KEEPALIVE),
        sized("wal_sender_timeout", "10s".into(), vec![], STANDBY, REPLICATION),
        sized("wal_receiver_timeout", "10s".into(), vec![], STANDBY, REPLICATION),
        sized("wal_retrieve_retry_interval", "1s".into(), vec![], RETRY, REPLICATION),
        fixed("random_page_cost", "1.1", "SSD: a random page costs little more than the next one"),
    ];
    const WHY: &str = "a standby that copies the primary takes two senders, and at the start all of them copy; some more are for tools";
    let senders = WAL_SENDERS.max(2 * u32::from(blueprint.slave_count) + 3);
    for name in ["max_wal_senders", "max_replication_slots"] {
        all.push(sized(name, senders.to_string(), list(["slaves.count"]), WHY, REPLICATION));
    }
    let memory: Option<Vec<u64>> =
        kinds.iter().map(|(_, m)| Instance::of(&m.instance_type).map(|instance| instance.memory_mib)).collect();
    if let Some(memory) = memory.and_then(|all| all.into_iter().min()) {
        all.push(sized(
            "shared_buffers",
            mib(sizing::shared_buffers_mib(memory)),
            from("instance_type"),
            "a quarter of memory, as the manual advises for a dedicated server",
            RESOURCES,
        ));
        all.push(sized(
            "effective_cache_size",
            mib(sizing::effective_cache_size_mib(memory)),
            from("instance_type"),
            "three quarters of memory: what PostgreSQL and the kernel cache between them",
            "https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-EFFECTIVE-CACHE-SIZE",
        ));
    }
    all
}
