//! Settings that follow from the machines' memory, processors and disks.

use super::{DatabaseBlocks, Setting, manual, mib, setting};
use crate::cluster::decision::list;
use crate::cluster::sizing;

/// PostgreSQL's own default of `max_worker_processes`.
const WORKER_PROCESSES: u32 = 8;

pub fn memory(blocks: &DatabaseBlocks, max_connections: u32) -> Vec<Setting> {
    let Some(memory) = blocks.least(|instance| instance.memory_mib) else { return vec![] };
    let from = || blocks.attributes("memory_gb");
    let shared = [from(), list(["postgres.max_connections"])].concat();
    vec![
        setting(
            "shared_buffers",
            mib(sizing::shared_buffers_mib(memory)),
            from(),
            "A quarter of memory, as the manual advises for a dedicated server.",
            manual!("resource", "SHARED-BUFFERS"),
        ),
        setting(
            "huge_pages",
            "try",
            vec![],
            "PostgreSQL uses huge pages where the kernel has reserved enough. A machine with fewer must still start.",
            manual!("resource", "HUGE-PAGES"),
        ),
        setting(
            "effective_cache_size",
            mib(sizing::effective_cache_size_mib(memory)),
            from(),
            "Three quarters of memory, which PostgreSQL and the kernel cache between them. This allocates nothing.",
            manual!("query", "EFFECTIVE-CACHE-SIZE"),
        ),
        setting(
            "work_mem",
            mib(sizing::work_mem_mib(memory, max_connections)),
            shared,
            "A quarter of memory divided by max_connections, so that all connections may sort at once. At least PostgreSQL's default \
             of 4 MB.",
            manual!("resource", "WORK-MEM"),
        ),
        setting(
            "maintenance_work_mem",
            mib(sizing::maintenance_work_mem_mib(memory)),
            from(),
            "A sixteenth of memory, between 64 MB and 1 GB, for a manual VACUUM or an index build. Before PostgreSQL 17, VACUUM cannot \
             use more than 1 GB.",
            manual!("resource", "MAINTENANCE-WORK-MEM"),
        ),
        setting(
            "autovacuum_work_mem",
            mib(sizing::autovacuum_work_mem_mib(memory)),
            from(),
            "A thirty-second of memory, between 64 MB and 1 GB. All workers together take at most a quarter of memory.",
            manual!("resource", "AUTOVACUUM-WORK-MEM"),
        ),
    ]
}

pub fn parallelism(blocks: &DatabaseBlocks) -> Vec<Setting> {
    let Some(vcpus) = blocks.least(|instance| instance.vcpus) else { return vec![] };
    const ONE: &str =
        "Half the processors, four at most. One report must not take the whole machine from everybody else.";
    let from = || blocks.attributes("vcpus");
    let of_one = sizing::workers_of_one(vcpus).to_string();
    vec![
        setting(
            "max_worker_processes",
            (vcpus + WORKER_PROCESSES).to_string(),
            list(["postgres.max_parallel_workers"]),
            "As many as parallel queries may use, plus PostgreSQL's default of eight for extensions and logical replication.",
            manual!("resource", "MAX-WORKER-PROCESSES"),
        ),
        setting(
            "max_parallel_workers",
            vcpus.to_string(),
            from(),
            "One per processor. More would only take turns.",
            manual!("resource", "MAX-PARALLEL-WORKERS"),
        ),
        setting(
            "max_parallel_workers_per_gather",
            of_one.clone(),
            from(),
            ONE,
            manual!("resource", "MAX-PARALLEL-WORKERS-PER-GATHER"),
        ),
        setting(
            "max_parallel_maintenance_workers",
            of_one,
            from(),
            ONE,
            manual!("resource", "MAX-PARALLEL-MAINTENANCE-WORKERS"),
        ),
    ]
}

/// Makes vacuum keep up with large tables.
pub fn autovacuum(blocks: &DatabaseBlocks) -> Vec<Setting> {
    const OFTEN: &str = "A table is vacuumed when a twentieth of it has changed, instead of a fifth, and analyzed after a fiftieth. Each \
                         run of a large table has less to do, and the table bloats less.";
    const INSERTS: &str = "A table that only grows is vacuumed before a twentieth of it is new. Its pages become visible to index-only \
                           scans, and are frozen long before an emergency.";
    let mut all = vec![
        setting(
            "autovacuum_vacuum_scale_factor",
            "0.05",
            vec![],
            OFTEN,
            manual!("autovacuum", "AUTOVACUUM-VACUUM-SCALE-FACTOR"),
        ),
        setting(
            "autovacuum_analyze_scale_factor",
            "0.02",
            vec![],
            OFTEN,
            manual!("autovacuum", "AUTOVACUUM-ANALYZE-SCALE-FACTOR"),
        ),
        setting(
            "autovacuum_vacuum_insert_scale_factor",
            "0.05",
            vec![],
            INSERTS,
            manual!("autovacuum", "AUTOVACUUM-VACUUM-INSERT-SCALE-FACTOR"),
        ),
        setting(
            "autovacuum_vacuum_cost_delay",
            "2ms",
            vec![],
            "PostgreSQL's own default. It is set because autovacuum_vacuum_cost_limit is computed from it.",
            manual!("autovacuum", "AUTOVACUUM-VACUUM-COST-DELAY"),
        ),
        setting(
            "autovacuum_vacuum_cost_limit",
            sizing::autovacuum_cost_limit(blocks.least_throughput()).to_string(),
            blocks.disk_attributes("throughput"),
            "All workers together write at most half of the disk's throughput. A page that they dirty costs 20, and the limit is spent \
             500 times per second. At least PostgreSQL's default of 200.",
            manual!("autovacuum", "AUTOVACUUM-VACUUM-COST-LIMIT"),
        ),
    ];
    if let Some(vcpus) = blocks.least(|instance| instance.vcpus) {
        all.push(setting(
            "autovacuum_max_workers",
            sizing::autovacuum_workers(vcpus).to_string(),
            blocks.attributes("vcpus"),
            "One per two processors, between 3 and 8. Workers share the cost limit, so more of them write no more, but small tables need \
             not wait for a large one.",
            manual!("autovacuum", "AUTOVACUUM-MAX-WORKERS"),
        ));
    }
    all
}

pub fn planner() -> Vec<Setting> {
    vec![
        setting(
            "random_page_cost",
            "1.1",
            vec![],
            "gp3 is an SSD, where a random page costs little more than the next one.",
            manual!("query", "RANDOM-PAGE-COST"),
        ),
        setting(
            "effective_io_concurrency",
            "16",
            vec![],
            "gp3 serves many reads at once, each within about a millisecond. This is PostgreSQL 18's own default. Earlier majors read \
             one page at a time.",
            manual!("resource", "EFFECTIVE-IO-CONCURRENCY"),
        ),
    ]
}
