//! PostgreSQL's version and settings.

use std::collections::BTreeMap;

use super::{BaseImage, Postgres, sizing};
use crate::blueprint::model::Blueprint;

/// PostgreSQL's own default (<https://www.postgresql.org/docs/current/runtime-config-connection.html>), doubled:
/// HAProxy in front holds what does not fit in a queue.
const MAX_CONNECTIONS: u32 = 200;
/// PostgreSQL's own default.
const SUPERUSER_RESERVED_CONNECTIONS: u32 = 3;

/// Patroni's own default of `max_wal_senders` and `max_replication_slots`: the least there are.
const WAL_SENDERS: u32 = 10;

/// The version, the settings (the blueprint's over pgherd's) and what exists from the start.
pub fn resolve(blueprint: &Blueprint) -> Postgres {
    let base = BaseImage::of(blueprint.image.base);
    let major = blueprint.postgres.version.unwrap_or(base.own_postgres);
    let mut settings = defaults(blueprint);
    settings.extend(blueprint.postgres.settings.clone());
    let number = |name: &str, default| settings.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    Postgres {
        major,
        pgdg: !base.own_patroni_fits || major != base.own_postgres,
        max_connections: number("max_connections", MAX_CONNECTIONS),
        reserved_connections: number("superuser_reserved_connections", SUPERUSER_RESERVED_CONNECTIONS),
        settings,
        databases: blueprint.postgres.databases.clone(),
        users: blueprint.postgres.users.clone(),
    }
}

/// Settings that every cluster starts with. Sizes fit the smallest of the database machines: any may become primary.
fn defaults(blueprint: &Blueprint) -> BTreeMap<String, String> {
    let mut kinds = vec![&blueprint.master];
    if blueprint.slave_count > 0 {
        kinds.push(&blueprint.slaves);
    }
    let mib = |n: u64| format!("{n}MB");
    let disk = kinds.iter().map(|m| m.disk.size).min().unwrap_or(blueprint.master.disk.size);
    let mut settings = BTreeMap::from([
        ("max_connections".to_string(), MAX_CONNECTIONS.to_string()),
        ("max_slot_wal_keep_size".into(), mib(sizing::max_slot_wal_keep_mib(disk))),
        ("max_wal_size".into(), mib(sizing::max_wal_size_mib(disk))),
        // What a person at 3 a.m. needs in the log.
        ("log_checkpoints".into(), "on".into()),
        ("log_lock_waits".into(), "on".into()),
        ("log_autovacuum_min_duration".into(), "10s".into()),
        ("log_temp_files".into(), "10MB".into()),
        ("log_line_prefix".into(), "%m [%p] %q%u@%d %h ".into()),
        // A client whose machine died is found within two minutes, not after the kernel's two hours.
        ("tcp_keepalives_idle".into(), "60".into()),
        ("tcp_keepalives_interval".into(), "10".into()),
        ("tcp_keepalives_count".into(), "6".into()),
        // A standby whose machine died stops holding up commits after this, not after a minute; it reconnects by itself.
        ("wal_sender_timeout".into(), "10s".into()),
        ("wal_receiver_timeout".into(), "10s".into()),
        // SSD: a random page costs little more than the next one.
        ("random_page_cost".into(), "1.1".into()),
    ]);
    // A standby that copies the primary takes two senders, and at the start all of them copy at once; some more are for tools.
    let senders = WAL_SENDERS.max(2 * u32::from(blueprint.slave_count) + 3);
    settings.insert("max_wal_senders".into(), senders.to_string());
    settings.insert("max_replication_slots".into(), senders.to_string());
    let memory: Option<Vec<u64>> = kinds.iter().map(|m| sizing::memory_mib(&m.instance_type)).collect();
    if let Some(memory) = memory.and_then(|all| all.into_iter().min()) {
        settings.insert("shared_buffers".into(), mib(sizing::shared_buffers_mib(memory)));
        settings.insert("effective_cache_size".into(), mib(sizing::effective_cache_size_mib(memory)));
    }
    settings
}
