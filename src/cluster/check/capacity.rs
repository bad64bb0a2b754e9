//! The sums of a cluster: connections, memory, disks. Each must stay within a limit.

use super::layout::{DatabaseKind, kinds};
use super::sum::{Sum, attribute, setting};
use super::{Finding, network, shared_memory};
use crate::blueprint::model::Disk;
use crate::blueprint::rules;
use crate::cluster::sizing::page_tables_mib;
use crate::cluster::{Cluster, Role};
use crate::parameters::value::{count, kib};

/// The share of the system and its packages in a root disk, in MiB.
const SYSTEM_MIB: u64 = 4096;
/// PostgreSQL's own defaults, in kB and as a number of workers
/// (<https://www.postgresql.org/docs/current/runtime-config-resource.html>).
const SHARED_BUFFERS: u64 = 128 * 1024;
const WORK_MEM: u64 = 4 * 1024;
const MAINTENANCE_WORK_MEM: u64 = 64 * 1024;
const AUTOVACUUM_WORKERS: u64 = 3;
/// Two buffers per connection, in KiB (<https://docs.haproxy.org/3.0/configuration.html#3.2-tune.bufsize>).
const HAPROXY_BUFFERS_KIB: u64 = 2 * 16;
/// The share of the system, Patroni and etcd in a database's memory, in MiB.
const DATABASE_SYSTEM_MIB: u64 = 512;
/// The share of the system in HAProxy's memory, in MiB.
const HAPROXY_SYSTEM_MIB: u64 = 256;
/// The most workers that PostgreSQL accepts.
const MOST_WORKERS: u32 = 262_143;

/// Returns all sums of a cluster.
pub fn sums(cluster: &Cluster) -> Vec<Sum> {
    let mut all = vec![connections(cluster)];
    all.extend(haproxy_memory(cluster));
    for kind in kinds(cluster) {
        all.extend(memory(cluster, &kind));
        all.extend(shared_memory::sum(cluster, &kind));
        all.push(wal(cluster, &kind));
        all.extend(link(&kind));
    }
    all.extend(network::sums(cluster));
    all
}

fn connections(cluster: &Cluster) -> Sum {
    let limits = &cluster.haproxy.limits;
    let settings = ["superuser_reserved_connections", "reserved_connections", "max_connections"];
    Sum {
        what: "connections, each database".into(),
        unit: "connections",
        limit: limits.max_connections.into(),
        limit_is: "max_connections".into(),
        parts: vec![
            ("HAProxy's write", limits.write.into()),
            ("read", limits.read.into()),
            ("reads on the primary", limits.read_fallback.into()),
            ("reserved", limits.kept.into()),
        ],
        rule: Some(&rules::CONNECTIONS_RESERVED),
        attribute: attribute(cluster, &settings, "postgres.settings"),
    }
}

fn haproxy_memory(cluster: &Cluster) -> Option<Sum> {
    let machine = cluster.machine_of(Role::Haproxy)?;
    Some(Sum {
        what: "memory, HAProxy".into(),
        unit: "MiB",
        limit: machine.block.instance?.memory_mib,
        limit_is: format!("memory of {}", machine.block.instance_type),
        parts: vec![
            ("buffers x connections", u64::from(cluster.haproxy.limits.global) * HAPROXY_BUFFERS_KIB / 1024),
            ("the system", HAPROXY_SYSTEM_MIB),
        ],
        rule: Some(&rules::HAPROXY_MEMORY),
        attribute: attribute(cluster, &["max_connections"], "haproxy.instance_type"),
    })
}

fn memory(cluster: &Cluster, DatabaseKind { block, shown, machine }: &DatabaseKind) -> Option<Sum> {
    let instance = machine.block.instance?;
    let connections = u64::from(cluster.postgres.max_connections);
    // When it is -1 or not set, maintenance_work_mem applies.
    let own = cluster.postgres.settings.get("autovacuum_work_mem");
    let own = own.is_some_and(|text| kib("autovacuum_work_mem", text) != Some(-1));
    let vacuum = if own { "autovacuum_work_mem" } else { "maintenance_work_mem" };
    let maintenance = setting(cluster, vacuum, MAINTENANCE_WORK_MEM);
    let workers =
        cluster.postgres.settings.get("autovacuum_max_workers").and_then(|n| count("autovacuum_max_workers", n));
    let workers = workers.map(|workers: u32| u64::from(workers.min(MOST_WORKERS)));
    let buffers = setting(cluster, "shared_buffers", SHARED_BUFFERS) / 1024;
    // With huge pages a page table has a 512th of the entries.
    let (name, pages) = match cluster.postgres.reserves_huge_pages {
        true => ("shared_buffers in huge pages", 0),
        false => ("shared_buffers", page_tables_mib(buffers, connections)),
    };
    Some(Sum {
        what: format!("memory, {shown}"),
        unit: "MiB",
        limit: instance.memory_mib,
        limit_is: format!("memory of {}", machine.block.instance_type),
        parts: vec![
            (name, buffers),
            ("other shared memory", shared_memory::beside_buffers(cluster).iter().map(|(_, part)| part).sum()),
            ("page tables x max_connections", pages),
            ("work_mem x max_connections", setting(cluster, "work_mem", WORK_MEM) * connections / 1024),
            (
                if own {
                    "autovacuum_work_mem x autovacuum_max_workers"
                } else {
                    "maintenance_work_mem x autovacuum_max_workers"
                },
                maintenance * workers.unwrap_or(AUTOVACUUM_WORKERS) / 1024,
            ),
            ("the system", DATABASE_SYSTEM_MIB),
        ],
        rule: Some(&rules::MEMORY_OVERSUBSCRIBED),
        attribute: attribute(
            cluster,
            &["work_mem", "max_connections", "shared_buffers"],
            &format!("{block}.instance_type"),
        ),
    })
}

