//! Rules about PostgreSQL's settings that let the server start, and do harm later without a message.

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::parameters::value::{boolean, kib, milliseconds};

/// A setting, the value that does harm, and the harm.
type Harm = (&'static str, fn(&str) -> bool, &'static str);

/// The settings that hide damage (<https://www.postgresql.org/docs/current/runtime-config-developer.html>).
const DAMAGE: [Harm; 6] = [
    ("zero_damaged_pages", on, "a damaged page is emptied and its rows are lost, instead of an error"),
    ("ignore_checksum_failure", on, "damaged pages are read as if they were intact, and copied to standbys"),
    ("ignore_invalid_pages", on, "recovery skips missing pages, and data is lost without an error"),
    ("ignore_system_indexes", on, "every lookup in the catalog reads all of it"),
    ("data_sync_retry", on, "a write that failed counts as done at the second try, and may never reach the disk"),
    ("session_replication_role", replica, "no session checks a foreign key or fires a trigger"),
];

/// Commands that succeed and throw WAL away, so that another one can replace them later without a restart.
const NO_COMMANDS: [&str; 5] = ["true", "/bin/true", "/usr/bin/true", ":", "exit 0"];

/// A busy primary writes less WAL than this while a standby restarts.
const LEAST_KEPT_KIB: i64 = 1024 * 1024;
/// Replacing a machine, and attaching and recovering its volume, takes less than this.
const LEAST_IDLE_MS: u32 = 60 * 60 * 1000;

fn on(value: &str) -> bool {
    boolean(value) == Some(true)
}

fn replica(value: &str) -> bool {
    value.eq_ignore_ascii_case("replica")
}

/// The effective settings.
struct Effective<'a>(&'a Cluster);

impl<'a> Effective<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.0.postgres.settings.get(name).map_or("", |value| value.trim())
    }

    fn is(&self, name: &str, what: fn(&str) -> bool) -> bool {
        what(self.text(name))
    }

    /// Returns whether a timeout is set to a limit.
    fn ends(&self, name: &str) -> bool {
        milliseconds(name, self.text(name)).is_some_and(|ms| ms > 0)
    }
}

fn path(setting: &str) -> String {
    format!("postgres.settings.{setting}")
}

pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    let settings = Effective(cluster);
    let mut found = vacuum(&settings);
    found.extend(archive(&settings));
    for (name, harms, what) in DAMAGE {
        if settings.is(name, harms) {
            let problem = format!("{name} = {}: {what}", settings.text(name));
            let help = "remove the setting; to repair a database, set it in a single session";
            found.push(Finding::new(&rules::DAMAGE_PASSES, &path(name), problem, help));
        }
    }
    if settings.is("huge_pages", on) {
        found.push(Finding::new(
            &rules::HUGE_PAGES_ABSENT,
            &path("huge_pages"),
            "PostgreSQL does not start on a machine whose kernel has too few huge pages",
            "remove the setting; the default, try, uses huge pages where there are enough",
        ));
    }
    if cluster.slaves().next().is_some() {
        found.extend(standbys(&settings));
        found.extend(logical(&settings));
    }
    found
}

/// Reports what a failover would do to logical replication.
fn logical(settings: &Effective) -> Vec<Finding> {
    let mut found = vec![];
    if settings.is("sync_replication_slots", on) {
        found.push(Finding::new(
            &rules::FAILOVER_SLOTS,
            &path("sync_replication_slots"),
            "standbys cannot copy these slots, because replicauser may not connect to a database; and Patroni before 4.1 drops them, because \
             it takes them for slots of machines that are gone",
            "remove the setting, and set logical_slots = { name = \"database\" }, which Patroni keeps across failovers",
        ));
    }
    if settings.text("wal_level") == "logical" && settings.0.postgres.logical_slots.is_empty() {
        found.push(Finding::new(
            &rules::LOGICAL_SLOTS_LOST,
            &path("wal_level"),
            "a slot that a client creates exists only on the primary; after a failover it is gone, and changes are missing without a message",
            "set logical_slots = { name = \"database\" } for slots that Patroni keeps across failovers, and let clients use those",
        ));
    }
    found
}

