//! Rules about PostgreSQL's settings: those that start, and hurt later without a word.

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::parameters::value::{boolean, kib, milliseconds};

/// A setting, the value that hurts, and what it does.
type Harm = (&'static str, fn(&str) -> bool, &'static str);

/// What lets damage pass (<https://www.postgresql.org/docs/current/runtime-config-developer.html>).
const DAMAGE: [Harm; 6] = [
    ("zero_damaged_pages", on, "a damaged page is emptied and its rows are gone, where there would be an error"),
    ("ignore_checksum_failure", on, "damaged pages are read as if they were whole, and copied on"),
    ("ignore_invalid_pages", on, "recovery goes on over pages that are missing, and data is gone without an error"),
    ("ignore_system_indexes", on, "every look into the catalog reads all of it"),
    (
        "data_sync_retry",
        on,
        "a write that the disk has refused counts as done at the second try, and may never be there",
    ),
    ("session_replication_role", replica, "no session obeys a foreign key or fires a trigger"),
];

/// Commands that throw WAL away and succeed: so that another one can take their place later without a restart.
const NO_COMMANDS: [&str; 5] = ["true", "/bin/true", "/usr/bin/true", ":", "exit 0"];

/// Less WAL than this a busy primary writes while a standby restarts.
const LEAST_KEPT_KIB: i64 = 1024 * 1024;
/// A machine is replaced, and its volume attached and recovered, within less.
const LEAST_IDLE_MS: u32 = 60 * 60 * 1000;

fn on(value: &str) -> bool {
    boolean(value) == Some(true)
}

fn replica(value: &str) -> bool {
    value.eq_ignore_ascii_case("replica")
}

/// The settings as they result.
struct Settings<'a>(&'a Cluster);

impl<'a> Settings<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.0.postgres.settings.get(name).map_or("", |value| value.trim())
    }

    fn is(&self, name: &str, what: fn(&str) -> bool) -> bool {
        what(self.text(name))
    }

    /// Whether it is set to a time that ends.
    fn ends(&self, name: &str) -> bool {
        milliseconds(name, self.text(name)).is_some_and(|ms| ms > 0)
    }
}

fn path(setting: &str) -> String {
    format!("postgres.settings.{setting}")
}

pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    let settings = Settings(cluster);
    let mut found = vacuum(&settings);
    found.extend(archive(&settings));
    for (name, harms, what) in DAMAGE {
        if settings.is(name, harms) {
            let problem = format!("{name} = {}: {what}", settings.text(name));
            let help = "leave it out; who repairs a database sets it in that one session";
            found.push(Finding::new(&rules::DAMAGE_PASSES, &path(name), problem, help));
        }
    }
    if settings.is("huge_pages", on) {
        found.push(Finding::new(
            &rules::HUGE_PAGES_ABSENT,
            &path("huge_pages"),
            "PostgreSQL would not start on a machine whose kernel has not enough of them",
            "leave it out: the default, try, takes huge pages where there are some",
        ));
    }
    if cluster.slaves().next().is_some() {
        found.extend(standbys(&settings));
        found.extend(logical(&settings));
    }
    found
}

/// Logical replication, and what becomes of it when another machine is promoted.
fn logical(settings: &Settings) -> Vec<Finding> {
    let mut found = vec![];
    if settings.is("sync_replication_slots", on) {
        found.push(Finding::new(
            &rules::FAILOVER_SLOTS,
            &path("sync_replication_slots"),
            "replicauser may not connect to a database to copy slots, and Patroni before 4.1 takes such slots for those of machines that \
             are gone, and drops them",
            "leave it out, and write logical_slots = { name = \"database\" }: Patroni carries those over",
        ));
    }
    if settings.text("wal_level") == "logical" && settings.0.postgres.logical_slots.is_empty() {
        found.push(Finding::new(
            &rules::LOGICAL_SLOTS_LOST,
            &path("wal_level"),
            "a slot that a client makes is on the primary alone: after a failover it is gone, and changes are missing without a word",
            "write logical_slots = { name = \"database\" } for slots that Patroni carries over, and let clients use those",
        ));
    }
    found
}