fn wal(cluster: &Cluster, DatabaseKind { block, shown, machine }: &DatabaseKind) -> Sum {
    let mib = |name, default_mib: u64| setting(cluster, name, default_mib * 1024) / 1024;
    let slots = if cluster.slaves().next().is_some() { mib("max_slot_wal_keep_size", 0) } else { 0 };
    Sum {
        what: format!("disk for WAL, {shown}"),
        unit: "MiB",
        limit: u64::from(machine.block.disk.size) * 1024,
        limit_is: format!("{block}.disk.size"),
        parts: vec![
            ("max_slot_wal_keep_size", slots),
            ("max_wal_size", mib("max_wal_size", 1024)),
            ("wal_keep_size", mib("wal_keep_size", 0)),
            ("the system", SYSTEM_MIB),
        ],
        rule: Some(&rules::WAL_EXCEEDS_DISK),
        attribute: attribute(
            cluster,
            &["max_slot_wal_keep_size", "max_wal_size", "wal_keep_size"],
            &format!("{block}.disk.size"),
        ),
    }
}

/// Compares a volume's performance with what its machine can use of all its volumes.
fn link(DatabaseKind { block, shown, machine }: &DatabaseKind) -> Vec<Sum> {
    let Some(link) = machine.block.instance.and_then(|instance| instance.link) else { return vec![] };
    let disk = machine.block.disk;
    let sum = |what, unit, [baseline, maximum]: [u32; 2], part: u32, rule, included, name| Sum {
        what: format!("{what}, {shown}"),
        unit,
        limit: maximum.into(),
        limit_is: match baseline < maximum {
            true => {
                format!("what {} can use for 30 minutes a day; its baseline is {baseline}", machine.block.instance_type)
            }
            false => format!("what {} can use", machine.block.instance_type),
        },
        parts: vec![("disk", part.into())],
        // What every volume includes at no extra cost is not wasted.
        rule: (part > included).then_some(rule),
        attribute: format!("{block}.disk.{name}"),
    };
    const BASE: Disk = Disk::GP3_BASELINE;
    let iops = [link.baseline_iops, link.maximum_iops];
    let throughput = [link.baseline_mib(), link.maximum_mib()];
    vec![
        sum("disk operations", "IOPS", iops, disk.iops, &rules::IOPS_WASTED, BASE.iops, "iops"),
        sum(
            "disk throughput",
            "MiB/s",
            throughput,
            disk.throughput,
            &rules::THROUGHPUT_WASTED,
            BASE.throughput,
            "throughput",
        ),
    ]
}

/// Returns the rules that the sums and the settings violate.
pub fn findings(cluster: &Cluster, sums: &[Sum]) -> Vec<Finding> {
    let mut found: Vec<Finding> = (sums.iter().filter(|sum| !sum.fits()))
        .filter_map(|sum| {
            let help = network::help(cluster, sum).unwrap_or_else(|| help(sum));
            Some(Finding::new(sum.rule?, &sum.attribute, exceeded(sum), help))
        })
        .collect();
    found.extend(network::findings(cluster));
    for kind in kinds(cluster) {
        found.extend(shared_buffers(cluster, &kind));
    }
    found
}

fn exceeded(sum: &Sum) -> String {
    let parts = sum.parts.iter().filter(|(_, part)| *part > 0).map(|(name, part)| format!("{name} {part}"));
    let parts: Vec<String> = parts.collect();
    let total = if parts.len() > 1 { format!(" = {}", sum.total()) } else { String::new() };
    format!("{}: {}{total} {} exceeds {} ({})", sum.what, parts.join(" + "), sum.unit, sum.limit, sum.limit_is)
}

fn help(sum: &Sum) -> String {
    let largest = sum.parts.iter().max_by_key(|(_, part)| part).map_or("", |(name, _)| name);
    match sum.parts.len() {
        1 => format!(
            "set {} to {} or less, or use a larger machine",
            sum.attribute.rsplit('.').next().unwrap_or_default(),
            sum.limit
        ),
        _ => format!(
            "{largest} is the largest part. Lower the settings that it depends on, or use a larger {}",
            larger(sum)
        ),
    }
}

/// Returns what of a machine has more of a sum's resource.
fn larger(sum: &Sum) -> &'static str {
    if sum.what.starts_with("disk") { "disk" } else { "machine" }
}

fn shared_buffers(cluster: &Cluster, DatabaseKind { block, machine, .. }: &DatabaseKind) -> Option<Finding> {
    let path = format!("{block}.instance_type");
    let Some(instance) = machine.block.instance else {
        let problem = format!(
            "pgherd does not know {}, and PostgreSQL's settings follow from its memory and processors",
            machine.block.instance_type
        );
        let help = format!("set memory_gb and vcpus in {block} {{ … }}");
        return Some(Finding::new(&rules::INSTANCE_UNKNOWN, &path, problem, help));
    };
    let buffers = setting(cluster, "shared_buffers", SHARED_BUFFERS) / 1024;
    (buffers * 4 > instance.memory_mib * 3).then(|| {
        let problem = format!(
            "{buffers} MiB of shared_buffers leave too little of the {} MiB of {} for anything else",
            instance.memory_mib, machine.block.instance_type
        );
        let help =
            format!("remove the setting; the default is a quarter of the memory ({} MiB)", instance.memory_mib / 4);
        Finding::new(&rules::SHARED_BUFFERS_TOO_LARGE, &attribute(cluster, &["shared_buffers"], &path), problem, help)
    })
}
