//! Checks values that depend on other values.

use std::collections::BTreeMap;

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters::value;

/// The size of a WAL segment in MB: initdb's default.
const SEGMENT_MB: f64 = 16.0;
/// The most backends (`MAX_BACKENDS` in postmaster.h): a buffer's header has 18 bits for their number.
const MOST_BACKENDS: f64 = 262_143.0;
/// The settings that count as backends, with their defaults: pgherd's for max_connections, Patroni's for max_wal_senders, PostgreSQL's
/// for the rest.
const BACKENDS: [(&str, f64); 5] = [
    ("max_connections", 200.0),
    ("max_worker_processes", 8.0),
    ("max_wal_senders", 10.0),
    ("autovacuum_max_workers", 3.0),
    ("autovacuum_worker_slots", 16.0),
];
/// The caches that consist of banks of 16 pages (`SLRU_BANK_SIZE`).
const BANKS: [&str; 7] = [
    "commit_timestamp_buffers",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "serializable_buffers",
    "subtransaction_buffers",
    "transaction_buffers",
];
/// The statistics of a statement's parts, which PostgreSQL does not allow beside those of the whole statement.
const PARTS: [&str; 3] = ["log_executor_stats", "log_parser_stats", "log_planner_stats"];

/// Refuses a value that conflicts with another. `settings` are all settings of the blueprint in their canonical spellings.
pub fn check(name: &str, settings: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let text = |name: &str| settings.get(name).map_or("", String::as_str);
    let number = |name: &str| settings.get(name).and_then(|text| value::number(name, text));
    let value = text(name);
    let not = |problem: String, help: String| refuse(&is::SETTING_VALUE, problem, help);
    match name {
        "ssl_max_protocol_version" | "ssl_min_protocol_version"
            if text("ssl_max_protocol_version").eq_ignore_ascii_case("TLSv1.2")
                && text("ssl_min_protocol_version").eq_ignore_ascii_case("TLSv1.3") =>
        {
            not(
                "ssl_min_protocol_version is above ssl_max_protocol_version; a server with TLS would not start".into(),
                "remove ssl_max_protocol_version".into(),
            )
        }
        "max_wal_size" | "min_wal_size" if number(name).is_some_and(|mb| mb < 2.0 * SEGMENT_MB) => not(
            format!("{name} = {value} is less than two WAL segments of 16MB; the server would not start"),
            "write \"32MB\" or more".into(),
        ),
        "vacuum_buffer_usage_limit" if number(name).is_some_and(|kb| kb > 0.0 && kb < 128.0) => not(
            format!("`{value}` is out of PostgreSQL's bounds"),
            "write 0 for no limit, or a size from 128kB to 16GB".into(),
        ),
        "io_max_concurrency" if number(name) == Some(0.0) => {
            not("io_max_concurrency = 0 is invalid".into(), "write 1 or more, or -1 to let PostgreSQL choose".into())
        }
        _ if BANKS.contains(&name) && number(name).is_some_and(|pages| pages % 16.0 != 0.0) => {
            let pages = number(name).unwrap_or_default();
            let next = (pages / 16.0).ceil() * 16.0;
            not(format!("{name} = {value} is not a multiple of 16 pages of 8kB"), format!("write {next}"))
        }
        "log_statement_stats" if value == "on" => match PARTS.iter().find(|part| text(part) == "on") {
            Some(part) => not(
                format!("log_statement_stats and {part} exclude each other; the server would not start"),
                format!("remove {part}; the statement's statistics include it"),
            ),
            None => Ok(()),
        },
        _ if BACKENDS.iter().any(|(known, _)| *known == name) => backends(name, &number),
        _ => Ok(()),
    }
}

fn backends(name: &str, number: &dyn Fn(&str) -> Option<f64>) -> Result<(), Refusal> {
    let sum: f64 = BACKENDS.iter().map(|(name, otherwise)| number(name).unwrap_or(*otherwise)).sum();
    match sum <= MOST_BACKENDS {
        true => Ok(()),
        false => refuse(
            &is::SETTING_VALUE,
            format!(
                "PostgreSQL allows at most {MOST_BACKENDS} connections and workers, but these settings add up to {sum}"
            ),
            format!("reduce {name}"),
        ),
    }
}
