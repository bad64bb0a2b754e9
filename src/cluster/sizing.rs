//! Sizes that follow from the machine. The rules' reasons and sources stand with the decisions, in `postgres.rs`.

/// `shared_buffers` in MiB.
pub fn shared_buffers_mib(memory_mib: u64) -> u64 {
    memory_mib / 4
}

/// Page tables in MiB: each connection has one of its own of all of `shared_buffers`, 8 bytes for each page of 4 KiB.
pub fn page_tables_mib(shared_buffers_mib: u64, connections: u64) -> u64 {
    shared_buffers_mib * connections / 512
}

/// `effective_cache_size` in MiB.
pub fn effective_cache_size_mib(memory_mib: u64) -> u64 {
    memory_mib * 3 / 4
}

/// `maintenance_work_mem` in MiB: not below PostgreSQL's own default.
pub fn maintenance_work_mem_mib(memory_mib: u64) -> u64 {
    (memory_mib / 16).clamp(64, 1024)
}

/// `autovacuum_work_mem` in MiB. [`autovacuum_workers`] times this is a quarter of memory at most.
pub fn autovacuum_work_mem_mib(memory_mib: u64) -> u64 {
    (memory_mib / 32).clamp(64, 1024)
}

/// `autovacuum_max_workers`: not below PostgreSQL's own default.
pub fn autovacuum_workers(vcpus: u32) -> u32 {
    (vcpus / 2).clamp(3, 8)
}

/// `autovacuum_vacuum_cost_limit`, for a delay of 2 ms: half of the throughput (MiB a second) is 64 pages of 8 KiB a MiB, each costs
/// 20, and there are 500 rounds a second. PostgreSQL takes 200 by itself and 10,000 at most.
pub fn autovacuum_cost_limit(throughput: u32) -> u32 {
    (throughput * 64 * 20 / 500).clamp(200, 10_000)
}

/// `work_mem` in MiB: not below PostgreSQL's own default.
pub fn work_mem_mib(memory_mib: u64, max_connections: u32) -> u64 {
    (memory_mib / 4 / u64::from(max_connections.max(1))).max(4)
}

/// Workers of one query, or of one index that is built: none helps where there is one processor.
pub fn workers_of_one(vcpus: u32) -> u32 {
    (vcpus / 2).min(4)
}

/// `max_slot_wal_keep_size` in MiB.
pub fn max_slot_wal_keep_mib(disk_gib: u32) -> u64 {
    u64::from(disk_gib) * 1024 / 4
}

/// `max_wal_size` in MiB.
pub fn max_wal_size_mib(disk_gib: u32) -> u64 {
    (u64::from(disk_gib) * 1024 / 10).clamp(1024, 16 * 1024)
}
