//! PostgreSQL's settings where the blueprint has none: each a rule with its reason and its source.

use super::decision::list;
use super::postgres::{MAX_CONNECTIONS, max_connections};
use super::{InstanceType, sizing};
use crate::blueprint::model::{Blueprint, Machine, least_wal_senders};

/// PostgreSQL's own default of `max_worker_processes`.
const WORKER_PROCESSES: u32 = 8;
/// Patroni's own default of `max_wal_senders` and `max_replication_slots`: the least there are.
const WAL_SENDERS: u32 = 10;

/// Counts statements; part of PostgreSQL's own package.
pub const STATEMENTS: &str = "pg_stat_statements";

/// A setting that pgherd decides.
pub struct Setting {
    pub name: &'static str,
    pub value: String,
    pub from: Vec<String>,
    pub why: &'static str,
    pub source: &'static str,
}

/// A page of PostgreSQL's manual, at a setting.
macro_rules! manual {
    ($page:literal, $setting:literal) => {
        concat!("https://www.postgresql.org/docs/current/runtime-config-", $page, ".html#GUC-", $setting)
    };
}

/// The database machines by their blocks: what fits the smallest fits all, and any may become primary.
struct Kinds<'a>(Vec<(&'static str, &'a Machine)>);

impl<'a> Kinds<'a> {
    fn of(blueprint: &'a Blueprint) -> Self {
        let mut kinds = vec![("master", &blueprint.master)];
        if blueprint.slave_count > 0 {
            kinds.push(("slaves", &blueprint.slaves));
        }
        Kinds(kinds)
    }

    fn smallest_disk(&self) -> u32 {
        self.0.iter().map(|(_, machine)| machine.disk.size).min().unwrap_or_default()
    }

    /// The least of what all machines have; `None` where one of them is not known.
    fn least<T: Ord>(&self, of: fn(InstanceType) -> T) -> Option<T> {
        let all: Option<Vec<T>> = self.0.iter().map(|(_, machine)| machine.instance.map(of)).collect();
        all?.into_iter().min()
    }

    /// MiB a second.
    fn least_throughput(&self) -> u32 {
        self.0.iter().map(|(_, machine)| machine.disk.throughput).min().unwrap_or_default()
    }

    fn disk_attributes(&self, attribute: &str) -> Vec<String> {
        self.0.iter().map(|(block, _)| format!("{block}.disk.{attribute}")).collect()
    }

    fn disks(&self) -> Vec<String> {
        self.disk_attributes("size")
    }

    /// What says how much a machine has: its type, or where that is not known the blueprint.
    fn from(&self, said: &str) -> Vec<String> {
        let attribute = |machine: &Machine| match InstanceType::of(&machine.instance_type) {
            Some(_) => "instance_type".to_string(),
            None => said.to_string(),
        };
        self.0.iter().map(|(block, machine)| format!("{block}.{}", attribute(machine))).collect()
    }
}

/// Settings that every cluster starts with, in the order in which they are written.
pub fn defaults(blueprint: &Blueprint, major: u16) -> Vec<Setting> {
    let kinds = Kinds::of(blueprint);
    let mut all = connections();
    all.extend(memory(&kinds, max_connections(&blueprint.postgres.settings)));
    all.extend(parallelism(&kinds));
    all.extend(autovacuum(&kinds));
    all.extend(wal(blueprint, &kinds, major));
    all.extend(replication(blueprint, &kinds));
    all.extend(logical(blueprint, major));
    all.extend(planner());
    all.extend(sessions());
    all.extend(statistics());
    all.extend(log(major));
    all
}

fn setting(
    name: &'static str,
    value: impl Into<String>,
    from: Vec<String>,
    why: &'static str,
    source: &'static str,
) -> Setting {
    Setting { name, value: value.into(), from, why, source }
}

fn mib(n: u64) -> String {
    format!("{n}MB")
}

fn connections() -> Vec<Setting> {
    const WHY: &str = "PostgreSQL's own default, doubled; HAProxy holds what does not fit in a queue";
    const KEEPALIVE: &str = "a client whose machine died is found within two minutes, not after the kernel's two hours";
    const SOURCE: &str = manual!("connection", "TCP-KEEPALIVES-IDLE");
    vec![
        setting("max_connections", MAX_CONNECTIONS.to_string(), vec![], WHY, manual!("connection", "MAX-CONNECTIONS")),
        setting("tcp_keepalives_idle", "60", vec![], KEEPALIVE, SOURCE),
        setting("tcp_keepalives_interval", "10", vec![], KEEPALIVE, SOURCE),
        setting("tcp_keepalives_count", "6", vec![], KEEPALIVE, SOURCE),
    ]
}

