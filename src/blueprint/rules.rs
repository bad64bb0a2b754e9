//! The rules that a cluster is judged by: their codes are part of the blueprint's language, and never change their meaning.
//!
//! `cluster::check` judges by those below; those of [`language`] are for what cannot be read as a cluster at all. A code that
//! is no longer used is not given again.

pub mod language;

use super::diagnostic::Severity;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its stable code.
    pub code: &'static str,
    /// What becomes of a blueprint that breaks it.
    pub severity: Severity,
    /// Whether a blueprint may break it with `accept "<code>" { reason = "…" }`.
    pub acceptable: bool,
    /// What is wrong when it is broken, in a few words.
    pub title: &'static str,
}

/// The rule of this code.
pub fn find(code: &str) -> Option<&'static Rule> {
    every().find(|rule| rule.code == code)
}

/// Every rule of both kinds: those of a cluster first, each kind in the order of its codes.
pub fn every() -> impl Iterator<Item = &'static Rule> {
    let mut rules: Vec<_> = ALL.iter().copied().chain(language::ALL.iter().map(|(rule, _)| *rule)).collect();
    rules.sort_by_key(|rule| rule.code);
    rules.into_iter()
}

const fn warning(code: &'static str, title: &'static str) -> Rule {
    Rule { code, severity: Severity::Warning, acceptable: true, title }
}

