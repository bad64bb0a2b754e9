use super::*;
use crate::parameters::same;
use crate::parameters::{all, of};

/// One row a setting: spellings of one value, and spellings of other values.
const SPELLINGS: [(&str, &[&str], &[&str]); 34] = [
    // Booleans: any beginning of a word, in any case.
    ("autovacuum", &["on", "1", "true", "YES", "t", "tr", "y"], &["off", "0", "f", "n", "of", "o", "2", ""]),
    ("log_connections", &["on", "1", "true"], &["off", "authorization", "all"]),
    // Memory, in units of 8 kB, 1 kB and 1 MB; a number without a unit counts those.
    (
        "shared_buffers",
        &["128MB", "131072kB", "16384", "0x4000", "040000", "0.125GB", " 128 MB ", "134217728B", "1.28e2MB"],
        &["128", "127MB", "128mb", "131072", "128GB", "128 M", "128ms"],
    ),
    ("work_mem", &["8MB", "010MB", "8192", "8192kB"], &["10MB", "8", "08MB"]),
    ("max_wal_size", &["8GB", "8192", "8192MB", "010GB"], &["10GB", "8", "8192kB"]),
    ("max_slot_wal_keep_size", &["-1"], &["0", "1"]),
    ("track_activity_query_size", &["1kB", "1024", "1024B"], &["1", "1000"]),
    // Times, in milliseconds, seconds and minutes.
    ("statement_timeout", &["60s", "1min", "60000", "60000ms", "6e4", "60000000us"], &["60", "1", "1m", "60sec", "1h"]),
    ("checkpoint_timeout", &["900s", "15min", "900", "0.25h", "900000ms"], &["15", "14min", "900min"]),
    ("log_rotation_age", &["1d", "24h", "1440", "86400s"], &["1", "24", "1D"]),
    ("vacuum_cost_delay", &["0.5", "0.5ms", "500us", "5e-1"], &["0.5s", "5", "500"]),
    // Whole numbers are rounded, to the even one of two that are as near.
    ("max_connections", &["100", "0x64", "0144", "99.5", "1e2", "100.4", "+100"], &["99", "101", "100s", "0100"]),
    // Real numbers.
    ("random_page_cost", &["1.1", "1.10", "11e-1", "1.1e0"], &["1.11", "1,1", "1"]),
    ("autovacuum_vacuum_scale_factor", &["0.02", ".02", "2e-2"], &["0.2", "2%"]),
    // Modes of files: octal with a 0 in front, decimal without.
    ("unix_socket_permissions", &["0700", "448", "0x1c0"], &["0770", "700", "0777", "511"]),
    // Words, with those that pg_settings does not list.
    ("huge_pages", &["on", "true", "1", "YES"], &["off", "try", "t"]),
    ("wal_level", &["replica", "REPLICA", "hot_standby", "archive"], &["logical", "minimal"]),
    ("wal_compression", &["on", "pglz", "true", "1"], &["off", "lz4", "zstd"]),
    ("synchronous_commit", &["off", "false", "no", "0"], &["on", "local", "remote_write", "remote_apply"]),
    ("synchronous_commit", &["on", "true"], &["remote_apply", "local"]),
    ("archive_mode", &["on", "yes"], &["always", "off"]),
    ("recovery_prefetch", &["try", "TRY"], &["on", "off"]),
    ("log_min_messages", &["debug", "debug2"], &["debug1", "info", "log"]),
    ("default_transaction_isolation", &["repeatable read", "Repeatable Read"], &["repeatable  read", "serializable"]),
    // Lists: blanks and quotes do not count, order does, and case where names are files or quoted.
    ("shared_preload_libraries", &["a,b", "a, b", " a ,b ", "\"a\", b"], &["b, a", "a", "a, B", "a b", ""]),
    ("search_path", &["a, public", "A,Public", "\"a\", public"], &["\"A\", public", "public, a", "a,, public"]),
    ("datestyle", &["ISO, DMY", "iso,dmy"], &["iso, mdy", "iso"]),
    // Texts, and what no server knows, mean themselves.
    ("log_line_prefix", &["1"], &["on", "1 ", "01"]),
    ("my.own", &["1"], &["on", "true", "01"]),
    // Patroni's own settings.
    ("ttl", &["20", "20.0", "0x14"], &["30", "20s", "200"]),
    ("synchronous_mode", &["true", "on", "1", "YES"], &["false", "off", "quorum", "t"]),
    ("synchronous_mode", &["quorum", "Quorum"], &["true", "on", "off", "quorums"]),
    ("synchronous_mode_strict", &["true", "on"], &["false", "off", "0"]),
    ("synchronous_node_count", &["1", "1.0"], &["2", "one"]),
];