fn memory(kinds: &Kinds, max_connections: u32) -> Vec<Setting> {
    let Some(memory) = kinds.least(|instance| instance.memory_mib) else { return vec![] };
    let from = || kinds.from("memory_gb");
    let shared = [from(), list(["postgres.max_connections"])].concat();
    vec![
        setting(
            "shared_buffers",
            mib(sizing::shared_buffers_mib(memory)),
            from(),
            "a quarter of memory, as the manual advises for a dedicated server",
            manual!("resource", "SHARED-BUFFERS"),
        ),
        setting(
            "huge_pages",
            "try",
            vec![],
            "taken where the kernel has set some aside; a machine with fewer must still start",
            manual!("resource", "HUGE-PAGES"),
        ),
        setting(
            "effective_cache_size",
            mib(sizing::effective_cache_size_mib(memory)),
            from(),
            "three quarters of memory: what PostgreSQL and the kernel cache between them; nothing is allocated by it",
            manual!("query", "EFFECTIVE-CACHE-SIZE"),
        ),
        setting(
            "work_mem",
            mib(sizing::work_mem_mib(memory, max_connections)),
            shared,
            "a quarter of memory, shared out among max_connections: all may sort at once; not below PostgreSQL's own 4 MB",
            manual!("resource", "WORK-MEM"),
        ),
        setting(
            "maintenance_work_mem",
            mib(sizing::maintenance_work_mem_mib(memory)),
            from(),
            "a sixteenth of memory, 64 MB to 1 GB, for a VACUUM by hand or an index that is built; before PostgreSQL 17 VACUUM \
             cannot use more than 1 GB",
            manual!("resource", "MAINTENANCE-WORK-MEM"),
        ),
        setting(
            "autovacuum_work_mem",
            mib(sizing::autovacuum_work_mem_mib(memory)),
            from(),
            "a thirty-second of memory, 64 MB to 1 GB: as many workers as there may be take at most a quarter of memory",
            manual!("resource", "AUTOVACUUM-WORK-MEM"),
        ),
    ]
}