const fn error(code: &'static str, title: &'static str) -> Rule {
    Rule { code, severity: Severity::Error, acceptable: false, title }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $rule:expr;)*) => {
        $($(#[$doc])* pub const $name: Rule = $rule;)*
        /// Every rule that a cluster is judged by, in the order of the codes.
        pub const ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    /// A zone holds so many members of etcd that the rest is no majority.
    ZONE_TAKES_QUORUM = Rule { acceptable: true, ..error("PGH001", "one zone takes the quorum with it") };
    /// A zone holds more than one database of a synchronous cluster.
    ZONE_HOLDS_PAIR = warning("PGH002", "one zone may take the primary and its synchronous standby");
    /// There is no standby.
    NO_STANDBY = warning("PGH003", "there is no standby");
    /// No timers meet `rto`.
    RTO_UNMET = error("PGH004", "the failover budget's rto cannot be met");
    /// `rpo` cannot be promised.
    RPO_UNMET = error("PGH005", "the failover budget's rpo cannot be met");
    /// `rto` is stated, and the only HAProxy is outside of it.
    RTO_WITHOUT_HAPROXY = warning("PGH006", "the budget does not cover HAProxy's own machine");
    /// etcd's election takes longer than Patroni retries.
    ELECTION_OUTLASTS_RETRY = warning("PGH007", "an election of etcd may cost the primary its place");
    /// Replay may wait for reads for longer than the budget, or anybody, expects.
    REPLAY_HELD_UP = warning("PGH008", "reads on a standby may hold up a failover");
    /// The primary never gives up a standby that fell silent.
    STANDBY_HOLDS_COMMITS = warning("PGH009", "a dead standby may hold up commits");
    /// Reserved connections leave too few.
    CONNECTIONS_RESERVED = error("PGH010", "connection limits do not add up");
    /// `shared_buffers` takes most of the memory.
    SHARED_BUFFERS_TOO_LARGE = error("PGH011", "shared_buffers does not fit into memory");
    /// All connections at work need more memory than there is.
    MEMORY_OVERSUBSCRIBED = warning("PGH012", "shared_buffers and work_mem x connections exceed memory");
    /// `huge_pages = on`.
    HUGE_PAGES_ABSENT = error("PGH013", "huge_pages = on may keep PostgreSQL from starting");
    /// Memory and processors are not known.
    INSTANCE_UNKNOWN = Rule { acceptable: true, ..error("PGH014", "the instance type is not known") };
    /// HAProxy's buffers exceed its machine's memory.
    HAPROXY_MEMORY = warning("PGH015", "HAProxy's connections do not fit into its memory");
    /// What PostgreSQL maps when it starts is more than the memory.
    SHARED_MEMORY = error("PGH016", "PostgreSQL's shared memory does not fit into memory");
    /// Replication slots keep WAL without a limit.
    SLOT_WAL_UNLIMITED = warning("PGH020", "an absent standby can fill the primary's disk");
    /// The caps on WAL are more than the disk.
    WAL_EXCEEDS_DISK = error("PGH021", "what WAL may take does not fit on the disk");
    /// The volume can do more operations than the machine can ask of it.
    IOPS_WASTED = warning("PGH022", "the disk's iops are more than the machine can use");
    /// The volume is faster than the machine's link to it.
    THROUGHPUT_WASTED = warning("PGH023", "the disk's throughput is more than the machine can use");
    /// Slots are given up after minutes, or little WAL.
    SLOT_GIVEN_UP = warning("PGH024", "a standby that is away for a moment must be copied anew");
    /// A standby is smaller than the master.
    STANDBY_SMALLER = warning("PGH030", "a slave is smaller than the master");
    /// A standby's disk is smaller than the master's.
    STANDBY_DISK_SMALLER = warning("PGH031", "a slave's disk is smaller than the master's");
    /// Databases on machines with CPU credits.
    BURSTABLE_DATABASE = warning("PGH032", "a database on a burstable machine");
    /// `autovacuum`, or what it lives on, is off.
    AUTOVACUUM_OFF = warning("PGH040", "autovacuum is off");
    /// WAL is kept to be archived, and nothing archives it.
    ARCHIVE_FILLS_DISK = Rule { acceptable: true, ..error("PGH041", "WAL that waits for an archive fills the disk") };
    /// An archive's command, and `archive_mode` is off.
    ARCHIVE_IDLE = warning("PGH042", "an archive that is never written");
    /// A setting for rescue work.
    DAMAGE_PASSES = Rule { acceptable: true, ..error("PGH043", "a setting lets damage pass in silence") };
    /// `hot_standby_feedback`, and transactions without an end.
    FORGOTTEN_READ = warning("PGH044", "a forgotten read on a standby bloats the primary");
    /// SSH is open to admins, and machines know no key.
    ADMINS_WITHOUT_KEY = warning("PGH050", "SSH is open, and nobody can log in");
    /// An `accept` that nothing needs.
    ACCEPT_UNUSED = warning("PGH090", "an accepted rule is not violated");
    /// A security group needs more rules than AWS gives unasked.
    RULES_OVER_QUOTA = warning("PGH311", "a security group needs more rules than the default quota");
    /// A security group needs more rules than AWS gives at all.
    RULES_OVER_LIMIT = error("PGH312", "a security group needs more rules than AWS gives");
    /// The region is not on the list.
    REGION_UNKNOWN = warning("PGH340", "the region is not known");
    /// A zone is not on the list.
    ZONE_UNKNOWN = warning("PGH341", "a zone is not known");
    /// The region is younger than the oldest AWS provider that the modules take.
    REGION_NEEDS_PROVIDER = warning("PGH342", "the region needs version 6 of Terraform's AWS provider");
    /// `wal_level = logical`, and slots that nobody carries over.
    LOGICAL_SLOTS_LOST = warning("PGH383", "clients' logical slots are lost at a failover");
    /// The end of a major is near.
    MAJOR_ENDS_SOON = warning("PGH384", "the major's last release is near");
    /// The end of a major is past.
    MAJOR_ENDED = Rule { acceptable: true, ..error("PGH385", "the major gets no more fixes") };
    /// A user of the list owns nothing.
    USER_WITHOUT_DATABASE = warning("PGH386", "a user may connect to no database");
    /// Text is sorted by glibc or ICU.
    LOCALE_OF_A_LIBRARY = warning("PGH387", "a newer base may sort text differently");
    /// `sync_replication_slots` is on.
    FAILOVER_SLOTS = Rule { acceptable: true, ..error("PGH388", "PostgreSQL's own failover slots do not work here") };
    /// HAProxy passes on less than the databases can send.
    HAPROXY_NETWORK = warning("PGH400", "HAProxy's network is slower than the databases'");
    /// WAL to all standbys is more than the primary can send, even for a while.
    REPLICATION_NETWORK = warning("PGH401", "the primary's network is slower than WAL to its standbys");
    /// A type that is not in the table.
    LIMITS_UNKNOWN = warning("PGH402", "the limits of the unknown instance type are not checked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_every_one_is_found() {
        assert!(ALL.iter().map(|rule| rule.code).is_sorted_by(|a, b| a < b));
        assert!(language::ALL.iter().map(|(rule, _)| rule.code).is_sorted_by(|a, b| a < b));
        for rule in every() {
            assert_eq!(find(rule.code), Some(rule));
        }
        assert_eq!(find("PGH999"), None);
    }

    #[test]
    fn a_warning_can_be_accepted() {
        assert!(every().all(|rule| rule.acceptable || rule.severity == Severity::Error));
    }
}
