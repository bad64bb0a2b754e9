//! Limits of sessions, statistics, and the log.

use super::{Setting, manual, setting};
use crate::cluster::decision::list;

/// The library that counts statements, part of PostgreSQL's own package.
pub const STATEMENTS: &str = "pg_stat_statements";

/// Returns the limits of a session. A limit of 0 means none, and is set to state why.
pub fn limits() -> Vec<Setting> {
    vec![
        setting(
            "idle_in_transaction_session_timeout",
            "10min",
            vec![],
            "A forgotten transaction keeps its locks, and keeps vacuum from cleaning up any table, so its session is ended. Patroni's sessions never \
             idle in a transaction, and pg_dump and pg_rewind turn this limit off for themselves.",
            manual!("client", "IDLE-IN-TRANSACTION-SESSION-TIMEOUT"),
        ),
        setting(
            "lock_timeout",
            "0",
            vec![],
            "A limit for everybody would end maintenance, dumps and migrations that rightly wait. A migration sets its own: SET \
             lock_timeout = '5s', and tries again.",
            manual!("client", "LOCK-TIMEOUT"),
        ),
        setting(
            "statement_timeout",
            "0",
            vec![],
            "The manual advises against a limit for everybody: an index build may take hours. An application's limit belongs to its role: \
             ALTER ROLE … SET statement_timeout.",
            manual!("client", "STATEMENT-TIMEOUT"),
        ),
    ]
}

pub fn statistics() -> Vec<Setting> {
    vec![
        setting(
            "shared_preload_libraries",
            STATEMENTS,
            vec![],
            "Which statements take the time is the first question of every investigation. A library that was not loaded at the start \
             cannot tell. pg_stat_statements.track = \"none\" turns it off.",
            "https://www.postgresql.org/docs/current/pgstatstatements.html",
        ),
        setting(
            "track_io_timing",
            "on",
            vec![],
            "It shows how long reads and writes take, per statement and table. Reading the clock of an EC2 Nitro machine costs tens of \
             nanoseconds (pg_test_timing), and a read from gp3 takes half a millisecond.",
            manual!("statistics", "TRACK-IO-TIMING"),
        ),
    ]
}

pub fn log(major: u16) -> Vec<Setting> {
    const WHY: &str = "Somebody who investigates at 3 a.m. needs this in the log.";
    const WHO: &str = "The log shows who connected, from where and for how long. HAProxy checks Patroni, and Patroni keeps its connections, so \
                       only clients cause these lines. An application that connects for every statement shows here: it needs a pool.";
    let line = |name, value: &str| setting(name, value, vec![], WHY, manual!("logging", "LOG-CHECKPOINTS"));
    // One line per connection. Before 18 the only choices are none and three.
    let connections = if major >= 18 { "authorization" } else { "on" };
    let mut all = vec![
        line("log_checkpoints", "on"),
        line("log_lock_waits", "on"),
        line("log_autovacuum_min_duration", "10s"),
        line("log_temp_files", "10MB"),
        line("log_line_prefix", "%m [%p] %q%u@%d %h "),
    ];
    all.extend([
        setting(
            "log_min_duration_statement",
            "1s",
            vec![],
            "A statement that takes this long is logged with its text. pg_stat_statements counts the faster ones. A connection can log \
             at most one such line per second.",
            manual!("logging", "LOG-MIN-DURATION-STATEMENT"),
        ),
        setting("log_connections", connections, list(["postgres.version"]), WHO, manual!("logging", "LOG-CONNECTIONS")),
        setting("log_disconnections", "on", list(["postgres.version"]), WHO, manual!("logging", "LOG-CONNECTIONS")),
    ]);
    all
}
