//! Sizes that follow from the machine. The reasons and sources of these rules are in `settings/resources.rs`.

/// Returns `shared_buffers` in MiB.
pub fn shared_buffers_mib(memory_mib: u64) -> u64 {
    memory_mib / 4
}

/// Returns the size of all page tables in MiB. Each connection has its own for all of `shared_buffers`: 8 bytes per page of 4 KiB.
pub fn page_tables_mib(shared_buffers_mib: u64, connections: u64) -> u64 {
    shared_buffers_mib * connections / 512
}

/// Returns `effective_cache_size` in MiB.
pub fn effective_cache_size_mib(memory_mib: u64) -> u64 {
    memory_mib * 3 / 4
}

/// Returns `maintenance_work_mem` in MiB. It is at least PostgreSQL's own default.
pub fn maintenance_work_mem_mib(memory_mib: u64) -> u64 {
    (memory_mib / 16).clamp(64, 1024)
}

/// Returns `autovacuum_work_mem` in MiB. [`autovacuum_workers`] times this is at most a quarter of memory.
pub fn autovacuum_work_mem_mib(memory_mib: u64) -> u64 {
    (memory_mib / 32).clamp(64, 1024)
}

/// Returns `autovacuum_max_workers`. It is at least PostgreSQL's own default.
pub fn autovacuum_workers(vcpus: u32) -> u32 {
    (vcpus / 2).clamp(3, 8)
}

/// Returns `autovacuum_vacuum_cost_limit` for a delay of 2 ms. Half of the throughput (in MiB per second) is 64 pages of 8 KiB per
/// MiB, each page costs 20, and there are 500 rounds per second. PostgreSQL's default is 200, and its maximum is 10,000.
pub fn autovacuum_cost_limit(throughput: u32) -> u32 {
    (throughput * 64 * 20 / 500).clamp(200, 10_000)
}

/// Returns `work_mem` in MiB. It is at least PostgreSQL's own default.
pub fn work_mem_mib(memory_mib: u64, max_connections: u32) -> u64 {
    (memory_mib / 4 / u64::from(max_connections.max(1))).max(4)
}

/// Returns the number of workers of one query or one index build. With a single processor no worker helps.
pub fn workers_of_one(vcpus: u32) -> u32 {
    (vcpus / 2).min(4)
}

/// Returns `max_slot_wal_keep_size` in MiB.
pub fn max_slot_wal_keep_mib(disk_gib: u32) -> u64 {
    u64::from(disk_gib) * 1024 / 4
}

/// Returns `max_wal_size` in MiB.
pub fn max_wal_size_mib(disk_gib: u32) -> u64 {
    (u64::from(disk_gib) * 1024 / 10).clamp(1024, 16 * 1024)
}
