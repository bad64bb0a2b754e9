//! Values that depend on other values.

use std::collections::BTreeMap;

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters::value;

/// A segment of WAL, which initdb is not asked to make of another size.
const SEGMENT_MB: f64 = 16.0;
/// `MAX_BACKENDS`: 18 bits in the header of a buffer.
const MOST_BACKENDS: f64 = 262_143.0;
/// What counts as a backend, with what there is where nothing is set: pgherd's 200 connections, Patroni's 10 senders, PostgreSQL's rest.
const BACKENDS: [(&str, f64); 5] = [
    ("max_connections", 200.0),
    ("max_worker_processes", 8.0),
    ("max_wal_senders", 10.0),
    ("autovacuum_max_workers", 3.0),
    ("autovacuum_worker_slots", 16.0),
];
/// Caches of transactions' states that are made of banks of 16 pages (`SLRU_BANK_SIZE`).
const BANKS: [&str; 7] = [
    "commit_timestamp_buffers",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "serializable_buffers",
    "subtransaction_buffers",
    "transaction_buffers",
];
/// Statistics of a part of a statement, which exclude those of the whole.
const PARTS: [&str; 3] = ["log_executor_stats", "log_parser_stats", "log_planner_stats"];

/// Refuses a value that another one excludes. `settings` are all that the blueprint has, in their canonical spellings.
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
                "ssl_min_protocol_version is above ssl_max_protocol_version: a server with TLS would not start".into(),
                "leave ssl_max_protocol_version out".into(),
            )
        }
        "max_wal_size" | "min_wal_size" if number(name).is_some_and(|mb| mb < 2.0 * SEGMENT_MB) => not(
            format!("{name} = {value} is less than two segments of WAL, which have 16MB: the server would not start"),
            "write \"32MB\" or more".into(),
        ),
        "vacuum_buffer_usage_limit" if number(name).is_some_and(|kb| kb > 0.0 && kb < 128.0) => not(
            format!("`{value}` is out of PostgreSQL's bounds"),
            "write 0 for no limit, or what is within 128kB to 16GB".into(),
        ),
        "io_max_concurrency" if number(name) == Some(0.0) => not(
            "io_max_concurrency is at least 1, or -1 for PostgreSQL's own choice".into(),
            "write 1 or more, or leave it out".into(),
        ),
        _ if BANKS.contains(&name) && number(name).is_some_and(|pages| pages % 16.0 != 0.0) => {
            let pages = number(name).unwrap_or_default();
            let next = (pages / 16.0).ceil() * 16.0;
            not(format!("{name} is no multiple of 16 pages of 8kB"), format!("write {next}"))
        }
        "log_statement_stats" if value == "on" => match PARTS.iter().find(|part| text(part) == "on") {
            Some(part) => not(
                format!("PostgreSQL takes log_statement_stats or {part}, not both, and would not start"),
                format!("leave {part} out: the statement's statistics hold it"),
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
                "PostgreSQL starts with {MOST_BACKENDS} connections and workers at most, and these settings ask for {sum}"
            ),
            format!("write a smaller {name}"),
        ),
    }
}
