//! Compares the values of Patroni's own dynamic settings, which `herdctl edit-config` changes beside PostgreSQL's.

use super::{Kind, Parameter};

/// The settings that a blueprint changes, with their types in Patroni (global_config.py and config.py of 4.0.7). Numbers are seconds.
const SETTINGS: [(&str, Kind); 5] = [
    ("loop_wait", Kind::Integer),
    ("primary_start_timeout", Kind::Integer),
    ("retry_timeout", Kind::Integer),
    ("synchronous_node_count", Kind::Integer),
    ("ttl", Kind::Integer),
];

/// Returns whether two texts are the same value of one of Patroni's settings. Its `parse_int` (utils.py) follows PostgreSQL's.
pub fn same(name: &str, one: &str, other: &str) -> bool {
    if name == "synchronous_mode" || name == "synchronous_mode_strict" {
        return mode(one).is_some_and(|one| mode(other) == Some(one));
    }
    match SETTINGS.iter().find(|(known, _)| *known == name) {
        Some((name, kind)) => {
            let plain = Parameter { name, first: 0, last: 0, kind: *kind, unit: "", least: "", most: "", words: "" };
            plain.read(one).is_ok_and(|one| plain.read(other) == Ok(one))
        }
        None => false,
    }
}

/// Reads `synchronous_mode` as Patroni's `parse_bool` (utils.py) and `is_quorum_commit_mode` (global_config.py) do: whole words only,
/// in any case. `synchronous_mode_strict` is such a boolean, too.
fn mode(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some("on"),
        "off" | "false" | "no" | "0" => Some("off"),
        "quorum" => Some("quorum"),
        _ => None,
    }
}
