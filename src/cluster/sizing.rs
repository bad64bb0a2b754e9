//! Sizes that follow from the machine, and settings' texts as numbers. The rules' reasons and sources stand with the
//! decisions, in `postgres.rs`.

use crate::blueprint::number_and_unit;

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

/// A pebibyte in kB: no setting is larger, and sums of products of it still have room.
const MOST_KIB: f64 = (1u64 << 40) as f64;
/// PostgreSQL's largest number, some 24 days.
const MOST_MS: f64 = i32::MAX as f64;

/// A size in kB from a setting's text; a bare number counts `unit_kib`. Negative means no limit, where that is allowed.
pub fn kib(text: &str, unit_kib: u64) -> Option<i64> {
    let (number, unit) = number_and_unit(text)?;
    let factor = match unit {
        "" => unit_kib as f64,
        "B" => 1.0 / 1024.0,
        "kB" => 1.0,
        "MB" => 1024.0,
        "GB" => 1024.0 * 1024.0,
        "TB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some((number * factor).clamp(-MOST_KIB, MOST_KIB) as i64)
}

/// Milliseconds from a setting's text; a bare number counts them already. None are less than 0.
pub fn milliseconds(text: &str) -> Option<u32> {
    let (number, unit) = number_and_unit(text).filter(|(number, _)| *number >= 0.0)?;
    let factor = match unit {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    Some((number * factor).min(MOST_MS) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_postgres_reads_them() {
        for (text, unit, expected) in [
            ("128MB", 8, Some(131_072)),
            ("16384", 8, Some(131_072)),
            ("4096", 1, Some(4096)),
            ("1GB", 1, Some(1_048_576)),
            ("1.5 GB", 1, Some(1_572_864)),
            ("2TB", 1, Some(2_147_483_648)),
            ("-1", 1024, Some(-1024)),
            ("0x10", 8, Some(128)),
            ("1e3", 1, Some(1000)),
            ("much", 1, None),
            ("10 apples", 1, None),
        ] {
            assert_eq!(kib(text, unit), expected, "{text}");
        }
        for (text, expected) in [
            ("10s", Some(10_000)),
            ("2500", Some(2500)),
            ("1min", Some(60_000)),
            ("0", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
