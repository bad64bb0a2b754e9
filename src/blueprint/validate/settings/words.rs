//! Checks settings whose texts consist of words that PostgreSQL knows but pg_settings does not list.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;
use crate::parameters::value::{boolean, list};

/// The words of each setting, whose value is a list of them.
const WORDS: [(&str, &[&str]); 7] = [
    ("createrole_self_grant", &["set", "inherit"]),
    ("debug_io_direct", &["data", "wal", "wal_init"]),
    ("log_connections", &["receipt", "authentication", "authorization", "setup_durations", "all"]),
    ("plpgsql.extra_errors", &["all", "none", "shadowed_variables", "strict_multi_assignment", "too_many_rows"]),
    ("plpgsql.extra_warnings", &["all", "none", "shadowed_variables", "strict_multi_assignment", "too_many_rows"]),
    ("restrict_nonsystem_relation_kind", &["view", "foreign-table"]),
    (
        "wal_consistency_checking",
        &["all", "heap2", "heap", "btree", "hash", "gin", "gist", "sequence", "spgist", "brin", "generic"],
    ),
];

/// Refuses a word that PostgreSQL does not know in this setting, in lower case.
pub fn check(name: &str, value: &str, major: Option<u16>) -> Result<(), Refusal> {
    let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) else { return Ok(()) };
    // Up to 17 the setting is a boolean; 18 still takes on and off.
    if name == "log_connections" && (boolean(value).is_some() || major.is_some_and(|major| major < 18)) {
        return Ok(());
    }
    let written = list(value).unwrap_or_default();
    let Some(unknown) = written.iter().find(|word| !words.iter().any(|known| known.eq_ignore_ascii_case(word))) else {
        return Ok(());
    };
    let help = match nearest(unknown, words.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("write one or more of {}", words.join(", ")),
    };
    refuse(&is::SETTING_VALUE, format!("`{unknown}` is not a valid word of {name}"), help)
}