#[test]
fn spellings_of_one_value_are_equal_and_other_values_are_not() {
    for (name, equal, unequal) in SPELLINGS {
        for one in equal {
            for other in equal {
                assert!(same(name, one, other), "{name}: {one:?} is {other:?}");
            }
            for other in unequal {
                assert!(!same(name, one, other) && !same(name, other, one), "{name}: {one:?} is not {other:?}");
            }
        }
    }
}

#[test]
fn a_value_is_printed_as_the_server_prints_it() {
    for (name, text, shown) in [
        ("autovacuum", "YES", "on"),
        ("shared_buffers", "16384", "128MB"),
        ("shared_buffers", "1048576", "8GB"),
        ("shared_buffers", "17", "136kB"),
        ("work_mem", "2147483647", "2147483647kB"),
        ("max_wal_size", "1536", "1536MB"),
        ("max_slot_wal_keep_size", "-1", "-1"),
        ("track_activity_query_size", "1048576", "1MB"),
        ("checkpoint_timeout", "900", "15min"),
        ("checkpoint_timeout", "901", "901s"),
        ("statement_timeout", "0", "0"),
        ("statement_timeout", "86400000", "1d"),
        ("vacuum_cost_delay", "0.5", "500us"),
        ("vacuum_cost_delay", "2", "2ms"),
        ("max_connections", "0x64", "100"),
        ("random_page_cost", "1.10", "1.1"),
        ("unix_socket_permissions", "448", "0700"),
        ("log_file_mode", "0640", "0640"),
        ("wal_compression", "on", "pglz"),
        ("log_min_messages", "debug", "debug2"),
        ("search_path", "A,  \"b\"", "a, b"),
        ("log_line_prefix", "%m ", "%m "),
    ] {
        let parameter = of(name, 17).expect(name);
        let value = parameter.read(text).expect(text);
        assert_eq!(parameter.show(&value), shown, "{name} = {text}");
        assert_eq!(parameter.read(shown), Ok(value), "{name}: what is printed is read as the same");
    }
}

#[test]
fn numbers_are_read_in_the_unit_that_is_asked_for() {
    for (name, text, expected) in [
        ("shared_buffers", "128MB", Some(131_072)),
        ("shared_buffers", "16384", Some(131_072)),
        ("shared_buffers", "0x10", Some(128)),
        ("work_mem", "4096", Some(4096)),
        ("work_mem", "1GB", Some(1_048_576)),
        ("work_mem", "1.5 GB", Some(1_572_864)),
        ("work_mem", "010MB", Some(8192)),
        ("work_mem", "1e3", Some(1000)),
        ("max_slot_wal_keep_size", "2TB", Some(2_147_483_648)),
        ("max_slot_wal_keep_size", "-1", Some(-1024)),
        ("work_mem", "much", None),
        ("work_mem", "10 apples", None),
    ] {
        assert_eq!(kib(name, text), expected, "{name} = {text}");
    }
    for (text, expected) in [
        ("10s", Some(10_000)),
        ("2500", Some(2500)),
        ("1min", Some(60_000)),
        ("0", Some(0)),
        ("soon", None),
        ("-1", None),
    ] {
        assert_eq!(milliseconds("wal_sender_timeout", text), expected, "{text}");
    }
    assert_eq!(count("max_connections", "1e2"), Some(100));
    assert_eq!(count("autovacuum_work_mem", "-1"), None);
}

/// [`number`] reads by the newest major alone.
#[test]
fn the_newest_major_reads_every_number_of_the_older_ones() {
    for older in all().filter(|parameter| matches!(parameter.kind, Kind::Integer | Kind::Real)) {
        let newest = newest(older.name).expect(older.name);
        assert_eq!((older.kind, older.unit), (newest.kind, newest.unit), "{}", older.name);
        for bound in [older.least, older.most].into_iter().filter(|bound| !bound.is_empty()) {
            assert_eq!(newest.read(bound), older.read(bound), "{} = {bound}", older.name);
        }
    }
}