fn parallelism(kinds: &Kinds) -> Vec<Setting> {
    let Some(vcpus) = kinds.least(|instance| instance.vcpus) else { return vec![] };
    const ONE: &str =
        "half the processors, four at most: one report must not take the whole machine from everybody else";
    let from = || kinds.from("vcpus");
    let of_one = sizing::workers_of_one(vcpus).to_string();
    vec![
        setting(
            "max_worker_processes",
            (vcpus + WORKER_PROCESSES).to_string(),
            list(["postgres.max_parallel_workers"]),
            "as many as parallel queries may use, and PostgreSQL's own eight for extensions and logical replication",
            manual!("resource", "MAX-WORKER-PROCESSES"),
        ),
        setting(
            "max_parallel_workers",
            vcpus.to_string(),
            from(),
            "one a processor: more would only take turns",
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

/// Vacuum that keeps up with large tables.
fn autovacuum(kinds: &Kinds) -> Vec<Setting> {
    const OFTEN: &str = "a large table is looked after when a twentieth of it has changed, not a fifth: less to do each time, and less bloat; plans \
                         follow what a fiftieth changes";
    const INSERTS: &str = "a table that only grows is vacuumed before a twentieth of it is new: its pages become visible to index-only \
                           scans, and are frozen long before an emergency";
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
            "PostgreSQL's own default, set because the limit counts on it",
            manual!("autovacuum", "AUTOVACUUM-VACUUM-COST-DELAY"),
        ),
        setting(
            "autovacuum_vacuum_cost_limit",
            sizing::autovacuum_cost_limit(kinds.least_throughput()).to_string(),
            kinds.disk_attributes("throughput"),
            "all workers together write at most half of what the disk takes: a page that is made dirty costs 20, and the limit is spent \
             500 times a second. Not below PostgreSQL's own 200",
            manual!("autovacuum", "AUTOVACUUM-VACUUM-COST-LIMIT"),
        ),
    ];
    if let Some(vcpus) = kinds.least(|instance| instance.vcpus) {
        all.push(setting(
            "autovacuum_max_workers",
            sizing::autovacuum_workers(vcpus).to_string(),
            kinds.from("vcpus"),
            "one for two processors, 3 to 8: they share the limit above, so more of them write no more, but small tables need not wait \
             behind a large one",
            manual!("autovacuum", "AUTOVACUUM-MAX-WORKERS"),
        ));
    }
    all
}

fn wal(blueprint: &Blueprint, kinds: &Kinds, major: u16) -> Vec<Setting> {
    let most = sizing::max_wal_size_mib(kinds.smallest_disk());
    let (level, why) = match blueprint.postgres.logical_slots.is_empty() {
        true => ("replica", "what standbys need; logical replication would need more WAL"),
        false => ("logical", "the slots of logical_slots need it"),
    };
    vec![
        setting("wal_level", level, list(["postgres.logical_slots"]), why, manual!("wal", "WAL-LEVEL")),
        setting(
            "max_wal_size",
            mib(most),
            kinds.disks(),
            "a tenth of the disk, 1 to 16 GiB: larger makes crash recovery longer",
            manual!("wal", "MAX-WAL-SIZE"),
        ),
        setting(
            "min_wal_size",
            mib(most / 4),
            list(["postgres.max_wal_size"]),
            "a quarter of max_wal_size is kept to be written again: a busy hour finds its files there",
            manual!("wal", "MIN-WAL-SIZE"),
        ),
        setting(
            "checkpoint_timeout",
            "15min",
            vec![],
            "after each checkpoint a page's first change writes the whole page to the WAL, and all WAL goes to every standby: \
             fewer checkpoints send less; recovery stays bounded by max_wal_size",
            manual!("wal", "CHECKPOINT-TIMEOUT"),
        ),
        setting(
            "checkpoint_completion_target",
            "0.9",
            vec![],
            "a checkpoint's writes are spread over nearly all of the time to the next one; PostgreSQL 13 would take half of it",
            manual!("wal", "CHECKPOINT-COMPLETION-TARGET"),
        ),
        setting(
            "wal_compression",
            if major < 15 { "on" } else { "lz4" },
            list(["postgres.version"]),
            "whole pages are most of the WAL after a checkpoint: compressed they cost little processor, and less of the disk \
             and of the way to every standby; PostgreSQL 15 is the first with lz4",
            manual!("wal", "WAL-COMPRESSION"),
        ),
    ]
}

fn replication(blueprint: &Blueprint, kinds: &Kinds) -> Vec<Setting> {
    const SENDERS: &str = "a standby that copies the primary takes two senders, and at the start all of them copy; some more are for tools and clients";
    let (standby, retry) = if blueprint.failover.synchronous {
        (
            "a standby whose machine died stops holding up commits after this, not after a minute; it reconnects by itself",
            "a standby looks for its new primary every second, not every five: until one streams, commits wait",
        )
    } else {
        (
            "a standby whose machine died is given up after this, not after a minute; it reconnects by itself",
            "a standby looks for its new primary every second, not every five: until it streams, it falls behind",
        )
    };
    let logical = blueprint.postgres.logical_slots.len() as u32;
    let slaves = u32::from(blueprint.slave_count);
    let senders = WAL_SENDERS.max(slaves + least_wal_senders(slaves, logical)).to_string();
    let count = || list(["slaves.count", "postgres.logical_slots"]);
    vec![
        setting("max_wal_senders", senders.clone(), count(), SENDERS, manual!("replication", "MAX-WAL-SENDERS")),
        setting("max_replication_slots", senders, count(), SENDERS, manual!("replication", "MAX-REPLICATION-SLOTS")),
        setting(
            "max_slot_wal_keep_size",
            mib(sizing::max_slot_wal_keep_mib(kinds.smallest_disk())),
            kinds.disks(),
            "a quarter of the disk, so that a standby that is gone can never fill it",
            manual!("replication", "MAX-SLOT-WAL-KEEP-SIZE"),
        ),
        setting("wal_sender_timeout", "10s", vec![], standby, manual!("replication", "WAL-SENDER-TIMEOUT")),
        setting("wal_receiver_timeout", "10s", vec![], standby, manual!("replication", "WAL-RECEIVER-TIMEOUT")),
        setting(
            "wal_retrieve_retry_interval",
            "1s",
            vec![],
            retry,
            manual!("replication", "WAL-RETRIEVE-RETRY-INTERVAL"),
        ),
    ]
}

fn planner() -> Vec<Setting> {
    vec![
        setting(
            "random_page_cost",
            "1.1",
            vec![],
            "gp3 is an SSD: a random page costs little more than the next one",
            manual!("query", "RANDOM-PAGE-COST"),
        ),
        setting(
            "effective_io_concurrency",
            "16",
            vec![],
            "gp3 answers many reads at once, each within a millisecond or so: PostgreSQL 18's own default, where 17 and older \
             ask for one page at a time",
            manual!("resource", "EFFECTIVE-IO-CONCURRENCY"),
        ),
    ]
}

/// What logical replication needs of the server.
fn logical(blueprint: &Blueprint, major: u16) -> Vec<Setting> {
    let mut all = vec![];
    if !blueprint.postgres.logical_slots.is_empty() {
        all.push(setting(
            "hot_standby_feedback",
            "on",
            list(["postgres.logical_slots"]),
            "Patroni switches it on wherever there are logical slots: a standby's copy of a slot needs rows of the catalog that the \
             primary would otherwise vacuum away",
            manual!("replication", "HOT-STANDBY-FEEDBACK"),
        ));
    }
    if major >= 17 {
        all.push(setting(
            "sync_replication_slots",
            "off",
            list(["postgres.version"]),
            "PostgreSQL's own failover slots and Patroni before 4.1 do not go together: Patroni takes them for slots of machines that are \
             gone, and drops them. logical_slots does the same as they would, with every major",
            "measured in the lab: Patroni 4.0.7 dropped a slot made with failover = true when it was restarted; \
             https://github.com/patroni/patroni/pull/3245 (in 4.1)",
        ));
    }
    all
}

/// Limits of sessions. A limit of 0 is none, set for its reason.
fn sessions() -> Vec<Setting> {
    vec![
        setting(
            "idle_in_transaction_session_timeout",
            "10min",
            vec![],
            "a transaction that somebody forgot holds its locks, and keeps vacuum from every table: its session ends. Nothing of \
             Patroni's idles in one, and pg_dump and pg_rewind switch this off for themselves",
            manual!("client", "IDLE-IN-TRANSACTION-SESSION-TIMEOUT"),
        ),
        setting(
            "lock_timeout",
            "0",
            vec![],
            "no limit for everybody: it would end maintenance, dumps and migrations that rightly wait. A migration sets its own: SET \
             lock_timeout = '5s', and tries again",
            manual!("client", "LOCK-TIMEOUT"),
        ),
        setting(
            "statement_timeout",
            "0",
            vec![],
            "no limit for everybody, as the manual advises: an index may take hours. An application's belongs to its role: ALTER ROLE … \
             SET statement_timeout",
            manual!("client", "STATEMENT-TIMEOUT"),
        ),
    ]
}

fn statistics() -> Vec<Setting> {
    vec![
        setting(
            "shared_preload_libraries",
            STATEMENTS,
            vec![],
            "which statements take the time is the first question of every investigation, and a library that was not loaded at the start \
             has no answer; pg_stat_statements.track = \"none\" keeps it quiet",
            "https://www.postgresql.org/docs/current/pgstatstatements.html",
        ),
        setting(
            "track_io_timing",
            "on",
            vec![],
            "how long reads and writes take, by statement and table; the clock of EC2's Nitro machines costs tens of nanoseconds \
             (pg_test_timing), a read from gp3 half a millisecond",
            manual!("statistics", "TRACK-IO-TIMING"),
        ),
    ]
}

fn log(major: u16) -> Vec<Setting> {
    const WHY: &str = "what a person at 3 a.m. needs in the log";
    const WHO: &str = "who came, from where and for how long. HAProxy asks Patroni and Patroni keeps its connections, so clients alone make \
                       these lines: an application that connects for every statement shows here, and needs a pool";
    let line = |name, value: &str| setting(name, value, vec![], WHY, manual!("logging", "LOG-CHECKPOINTS"));
    // One line a connection. Before 18 there is all or nothing: three.
    let connections = if major >= 18 { "authorization" } else { "on" };
    let mut all = vec![
        line("log_checkpoints", "on"),
        line("log_lock_waits", "on"),
        line("log_autovacuum_min_duration", "10s"),
        line("log_temp_files", "10MB"),
        line("log_line_prefix", "%m [%p] %q%u@%d %h "),
    ];
    all.extend([
        setting(
            "log_min_duration_statement",
            "1s",
            vec![],
            "a statement that slow is worth a line, with its text; pg_stat_statements counts the fast ones. At most one line a second of \
             each connection",
            manual!("logging", "LOG-MIN-DURATION-STATEMENT"),
        ),
        setting("log_connections", connections, list(["postgres.version"]), WHO, manual!("logging", "LOG-CONNECTIONS")),
        setting("log_disconnections", "on", list(["postgres.version"]), WHO, manual!("logging", "LOG-CONNECTIONS")),
    ]);
    all
}
