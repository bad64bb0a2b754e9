//! A blueprint's settings, checked with a PostgreSQL server: no value is accepted that the server refuses, and none is refused that it
//! accepts unless there is a reason. `PGHERD_POSTGRES=/usr/lib/postgresql/17/bin` names another server than the newest that is installed.

use std::collections::{BTreeMap, BTreeSet};

use crate::real::postgres::Server;
use pgherd::blueprint;
use pgherd::parameters::value::Value;
use pgherd::parameters::{self, Kind, Parameter};

/// Returns whether a blueprint may have the setting, or the diagnostic.
fn accepts(name: &str, value: &str, major: u16) -> Result<(), String> {
    let quoted = serde_json::Value::from(value).to_string().replace("${", "$${").replace("%{", "%%{");
    let text = format!(
        "cluster \"herd\" {{\n  region = \"eu-west-1\"\n  postgres {{\n    version = {major}\n    settings = {{ {name:?} = {quoted} }}\n  }}\n}}\n"
    );
    match blueprint::parse("herd.hcl", &text) {
        Ok(_) => Ok(()),
        Err(problems) => {
            Err(problems.iter().map(|problem| format!("{}: {}\n", problem.code, problem.problem)).collect())
        }
    }
}

#[test]
fn what_servers_run_with_every_day_is_let_through() {
    for (name, value) in [
        ("unix_socket_permissions", "0700"),
        ("unix_socket_permissions", "0770"),
        ("work_mem", "010MB"),
        ("work_mem", "0x10MB"),
        ("maintenance_work_mem", "1.5GB"),
        ("autovacuum", "T"),
        ("shared_preload_libraries", "pg_stat_statements, auto_explain"),
        ("session_preload_libraries", "auto_explain"),
        ("local_preload_libraries", ""),
        ("track_io_timing", "on"),
        ("log_min_duration_statement", "1s"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10min"),
        ("idle_session_timeout", "0"),
        ("transaction_timeout", "1h"),
        ("wal_receiver_timeout", "5s"),
        ("default_transaction_isolation", "repeatable read"),
        ("ssl_ciphers", "HIGH:!aNULL:!MD5"),
        ("ssl_ecdh_curve", "secp384r1"),
        ("ssl_min_protocol_version", "TLSv1.3"),
        ("ssl_max_protocol_version", "TLSv1.2"),
        ("lc_messages", "C.UTF-8"),
        ("lc_time", "C"),
        ("timezone", "Europe/Berlin"),
        ("timezone", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("timezone", "-8.5"),
        ("log_timezone", "UTC"),
        ("timezone_abbreviations", "Australia"),
        ("client_encoding", "LATIN1"),
        ("default_text_search_config", "pg_catalog.german"),
        ("search_path", "\"$user\", public, app"),
        ("wal_keep_size", "1GB"),
        ("max_wal_size", "0x20"),
        ("sync_replication_slots", "on"),
        ("pg_stat_statements.max", "10000"),
        ("pgaudit.log", "ddl"),
        ("log_connections", "on"),
    ] {
        assert_eq!(accepts(name, value, 17), Ok(()), "{name} = {value}");
    }
    assert_eq!(accepts("log_connections", "receipt, authorization", 18), Ok(()));
    assert!(accepts("log_connections", "receipts", 18).is_err());
}

/// Spellings of a number, a boolean or a word.
fn spellings(parameter: &Parameter, with_units: bool) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    match parameter.kind {
        Kind::Bool => texts(&[
            "on", "ON", "of", "off", "o", "t", "tru", "yes", "y", "n", "1", "0", "2", "", " on", "on ", "maybe",
        ]),
        Kind::Enum => {
            let mut all = texts(&[
                "",
                "on",
                "off",
                "true",
                "t",
                "no",
                "1",
                "0",
                "debug",
                "debug1",
                "info",
                "fatal",
                "panic",
                "archive",
                "hot_standby",
                "default",
                "maybe",
                "2",
            ]);
            all.extend(
                parameter
                    .words()
                    .flat_map(|word| [word.to_string(), word.to_uppercase(), format!("{word} "), format!("{word}x")]),
            );
            all
        }
        Kind::Integer | Kind::Real => {
            let mut all = texts(&[
                "0",
                "1",
                "-1",
                "+1",
                "007",
                "010",
                "08",
                "0x10",
                "0x",
                "0xg",
                "0x1.8",
                "1.5",
                "2.5",
                "1.",
                ".5",
                ".",
                "1e1",
                "1e",
                "1e+1",
                "1e400",
                "1e-400",
                "99999999999999999999",
                "1_000",
                "1,000",
                "",
                " ",
                "-",
                "x",
                "nan",
                "inf",
                "0b1",
                "1 0",
                " 1 ",
                "0x10p1",
                "\t1",
            ]);
            // Each unit combined with each other one: once is enough.
            let units = [
                "B", "kB", "KB", "kb", "MB", "mb", "GB", "TB", "PB", "us", "ms", "s", "S", "min", "m", "h", "d", "day",
            ];
            for unit in units.into_iter().filter(|_| with_units) {
                let numbers = ["1", "010", "0x10", "1.5", "100", "5000 ", "1e3", "0.001", "1048576"];
                all.extend(numbers.iter().map(|number| format!("{number}{unit}")));
            }
            for bound in [parameter.least, parameter.most].into_iter().filter(|bound| !bound.is_empty()) {
                all.push(bound.to_string());
                if let Ok(number) = bound.parse::<i64>() {
                    all.extend([number - 1, number + 1].map(|number| number.to_string()));
                    all.push(format!("{number}.4"));
                    all.push(format!("{number}.6"));
                }
            }
            all
        }
        Kind::String | Kind::Shown => vec![],
    }
}

/// PostgreSQL checks some numbers further, when it starts or by a hook; their bounds are in `relations.rs`, with tests of their own.
const HOOKED: [&str; 17] = [
    "autovacuum_max_workers",
    "commit_timestamp_buffers",
    "huge_page_size",
    "io_max_concurrency",
    "max_connections",
    "max_stack_depth",
    "max_wal_senders",
    "max_worker_processes",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "password_encryption",
    "serializable_buffers",
    "subtransaction_buffers",
    "temp_buffers",
    "transaction_buffers",
    "vacuum_buffer_usage_limit",
];

#[test]
fn the_table_says_what_the_server_says() {
    let server = Server::start();
    let lines = server.ask("SELECT name, vartype, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''), context FROM pg_settings");
    assert!(lines.len() > 300, "{}", lines.len());
    let mut wrong = vec![];
    for line in &lines {
        let [name, vartype, unit, least, most, context] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let Some(known) = parameters::of(name, server.major) else {
            wrong.push(format!("{name}: not in the table"));
            continue;
        };
        let kind = match vartype {
            _ if context == "internal" => Kind::Shown,
            "bool" => Kind::Bool,
            "integer" => Kind::Integer,
            "real" => Kind::Real,
            "enum" => Kind::Enum,
            _ => Kind::String,
        };
        let bounds = |least: &str, most: &str| {
            (least.parse::<f64>().ok(), most.parse::<f64>().ok().filter(|most| *most < 1e308))
        };
        if known.kind != kind
            || (kind != Kind::Shown && (known.unit != unit || bounds(known.least, known.most) != bounds(least, most)))
        {
            wrong.push(format!("{line}: {known:?}"));
        }
    }
    let named = |parameter: &Parameter| lines.iter().any(|line| line.split('\t').next() == Some(parameter.name));
    let here = parameters::all().filter(|parameter| (parameter.first..=parameter.last).contains(&server.major));
    let missing: Vec<&str> = here
        .filter(|parameter| parameter.extension().is_none() && !named(parameter))
        .map(|parameter| parameter.name)
        .collect();
    // Only Debian's own build has it.
    assert!(missing.iter().all(|name| *name == "extension_destdir"), "{missing:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every number, boolean and word of every parameter, as ALTER SYSTEM parses it, which uses the parser of configuration files.
#[test]
fn values_are_read_as_the_server_reads_them() {
    let server = Server::start();
    let here = parameters::all().filter(|parameter| {
        (parameter.first..=parameter.last).contains(&server.major)
            && parameter.extension().is_none()
            && !HOOKED.contains(&parameter.name)
    });
    let mut units = BTreeSet::new();
    let mut asked: Vec<(Parameter, String)> = vec![];
    for parameter in here {
        let with_units = units.insert((format!("{:?}", parameter.kind), parameter.unit));
        asked.extend(spellings(&parameter, with_units).into_iter().map(|value| (parameter, value)));
    }
    assert!(asked.len() > 5_000, "{}", asked.len());
    let pairs: Vec<(&str, &str)> = asked.iter().map(|(parameter, value)| (parameter.name, value.as_str())).collect();
    let mut wrong = vec![];
    for ((parameter, value), answer) in asked.iter().zip(server.judge(&pairs)) {
        let read = parameter.read(value);
        if let Err(error) = &answer
            && server.cannot_be_asked(error)
        {
            continue;
        }
        let same = match (&read, &answer) {
            (Err(_), Err(_)) => true,
            (Ok(read), Ok(shown)) => means(parameter, value, read, shown),
            _ => false,
        };
        if !same {
            wrong.push(format!("{} = {value:?}: read {read:?}, the server {answer:?}", parameter.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
}

/// Returns whether the server keeps the value that was read, and prints it as [`Parameter::show`] does. A setting that no session can
/// change is shown as it was written.
fn means(parameter: &Parameter, written: &str, read: &Value, shown: &str) -> bool {
    match (read, parameter.read(shown)) {
        // SHOW prints nothing for a Unix socket.
        _ if parameter.name.starts_with("tcp_") => true,
        (Value::Number(_), Ok(_)) if parameter.kind == Kind::Integer && shown != written => {
            parameter.show(read) == shown
        }
        // Shown with six digits.
        (Value::Number(one), Ok(Value::Number(other))) => (one - other).abs() <= one.abs() * 1e-5,
        (one, Ok(other)) => *one == other,
        (_, Err(_)) => false,
    }
}

/// Texts, which the table does not describe: a blueprint refuses what a server refuses.
#[test]
fn no_text_is_let_through_that_the_server_refuses() {
    let values: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("backtrace_functions", &["", "a,b"][..]),
        (
            "client_encoding",
            &[
                "UTF8",
                "utf-8",
                "LATIN1",
                "iso 8859-15",
                "UTF-9",
                "UTF-16",
                "",
                "SQL_ASCII",
                "win",
                "EUC_JIS_2004",
                "KOI8-R",
            ],
        ),
        ("createrole_self_grant", &["set", "set, inherit", "", "all"]),
        ("datestyle", &["iso", "iso, dmy", "german, mdy", "dmy, ymd", "isoo"]),
        ("debug_io_direct", &["data", "wal, wal_init", "all"]),
        ("default_text_search_config", &["pg_catalog.english", "pg_catalog.englisch"]),
        ("default_table_access_method", &["heap", ""]),
        ("lc_messages", &["C", "C.UTF-8", "C.utf8", "POSIX", "", "en_US.UTF-8", "Klingon"]),
        ("lc_monetary", &["C", "C.UTF-8", "de_DE", "xx_XX.UTF-8"]),
        ("lc_numeric", &["C.UTF-8", "de_DE.UTF-8"]),
        ("lc_time", &["C", "c", "tlh_KX"]),
        ("log_timezone", &["UTC", "Europe/Berlin", "GMT+99:99", "Klingon", "CET-1CEST", "", "GMT+168"]),
        ("restrict_nonsystem_relation_kind", &["view", "view, foreign-table", "", "table"]),
        ("search_path", &["a, b", "\"$user\", public", "a b", "a,", "", "\"a"]),
        ("session_preload_libraries", &["auto_explain", ""]),
        ("temp_tablespaces", &["", "a b"]),
        (
            "timezone",
            &[
                "UTC",
                "Europe/Berlin",
                "europe/berlin",
                "GMT+99",
                "GMT+99:99",
                "GMT+168",
                "CET-1CEST,M3.5.0,M10.5.0",
                "CET-1CEST,M13.5.0,M10.5.0",
                "5",
                "-8.5",
                "168",
                "Klingon",
                "",
                "nan",
                " UTC",
                "UTC+5:30:30",
                "UTC+5:30:60",
                "Foo-",
                "<+03>-3",
                "CET-1,",
            ],
        ),
        ("timezone_abbreviations", &["Default", "Australia", "India", "default", "Klingon", "", "Africa.txt"]),
        ("wal_consistency_checking", &["all", "heap, btree", "", "heapp", "HEAP"]),
    ]);
    let server = Server::start();
    let pairs: Vec<(&str, &str)> = (values.iter())
        .filter(|(name, _)| parameters::of(name, server.major).is_some())
        .flat_map(|(name, values)| values.iter().map(|value| (*name, *value)))
        .collect();
    let mut wrong = vec![];
    for ((name, value), answer) in pairs.iter().zip(server.judge(&pairs)) {
        if let (Ok(()), Err(error)) = (accepts(name, value, server.major), answer) {
            wrong.push(format!("{name} = {value:?} is let through: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