fn vacuum(settings: &Effective) -> Vec<Finding> {
    let off = |name: &&str| boolean(settings.text(name)) == Some(false);
    let finding = |name: &str| {
        let problem = match name {
            "track_counts" => {
                "without track_counts autovacuum is off, so tables and indexes grow with every update, and the planner does not know their size"
            }
            _ => {
                "without autovacuum, tables and indexes grow with every update, and the planner does not know their size"
            }
        };
        let help = "remove the setting, since the default is on; autovacuum_vacuum_cost_limit limits what vacuum takes";
        Finding::new(&rules::AUTOVACUUM_OFF, &path(name), problem, help)
    };
    ["autovacuum", "track_counts"].iter().filter(|name| off(name)).map(|name| finding(name)).collect()
}

fn archive(settings: &Effective) -> Option<Finding> {
    const FULL: &str = "until the disk is full and writes stop";
    let written = ["archive_command", "archive_library"].into_iter().find(|name| {
        let text = settings.text(name);
        !text.is_empty() && !NO_COMMANDS.contains(&text)
    });
    let mode = settings.text("archive_mode");
    let archives = on(mode) || mode.eq_ignore_ascii_case("always");
    match written {
        Some(name) if archives => {
            let what = settings.text(name).split_whitespace().next().unwrap_or_default();
            let problem = format!(
                "nothing on these machines can archive WAL; PostgreSQL keeps what `{what}` fails to archive, {FULL}"
            );
            let help = "remove the setting, or accept \"PGH041\" and state what archives, such as your own image";
            Some(Finding::new(&rules::ARCHIVE_FILLS_DISK, &path(name), problem, help))
        }
        Some(name) => {
            let problem = format!("{name} never runs, because archive_mode is off; there is no archive and no backup");
            let help = "remove it; `pgherd explain PGH041` says why turning archive_mode on is not enough";
            Some(Finding::new(&rules::ARCHIVE_IDLE, &path(name), problem, help))
        }
        None if archives && settings.text("archive_command").is_empty() => {
            let problem = format!("archive_mode is {mode} without a command, so PostgreSQL keeps all WAL, {FULL}");
            let help =
                "remove the setting; the default is \"/bin/true\", which you can replace later without a restart";
            Some(Finding::new(&rules::ARCHIVE_FILLS_DISK, &path("archive_mode"), problem, help))
        }
        None => None,
    }
}

fn standbys(settings: &Effective) -> Vec<Finding> {
    let mut found = vec![];
    let cap = kib("max_slot_wal_keep_size", settings.text("max_slot_wal_keep_size"));
    if cap.is_none_or(|cap| cap < 0) {
        found.push(Finding::new(
            &rules::SLOT_WAL_UNLIMITED,
            &path("max_slot_wal_keep_size"),
            "the primary keeps WAL for an absent standby until its disk is full, and then writes stop",
            "remove the setting; the default is a quarter of the disk, or set a limit",
        ));
    }
    let short = |cap: i64| (0..LEAST_KEPT_KIB).contains(&cap);
    if let Some(cap) = cap.filter(|cap| short(*cap)) {
        found.push(Finding::new(
            &rules::SLOT_GIVEN_UP,
            &path("max_slot_wal_keep_size"),
            format!("a standby that is absent while {} MiB of WAL are written must be copied again", cap / 1024),
            format!(
                "remove the setting; the default is a quarter of the disk, or set \"{}GB\" or more",
                LEAST_KEPT_KIB / 1024 / 1024
            ),
        ));
    }
    let idle = milliseconds("idle_replication_slot_timeout", settings.text("idle_replication_slot_timeout"));
    if let Some(idle) = idle.filter(|ms| (1..LEAST_IDLE_MS).contains(ms)) {
        found.push(Finding::new(
            &rules::SLOT_GIVEN_UP,
            &path("idle_replication_slot_timeout"),
            format!("a standby that is absent for {} s must be copied again", idle / 1000),
            "remove the setting (max_slot_wal_keep_size already limits what a slot keeps), or set \"1h\" or more",
        ));
    }
    if settings.is("hot_standby_feedback", on)
        && !["idle_in_transaction_session_timeout", "transaction_timeout"].iter().any(|name| settings.ends(name))
    {
        found.push(Finding::new(
            &rules::FORGOTTEN_READ,
            &path("hot_standby_feedback"),
            "a forgotten transaction on a standby keeps dead rows on the primary as long as it is open",
            "also set idle_in_transaction_session_timeout = \"10min\"",
        ));
    }
    found
}
