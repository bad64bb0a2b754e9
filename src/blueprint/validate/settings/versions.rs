//! Settings that not every major of PostgreSQL has: its release notes.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;

/// By the first major that has them.
const ADDED: [(u16, &[&str]); 5] = [
    (
        14,
        &[
            "client_connection_check_interval",
            "compute_query_id",
            "debug_discard_caches",
            "default_toast_compression",
            "enable_async_append",
            "enable_memoize",
            "huge_page_size",
            "idle_session_timeout",
            "log_recovery_conflict_waits",
            "min_dynamic_shared_memory",
            "recovery_init_sync_method",
            "remove_temp_files_after_crash",
            "track_wal_io_timing",
            "vacuum_failsafe_age",
            "vacuum_multixact_failsafe_age",
        ],
    ),
    (
        15,
        &[
            "archive_library",
            "log_startup_progress_interval",
            "recovery_prefetch",
            "stats_fetch_consistency",
            "wal_decode_buffer_size",
        ],
    ),
    (
        16,
        &[
            "createrole_self_grant",
            "debug_io_direct",
            "debug_logical_replication_streaming",
            "debug_parallel_query",
            "enable_presorted_aggregate",
            "gss_accept_delegation",
            "icu_validation_level",
            "max_parallel_apply_workers_per_subscription",
            "reserved_connections",
            "scram_iterations",
            "send_abort_for_crash",
            "send_abort_for_kill",
            "vacuum_buffer_usage_limit",
        ],
    ),
    (
        17,
        &[
            "allow_alter_system",
            "commit_timestamp_buffers",
            "enable_group_by_reordering",
            "event_triggers",
            "io_combine_limit",
            "max_notify_queue_pages",
            "multixact_member_buffers",
            "multixact_offset_buffers",
            "notify_buffers",
            "serializable_buffers",
            "subtransaction_buffers",
            "summarize_wal",
            "sync_replication_slots",
            "synchronized_standby_slots",
            "trace_connection_negotiation",
            "transaction_buffers",
            "transaction_timeout",
            "wal_summary_keep_time",
        ],
    ),
    (
        18,
        &[
            "autovacuum_vacuum_max_threshold",
            "autovacuum_worker_slots",
            "enable_distinct_reordering",
            "enable_self_join_elimination",
            "extension_control_path",
            "file_copy_method",
            "idle_replication_slot_timeout",
            "io_max_combine_limit",
            "io_max_concurrency",
            "io_method",
            "io_workers",
            "log_lock_failures",
            "max_active_replication_origins",
            "md5_password_warnings",
            "oauth_validator_libraries",
            "ssl_groups",
            "ssl_tls13_ciphers",
            "track_cost_delay_timing",
            "vacuum_max_eager_freeze_failure_rate",
            "vacuum_truncate",
        ],
    ),
];

/// By the last major that has them.
const REMOVED: [(u16, &[&str]); 4] = [
    (13, &["operator_precedence_warning", "vacuum_cleanup_index_scale_factor"]),
    (14, &["stats_temp_directory"]),
    (15, &["vacuum_defer_cleanup_age"]),
    (16, &["db_user_namespace", "old_snapshot_threshold", "trace_recovery_messages"]),
];

/// Refuses a setting (in lower case) that this major would not start with.
pub fn check(name: &str, major: u16) -> Result<(), Refusal> {
    let of = |table: &[(u16, &[&str])]| table.iter().find(|(_, names)| names.contains(&name)).map(|(major, _)| *major);
    let problem = match (of(&ADDED), of(&REMOVED)) {
        (Some(first), _) if major < first => {
            format!("PostgreSQL {major} has no `{name}`: {first} is the first that has it")
        }
        (_, Some(last)) if major > last => format!("PostgreSQL {major} has no `{name}` any more: {last} was the last"),
        _ => return Ok(()),
    };
    refuse(&is::SETTING_NAME, problem, "leave it out, or write another postgres.version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_stands_once() {
        let all: Vec<&str> = ADDED.iter().chain(&REMOVED).flat_map(|(_, names)| names.iter().copied()).collect();
        for name in &all {
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name}");
            assert!(super::super::NAMES.lines().any(|known| known == *name), "{name}");
        }
    }
}
