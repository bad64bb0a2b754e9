//! Patroni's own dynamic settings, which `herdctl edit-config` changes beside PostgreSQL's.

use super::value::Value;
use super::{Kind, Parameter};

/// The settings that a blueprint changes, with their types in Patroni (global_config.py and config.py of 4.0.7). Numbers are seconds.
const SETTINGS: [(&str, Kind); 5] = [
    ("loop_wait", Kind::Integer),
    ("primary_start_timeout", Kind::Integer),
    ("retry_timeout", Kind::Integer),
    ("synchronous_mode", Kind::Bool),
    ("ttl", Kind::Integer),
];

/// Returns whether two texts are the same value of one of Patroni's settings.
pub fn same(name: &str, one: &str, other: &str) -> bool {
    let Some((name, kind)) = SETTINGS.iter().find(|(known, _)| *known == name) else { return false };
    read(name, *kind, one).is_some_and(|one| read(name, *kind, other) == Some(one))
}

/// Reads a value as Patroni's utils.py does. Its `parse_int` follows PostgreSQL's; its `parse_bool` takes whole words only.
fn read(name: &'static str, kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Bool => match text.to_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => Some(Value::Bool(true)),
            "off" | "false" | "no" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => Parameter { name, first: 0, last: 0, kind, unit: "", least: "", most: "", words: "" }.read(text).ok(),
    }
}
