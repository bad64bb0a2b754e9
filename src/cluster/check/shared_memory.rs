//! The shared memory that PostgreSQL maps when it starts. It does not start on a machine that has less.
//!
//! `CalculateShmemSize` (src/backend/storage/ipc/ipci.c) adds it up. The sizes of entries here were found by raising
//! one setting after the other and running `postgres -C shared_memory_size` of PostgreSQL 15. They are within a tenth of its result.

use super::layout::DatabaseKind;
use super::sum::{Sum, attribute, setting};
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::parameters::value::count;

/// The size of a lock's entry in bytes, with two holders and a tenth on top: `LockShmemSize` (lock.c).
const LOCK: u64 = 397;
/// The size of a predicate lock in bytes, with its target: `PredicateLockShmemSize` (predicate.c).
const PREDICATE_LOCK: u64 = 248;
/// What else a backend takes, in bytes: its `PGPROC`, semaphore, place in `ProcArray` and status.
const BACKEND: u64 = 6700;
/// The size of a statement that pg_stat_statements counts, in bytes: `pgss_memsize` (pg_stat_statements.c).
const STATEMENT: u64 = 385;
/// The size of a page's descriptor, lock and table entry, in bytes for each 8 KiB: `BufferShmemSize` (buf_init.c).
const PAGE: u64 = 200;
/// The caches of transaction states and everything small, in MiB.
const REST_MIB: u64 = 9;

/// PostgreSQL's own defaults (<https://www.postgresql.org/docs/current/runtime-config.html>).
const LOCKS: u64 = 64;
const WORKERS: u64 = 8;
const VACUUM_WORKERS: u64 = 3;
const VACUUM_SLOTS: u64 = 16;
const SENDERS: u64 = 10;
const STATEMENTS: u64 = 5000;
const QUERY_KIB: u64 = 1;
/// The default of wal_buffers is a 32nd of shared_buffers, at most one WAL segment.
const WAL_BUFFERS_KIB: u64 = 16 * 1024;
const SHARED_BUFFERS_KIB: u64 = 128 * 1024;

const BYTES: u64 = 1024 * 1024;

/// Returns what PostgreSQL maps besides the pages of shared_buffers, in MiB, by the setting that asks for it.
pub(super) fn beside_buffers(cluster: &Cluster) -> Vec<(&'static str, u64)> {
    let postgres = &cluster.postgres;
    let count = |name: &str, default: u64| {
        postgres.settings.get(name).and_then(|text| count(name, text)).map_or(default, u64::from)
    };
    let vacuum = match postgres.major {
        18.. => count("autovacuum_worker_slots", VACUUM_SLOTS),
        _ => count("autovacuum_max_workers", VACUUM_WORKERS),
    };
    // `MaxBackends` (postinit.c), including autovacuum's launcher.
    let workers = vacuum + 1 + count("max_worker_processes", WORKERS) + count("max_wal_senders", SENDERS);
    let backends = u64::from(postgres.max_connections) + workers;
    let holders = backends + count("max_prepared_transactions", 0);
    let buffers = setting(cluster, "shared_buffers", SHARED_BUFFERS_KIB);
    let pages = buffers / 8;
    let statements =
        if postgres.preloads("pg_stat_statements") { count("pg_stat_statements.max", STATEMENTS) } else { 0 };
    vec![
        ("max_locks_per_transaction x backends", count("max_locks_per_transaction", LOCKS) * holders * LOCK / BYTES),
        (
            "max_pred_locks_per_transaction x backends",
            count("max_pred_locks_per_transaction", LOCKS) * holders * PREDICATE_LOCK / BYTES,
        ),
        ("backends", holders * BACKEND / BYTES),
        (
            "track_activity_query_size x backends",
            setting(cluster, "track_activity_query_size", QUERY_KIB) * backends / 1024,
        ),
        ("wal_buffers", setting(cluster, "wal_buffers", WAL_BUFFERS_KIB.min(buffers / 32)) / 1024),
        ("min_dynamic_shared_memory", setting(cluster, "min_dynamic_shared_memory", 0) / 1024),
        ("pg_stat_statements.max", statements * STATEMENT / BYTES),
        ("page descriptors and the rest", pages * PAGE / BYTES + REST_MIB),
    ]
}

/// Compares all shared memory with the machine's memory.
pub(super) fn sum(cluster: &Cluster, DatabaseKind { block, shown, machine }: &DatabaseKind) -> Option<Sum> {
    let mut parts = vec![("shared_buffers", setting(cluster, "shared_buffers", SHARED_BUFFERS_KIB) / 1024)];
    parts.extend(beside_buffers(cluster));
    const ASKED: [&str; 9] = [
        "max_locks_per_transaction",
        "max_pred_locks_per_transaction",
        "track_activity_query_size",
        "wal_buffers",
        "min_dynamic_shared_memory",
        "pg_stat_statements.max",
        "max_prepared_transactions",
        "max_connections",
        "shared_buffers",
    ];
    Some(Sum {
        what: format!("shared memory, {shown}"),
        unit: "MiB",
        limit: machine.block.instance?.memory_mib,
        limit_is: format!("memory of {}", machine.block.instance_type),
        parts,
        rule: Some(&rules::SHARED_MEMORY),
        attribute: attribute(cluster, &ASKED, &format!("{block}.instance_type")),
    })
}

#[cfg(test)]
mod tests {
    use crate::blueprint::model::Blueprint;
    use crate::cluster::resolve;

    /// The figures are from `postgres -C shared_memory_size` of PostgreSQL 15, in MiB, with shared_buffers = 128MB and its defaults.
    #[test]
    fn what_is_added_up_is_what_postgres_says_within_a_tenth() {
        for (name, value, said) in [
            ("max_connections", "1000", 184),
            ("max_connections", "10000", 617),
            ("max_connections", "200000", 9488),
            ("max_locks_per_transaction", "100000", 4762),
            ("max_pred_locks_per_transaction", "100000", 3023),
            ("max_prepared_transactions", "100000", 4627),
            ("max_wal_senders", "10000", 621),
            ("wal_buffers", "1GB", 1164),
            ("min_dynamic_shared_memory", "1GB", 1167),
            ("shared_buffers", "8GB", 8399),
        ] {
            let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
            let settings = &mut blueprint.postgres.settings;
            blueprint.postgres.version = Some(15);
            for (name, value) in [("shared_buffers", "128MB"), ("max_connections", "100"), (name, value)] {
                settings.insert(name.into(), value.into());
            }
            let cluster = resolve(&blueprint);
            let buffers = super::setting(&cluster, "shared_buffers", 0) / 1024;
            let total: u64 = buffers + super::beside_buffers(&cluster).iter().map(|(_, part)| part).sum::<u64>();
            assert!(total.abs_diff(said) <= said / 10, "{name} = {value}: {total}, not {said}");
        }
    }
}