fn vacuum(settings: &Settings) -> Vec<Finding> {
    let off = |name: &&str| boolean(settings.text(name)) == Some(false);
    let finding = |name: &str| {
        let problem = match name {
            "track_counts" => {
                "without track_counts autovacuum is off: tables and indexes grow with every update, and no plan knows how large they are"
            }
            _ => "without autovacuum tables and indexes grow with every update, and no plan knows how large they are",
        };
        let help =
            "leave it out: the default is on; what vacuum takes is yours to limit by autovacuum_vacuum_cost_limit";
        Finding::new(&rules::AUTOVACUUM_OFF, &path(name), problem, help)
    };
    ["autovacuum", "track_counts"].iter().filter(|name| off(name)).map(|name| finding(name)).collect()
}

fn archive(settings: &Settings) -> Option<Finding> {
    const FULL: &str = "until the disk is full and nobody writes";
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
                "nothing on these machines takes WAL away: what `{what}` cannot hand over PostgreSQL keeps, {FULL}"
            );
            let help = "leave archive_mode out, or accept \"PGH041\" with what archives as the reason, such as an image of your own";
            Some(Finding::new(&rules::ARCHIVE_FILLS_DISK, &path(name), problem, help))
        }
        Some(name) => {
            let problem = format!("{name} never runs, because archive_mode is off: there is no archive, and no backup");
            let help = "take it out; `pgherd explain PGH041` tells why archive_mode alone would not do";
            Some(Finding::new(&rules::ARCHIVE_IDLE, &path(name), problem, help))
        }
        None if archives && settings.text("archive_command").is_empty() => {
            let problem = format!("archive_mode is {mode} without a command: PostgreSQL keeps all WAL for one, {FULL}");
            let help = "leave archive_mode out, or write archive_command = \"/bin/true\" to name another later without a restart";
            Some(Finding::new(&rules::ARCHIVE_FILLS_DISK, &path("archive_mode"), problem, help))
        }
        None => None,
    }
}

fn standbys(settings: &Settings) -> Vec<Finding> {
    let mut found = vec![];
    let cap = kib("max_slot_wal_keep_size", settings.text("max_slot_wal_keep_size"));
    if cap.is_none_or(|cap| cap < 0) {
        found.push(Finding::new(
            &rules::SLOT_WAL_UNLIMITED,
            &path("max_slot_wal_keep_size"),
            "WAL is kept for a standby that is gone until the primary's disk is full, and then nobody writes",
            "leave it out for a quarter of the disk, or write how much may be kept",
        ));
    }
    let short = |cap: i64| (0..LEAST_KEPT_KIB).contains(&cap);
    if let Some(cap) = cap.filter(|cap| short(*cap)) {
        found.push(Finding::new(
            &rules::SLOT_GIVEN_UP,
            &path("max_slot_wal_keep_size"),
            format!("a standby that is away while {} MiB of WAL are written must be copied anew", cap / 1024),
            format!("leave it out for a quarter of the disk, or write \"{}GB\" or more", LEAST_KEPT_KIB / 1024 / 1024),
        ));
    }
    let idle = milliseconds("idle_replication_slot_timeout", settings.text("idle_replication_slot_timeout"));
    if let Some(idle) = idle.filter(|ms| (1..LEAST_IDLE_MS).contains(ms)) {
        found.push(Finding::new(
            &rules::SLOT_GIVEN_UP,
            &path("idle_replication_slot_timeout"),
            format!("a standby that is away for {} s must be copied anew", idle / 1000),
            "leave it out, as max_slot_wal_keep_size limits what a slot keeps, or write \"1h\" or more",
        ));
    }
    if settings.is("hot_standby_feedback", on)
        && !["idle_in_transaction_session_timeout", "transaction_timeout"].iter().any(|name| settings.ends(name))
    {
        found.push(Finding::new(
            &rules::FORGOTTEN_READ,
            &path("hot_standby_feedback"),
            "a transaction that somebody forgets on a standby keeps dead rows on the primary for as long as it is open",
            "write idle_in_transaction_session_timeout = \"10min\" beside it",
        ));
    }
    found
}
