//! Sizes that follow from the machine.

/// Memory in MiB of the instance types that people run databases on; `None` for one that is not known here.
///
/// A family has a fixed ratio of memory to vCPU and each size doubles the last
/// (<https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html>).
pub fn memory_mib(instance_type: &str) -> Option<u64> {
    let (family, size) = instance_type.split_once('.')?;
    let series = family.trim_end_matches(|c: char| !c.is_ascii_digit());
    if series.starts_with('t') {
        let gib_halves: u64 = match size {
            "nano" => 1,
            "micro" => 2,
            "small" => 4,
            "medium" => 8,
            "large" => 16,
            "xlarge" => 32,
            "2xlarge" => 64,
            _ => return None,
        };
        return matches!(series, "t3" | "t4").then_some(gib_halves * 512);
    }
    let gib_per_vcpu: u64 = match series {
        "m5" | "m6" | "m7" | "m8" => 4,
        "r5" | "r6" | "r7" | "r8" => 8,
        "c6" | "c7" | "c8" => 2,
        "i4" if family.starts_with("i4i") || family.starts_with("i4g") => 8,
        "x2" if family.starts_with("x2gd") => 16,
        _ => return None,
    };
    let vcpus: u64 = match size {
        "medium" => 1,
        "large" => 2,
        "xlarge" => 4,
        _ => size.strip_suffix("xlarge")?.parse::<u64>().ok()?.checked_mul(4)?,
    };
    Some(gib_per_vcpu * vcpus * 1024)
}

/// `shared_buffers` in MiB: a quarter of memory, as PostgreSQL's manual advises for a dedicated server
/// (<https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS>).
pub fn shared_buffers_mib(memory_mib: u64) -> u64 {
    memory_mib / 4
}

/// `effective_cache_size` in MiB: three quarters of memory, what PostgreSQL and the kernel cache between them.
pub fn effective_cache_size_mib(memory_mib: u64) -> u64 {
    memory_mib * 3 / 4
}

/// `max_slot_wal_keep_size` in MiB: a quarter of the disk, so that a standby that is gone can never fill it.
pub fn max_slot_wal_keep_mib(disk_gib: u32) -> u64 {
    u64::from(disk_gib) * 1024 / 4
}

/// `max_wal_size` in MiB: a tenth of the disk, between PostgreSQL's own default of 1 GiB and 16 GiB; larger makes crash recovery longer.
pub fn max_wal_size_mib(disk_gib: u32) -> u64 {
    (u64::from(disk_gib) * 1024 / 10).clamp(1024, 16 * 1024)
}
