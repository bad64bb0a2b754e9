//! The rules of a blueprint. Their codes are part of the blueprint's language: a code never changes its meaning.
//!
//! `cluster::check` applies the rules below. Those of [`language`] are violated by a text that is not a valid blueprint. The code
//! of a retired rule is never reused.

pub mod language;

use serde::Serialize;

/// The effect of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is generated.
    Error,
    /// The problem is reported, and files are generated.
    Warning,
}

impl Severity {
    /// Returns the word that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable code, such as `PGH001`.
    pub code: &'static str,
    /// The effect of a violation.
    pub severity: Severity,
    /// Whether a blueprint may accept a violation with `accept "<code>" { reason = "…" }`.
    pub acceptable: bool,
    /// A short description of a violation.
    pub title: &'static str,
}

/// Returns the rule with this code.
pub fn find(code: &str) -> Option<&'static Rule> {
    every().find(|rule| rule.code == code)
}

/// Returns every rule of both kinds, in the order of the codes.
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
        /// Every rule that `cluster::check` applies, in the order of the codes.
        pub const ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    /// One zone holds so many etcd members that the others have no majority.
    ZONE_TAKES_QUORUM = Rule { acceptable: true, ..error("PGH001", "losing one zone loses etcd's quorum") };
    /// A zone holds more than one database of a synchronous cluster.
    ZONE_HOLDS_PAIR = warning("PGH002", "losing one zone may lose both the primary and its synchronous standby");
    /// There is no standby.
    NO_STANDBY = warning("PGH003", "there is no standby");
    /// No timers meet `rto`.
    RTO_UNMET = error("PGH004", "the failover budget's rto cannot be met");
    /// `rpo` cannot be guaranteed.
    RPO_UNMET = error("PGH005", "the failover budget's rpo cannot be met");
    /// `rto` is set, and does not cover the failure of the only HAProxy.
    RTO_WITHOUT_HAPROXY = warning("PGH006", "the failover budget does not cover the loss of HAProxy's machine");
    /// An etcd election may take longer than Patroni retries.
    ELECTION_OUTLASTS_RETRY = warning("PGH007", "an etcd election may demote the primary");
    /// Replay on a standby may wait for reads longer than the failover budget allows.
    REPLAY_HELD_UP = warning("PGH008", "reads on a standby may delay a failover");
    /// The primary never disconnects a standby that stopped responding.
    STANDBY_HOLDS_COMMITS = warning("PGH009", "a dead standby may block commits");
    /// The reserved connections leave too few for clients.
    CONNECTIONS_RESERVED = error("PGH010", "connection limits do not add up");
    /// `shared_buffers` takes most of the memory.
    SHARED_BUFFERS_TOO_LARGE = error("PGH011", "shared_buffers does not fit into memory");
    /// All connections together may need more memory than the machine has.
    MEMORY_OVERSUBSCRIBED = warning("PGH012", "shared_buffers plus work_mem for each connection exceeds memory");
    /// `huge_pages = on` needs huge pages that may not be available.
    HUGE_PAGES_ABSENT = error("PGH013", "huge_pages = on may keep PostgreSQL from starting");
    /// The instance type's memory and processors are not known.
    INSTANCE_UNKNOWN = Rule { acceptable: true, ..error("PGH014", "the instance type is not known") };
    /// The buffers of HAProxy's connections exceed its machine's memory.
    HAPROXY_MEMORY = warning("PGH015", "HAProxy's connections do not fit into its memory");
    /// PostgreSQL maps more shared memory at its start than the machine has.
    SHARED_MEMORY = error("PGH016", "PostgreSQL's shared memory does not fit into memory");
    /// Commits always wait for a standby, and there is none.
    STRICT_WITHOUT_STANDBY = error("PGH017", "commits would wait for a standby that does not exist");
    /// Replication slots keep WAL without a limit.
    SLOT_WAL_UNLIMITED = warning("PGH020", "a disconnected standby can fill the primary's disk");
    /// The limits on WAL exceed the disk.
    WAL_EXCEEDS_DISK = error("PGH021", "WAL may grow larger than the disk");
    /// The volume has more IOPS than the machine can use.
    IOPS_WASTED = warning("PGH022", "the disk's iops exceed what the machine can use");
    /// The volume is faster than the machine's link to it.
    THROUGHPUT_WASTED = warning("PGH023", "the disk's throughput exceeds what the machine can use");
    /// Replication slots are invalidated after minutes, or little WAL.
    SLOT_GIVEN_UP = warning("PGH024", "a briefly disconnected standby must be rebuilt");
    /// A standby is smaller than the master.
    STANDBY_SMALLER = warning("PGH030", "a slave is smaller than the master");
    /// A standby's disk is smaller than the master's.
    STANDBY_DISK_SMALLER = warning("PGH031", "a slave's disk is smaller than the master's");
    /// A database runs on a machine with CPU credits.
    BURSTABLE_DATABASE = warning("PGH032", "a database runs on a burstable machine");
    /// `autovacuum`, or `track_counts` that it needs, is off.
    AUTOVACUUM_OFF = warning("PGH040", "autovacuum is off");
    /// WAL is kept for archiving, and nothing archives it.
    ARCHIVE_FILLS_DISK = Rule { acceptable: true, ..error("PGH041", "WAL that is never archived fills the disk") };
    /// An archive command is set, and `archive_mode` is off.
    ARCHIVE_IDLE = warning("PGH042", "archiving is configured but turned off");
    /// A setting that is only meant for data recovery is on.
    DAMAGE_PASSES = Rule { acceptable: true, ..error("PGH043", "a setting hides data corruption") };
    /// `hot_standby_feedback` is on, and nothing limits the length of transactions.
    FORGOTTEN_READ = warning("PGH044", "a long-running transaction on a standby bloats the primary");
    /// SSH is open to admins, and the machines have no key pair.
    ADMINS_WITHOUT_KEY = warning("PGH050", "SSH is open, but no key pair is set");
    /// An accepted rule is not violated.
    ACCEPT_UNUSED = warning("PGH090", "an accepted rule is not violated");
    /// A security group needs more rules than AWS's default quota.
    RULES_OVER_QUOTA = warning("PGH311", "a security group needs more rules than the default quota");
    /// A security group needs more rules than AWS's maximum.
    RULES_OVER_LIMIT = error("PGH312", "a security group needs more rules than AWS allows");
    /// The region is not in the table.
    REGION_UNKNOWN = warning("PGH340", "the region is not known");
    /// A zone is not in the table.
    ZONE_UNKNOWN = warning("PGH341", "a zone is not known");
    /// The oldest AWS provider that the modules accept does not know the region.
    REGION_NEEDS_PROVIDER = warning("PGH342", "the region needs version 6 of Terraform's AWS provider");
    /// `wal_level = logical` is set, and slots that clients create do not survive a failover.
    LOGICAL_SLOTS_LOST = warning("PGH383", "clients' logical slots are lost at a failover");
    /// The support of the major version ends soon.
    MAJOR_ENDS_SOON = warning("PGH384", "support for the PostgreSQL major version ends soon");
    /// The support of the major version has ended.
    MAJOR_ENDED = Rule { acceptable: true, ..error("PGH385", "the PostgreSQL major version is no longer supported") };
    /// A user has no database to connect to.
    USER_WITHOUT_DATABASE = warning("PGH386", "a user cannot connect to any database");
    /// glibc or ICU sorts text, and a newer version may sort it differently.
    LOCALE_OF_A_LIBRARY = warning("PGH387", "a newer base may sort text differently");
    /// `sync_replication_slots` is on.
    FAILOVER_SLOTS = Rule { acceptable: true, ..error("PGH388", "PostgreSQL's own failover slots do not work here") };
    /// HAProxy's network is slower than what the databases can send.
    HAPROXY_NETWORK = warning("PGH400", "HAProxy's network is slower than the databases'");
    /// The primary's network cannot carry the WAL for all standbys, not even briefly.
    REPLICATION_NETWORK = warning("PGH401", "the primary's network is too slow for WAL to its standbys");
    /// The instance type is not in the table.
    LIMITS_UNKNOWN = warning("PGH402", "the limits of an unknown instance type are not checked");
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
