//! What violates each rule, and what does not.

use super::*;

#[test]
fn each_rule_is_broken_by_what_it_is_about_and_by_nothing_less() {
    for (text, expected) in [
        ("", vec![]),
        ("network {\n zones = [\"a\", \"b\"]\n}", vec!["PGH001", "PGH002"]),
        ("network {\n zones = [\"a\"]\n}", vec!["PGH001"]),
        ("network {\n zones = [\"a\", \"b\", \"c\", \"d\"]\n}", vec!["PGH341"]),
        ("slaves {\n count = 4\n}", vec!["PGH400"]),
        ("slaves {\n count = 4\n}\nfailover {\n synchronous = false\n}", vec!["PGH400"]),
        ("slaves {\n count = 0\n}", vec!["PGH003"]),
        ("failover {\n synchronous = \"strict\"\n}", vec![]),
        ("slaves {\n count = 0\n}\nfailover {\n synchronous = \"strict\"\n}", vec!["PGH017", "PGH003"]),
        ("failover {\n rto = \"30s\"\n}", vec!["PGH008"]),
        ("failover {\n rto = \"65s\"\n}\nhaproxy {\n count = 1\n}", vec!["PGH006"]),
        ("failover {\n rto = \"20s\"\n}", vec!["PGH004"]),
        ("failover {\n rto = \"65s\"\n}", vec![]),
        ("failover {\n rto = \"65s\"\n ttl = 60\n}", vec!["PGH004"]),
        (
            "failover {\n rto = \"31s\"\n}\npostgres {\n settings = { max_standby_streaming_delay = \"1s\", max_standby_archive_delay = 1000 }\n}",
            vec![],
        ),
        ("failover {\n rto = \"65s\"\n}\nslaves {\n count = 0\n}", vec!["PGH004", "PGH003"]),
        ("failover {\n rpo = \"0\"\n}", vec![]),
        ("failover {\n rpo = \"0\"\n synchronous = false\n}", vec!["PGH005"]),
        ("failover {\n rpo = \"10s\"\n synchronous = false\n}", vec![]),
        ("failover {\n rpo = \"0\"\n}\nslaves {\n count = 0\n}", vec!["PGH005", "PGH003"]),
        ("failover {\n retry_timeout = 3\n}", vec!["PGH007"]),
        ("failover {\n retry_timeout = 5\n}", vec![]),
        ("failover {\n rto = \"65s\"\n}\npostgres {\n settings = { wal_sender_timeout = 0 }\n}", vec!["PGH009"]),
        (
            "failover {\n rto = \"65s\"\n}\nslaves {\n count = 1\n}\npostgres {\n settings = { wal_sender_timeout = 0 }\n}",
            vec!["PGH004"],
        ),
        ("postgres {\n settings = { wal_sender_timeout = 0 }\n}", vec!["PGH009"]),
        ("failover {\n synchronous = false\n}\npostgres {\n settings = { wal_sender_timeout = 0 }\n}", vec![]),
        ("postgres {\n settings = { max_standby_streaming_delay = -1 }\n}", vec!["PGH008"]),
        ("postgres {\n settings = { max_standby_archive_delay = \"5min\" }\n}", vec!["PGH008"]),
        ("postgres {\n settings = { max_standby_archive_delay = \"30s\" }\n}", vec![]),
        ("slaves {\n count = 0\n}\npostgres {\n settings = { max_standby_streaming_delay = -1 }\n}", vec!["PGH003"]),
        (
            "failover {\n rpo = \"1s\"\n synchronous = false\n}\npostgres {\n settings = { synchronous_commit = \"off\" }\n}",
            vec!["PGH005"],
        ),
        ("postgres {\n settings = { superuser_reserved_connections = 195 }\n}", vec!["PGH010"]),
        ("postgres {\n settings = { superuser_reserved_connections = \"0xC3\" }\n}", vec!["PGH010"]),
        ("postgres {\n settings = { shared_buffers = \"0xE0000\" }\n}", vec!["PGH011", "PGH012"]),
        ("postgres {\n settings = { max_connections = 60, reserved_connections = 50 }\n}", vec!["PGH010"]),
        ("postgres {\n settings = { max_connections = 25 }\n}", vec![]),
        ("postgres {\n settings = { shared_buffers = \"7GB\" }\n}", vec!["PGH011", "PGH012"]),
        ("postgres {\n settings = { shared_buffers = \"2500MB\" }\n}", vec![]),
        ("postgres {\n settings = { work_mem = \"64MB\" }\n}", vec!["PGH012"]),
        ("postgres {\n settings = { max_connections = 2000 }\n}", vec!["PGH012"]),
        (
            "haproxy {\n instance_type = \"t3.nano\"\n}\npostgres {\n settings = { max_connections = 20000 }\n}",
            vec!["PGH012", "PGH015", "PGH400"],
        ),
        ("haproxy {\n instance_type = \"t3.nano\"\n}", vec!["PGH400"]),
        ("postgres {\n settings = { huge_pages = \"on\" }\n}", vec!["PGH013"]),
        ("postgres {\n settings = { huge_pages = \"try\" }\n}", vec![]),
        ("master {\n instance_type = \"q1.large\"\n}", vec!["PGH014", "PGH402"]),
        ("master {\n instance_type = \"q1.large\"\n memory_gb = 16\n}", vec!["PGH014", "PGH402"]),
        ("master {\n instance_type = \"q1.large\"\n memory_gb = 16\n vcpus = 2\n}", vec!["PGH030", "PGH402"]),
        (
            "master {\n instance_type = \"q1.large\"\n memory_gb = 4\n vcpus = 2\n}\nslaves {\n count = 0\n}\npostgres {\n settings = { shared_buffers = \"4GB\" }\n}",
            vec!["PGH011", "PGH016", "PGH003", "PGH012", "PGH402"],
        ),
        ("postgres {\n settings = { max_slot_wal_keep_size = -1 }\n}", vec!["PGH020"]),
        ("postgres {\n settings = { max_slot_wal_keep_size = \"1MB\" }\n}", vec!["PGH024"]),
        ("postgres {\n settings = { max_slot_wal_keep_size = \"1GB\" }\n}", vec![]),
        ("postgres {\n version = 18\n settings = { idle_replication_slot_timeout = \"1min\" }\n}", vec!["PGH024"]),
        ("postgres {\n version = 18\n settings = { idle_replication_slot_timeout = \"1d\" }\n}", vec![]),
        ("slaves {\n count = 0\n}\npostgres {\n settings = { max_slot_wal_keep_size = \"1MB\" }\n}", vec!["PGH003"]),
        ("postgres {\n settings = { max_locks_per_transaction = 1000000 }\n}", vec!["PGH016", "PGH012"]),
        ("postgres {\n settings = { max_locks_per_transaction = 256 }\n}", vec![]),
        ("postgres {\n settings = { max_pred_locks_per_transaction = 1000000 }\n}", vec!["PGH016", "PGH012"]),
        ("postgres {\n settings = { max_prepared_transactions = 200000 }\n}", vec!["PGH016", "PGH012"]),
        ("postgres {\n settings = { min_dynamic_shared_memory = \"8GB\" }\n}", vec!["PGH016", "PGH012"]),
        ("postgres {\n settings = { \"pg_stat_statements.max\" = 50000000 }\n}", vec!["PGH016", "PGH012"]),
        (
            "postgres {\n settings = { track_activity_query_size = \"1MB\", max_connections = 8000 }\n}",
            vec!["PGH016", "PGH012"],
        ),
        ("postgres {\n settings = { max_connections = 200000 }\n}", vec!["PGH016", "PGH012", "PGH015"]),
        ("postgres {\n settings = { max_slot_wal_keep_size = \"90GB\" }\n}", vec!["PGH021"]),
        ("master {\n disk {\n size = 8\n}\n}\nslaves {\n disk {\n size = 8\n}\n}", vec![]),
        ("master {\n instance_type = \"m5.large\"\n disk {\n iops = 16000\n throughput = 1000\n}\n}", vec!["PGH023"]),
        (&both("m5.12xlarge", "iops = 16000\n throughput = 1000"), vec!["PGH400"]),
        (&both("m5.12xlarge", "iops = 16000\n throughput = 1200"), vec!["PGH023", "PGH400"]),
        (&both("m6i.32xlarge", "size = 20000\n iops = 40000\n throughput = 2000"), vec!["PGH400"]),
        (&both("r5b.4xlarge", "iops = 40000\n throughput = 1100"), vec!["PGH400"]),
        (&both("m5.24xlarge", "size = 120\n iops = 60000"), vec!["PGH400"]),
        (&both("m6i.large", "iops = 50000"), vec!["PGH022"]),
        ("haproxy {\n instance_type = \"t3.small\"\n}", vec!["PGH400"]),
        ("haproxy {\n instance_type = \"c6i.large\"\n}", vec!["PGH400"]),
        ("haproxy {\n instance_type = \"c6i.large\"\n}\nslaves {\n count = 0\n}", vec!["PGH003"]),
        ("haproxy {\n instance_type = \"c7gn.medium\"\n}", vec![]),
        ("haproxy {\n instance_type = \"c99.large\"\n memory_gb = 4\n vcpus = 2\n}", vec!["PGH402"]),
        (
            "network {\n zones = [\"a\", \"b\"]\n}\naccept \"PGH001\" {\n reason = \"a test\"\n}\naccept \"PGH002\" {\n reason = \"a test\"\n}",
            vec![],
        ),
        (
            &format!(
                "{}\nhaproxy {{\n instance_type = \"c6in.24xlarge\"\n}}",
                both("m5.12xlarge", "iops = 16000\n throughput = 1000").replacen("slaves {", "slaves {\n count = 3", 1)
            ),
            vec!["PGH401"],
        ),
        ("slaves {\n instance_type = \"c6i.large\"\n}", vec!["PGH030"]),
        ("slaves {\n disk {\n size = 50\n}\n}", vec!["PGH031"]),
        ("master {\n instance_type = \"t3.large\"\n}\nslaves {\n instance_type = \"t3.large\"\n}", vec!["PGH032"]),
        (
            "master {\n instance_type = \"t3.large\"\n disk {\n iops = 16000\n}\n}\nslaves {\n count = 0\n}",
            vec!["PGH003", "PGH022", "PGH032"],
        ),
        ("postgres {\n settings = { autovacuum = false }\n}", vec!["PGH040"]),
        ("postgres {\n settings = { autovacuum = \"of\", track_counts = \"0\" }\n}", vec!["PGH040", "PGH040"]),
        ("postgres {\n settings = { autovacuum = true, track_counts = true, track_activities = false }\n}", vec![]),
        ("postgres {\n settings = { archive_mode = true }\n}", vec![]),
        ("postgres {\n settings = { archive_mode = \"always\", archive_command = \" \" }\n}", vec!["PGH041"]),
        (
            "postgres {\n settings = { archive_mode = \"on\", archive_command = \"wal-g wal-push %p\" }\n}",
            vec!["PGH041"],
        ),
        ("postgres {\n settings = { archive_mode = \"on\", archive_library = \"basic_archive\" }\n}", vec!["PGH041"]),
        (
            "postgres {\n settings = { archive_mode = \"on\", archive_command = \"/bin/true\", archive_library = \"basic_archive\" }\n}",
            vec!["PGH041"],
        ),
        ("postgres {\n settings = { archive_mode = \"on\", archive_command = \"/bin/true\" }\n}", vec![]),
        ("postgres {\n settings = { archive_mode = \"off\", archive_command = \"/bin/true\" }\n}", vec![]),
        ("postgres {\n settings = { archive_command = \"pgbackrest archive-push %p\" }\n}", vec!["PGH041"]),
        (
            "postgres {\n settings = { archive_mode = \"off\", archive_command = \"wal-g wal-push %p\" }\n}",
            vec!["PGH042"],
        ),
        ("postgres {\n settings = { archive_mode = \"off\", archive_library = \"basic_archive\" }\n}", vec!["PGH042"]),
        (
            "postgres {\n settings = { zero_damaged_pages = true, ignore_checksum_failure = true }\n}",
            vec!["PGH043", "PGH043"],
        ),
        ("postgres {\n settings = { session_replication_role = \"Replica\" }\n}", vec!["PGH043"]),
        ("postgres {\n settings = { session_replication_role = \"origin\", data_sync_retry = \"no\" }\n}", vec![]),
        ("postgres {\n settings = { hot_standby_feedback = true }\n}", vec![]),
        ("postgres {\n settings = { wal_level = \"logical\" }\n}", vec!["PGH383"]),
        ("postgres {\n databases = [\"app\"]\n logical_slots = { cdc = \"app\" }\n}", vec![]),
        ("slaves {\n count = 0\n}\npostgres {\n settings = { wal_level = \"logical\" }\n}", vec!["PGH003"]),
        ("postgres {\n settings = { sync_replication_slots = true }\n}", vec!["PGH388"]),
        ("postgres {\n users = [\"app\"]\n databases = { app = \"app\" }\n}", vec![]),
        ("postgres {\n users = [\"app\", \"report\"]\n databases = { app = \"app\" }\n}", vec!["PGH386"]),
        ("postgres {\n databases = [\"app\"]\n user \"report\" {\n databases = [\"app\"]\n}\n}", vec![]),
        ("postgres {\n locale = \"C\"\n}", vec![]),
        ("postgres {\n locale = \"de_DE.UTF-8\"\n}", vec!["PGH387"]),
        ("postgres {\n locale = \"de-DE\"\n locale_provider = \"icu\"\n}", vec!["PGH387"]),
        ("postgres {\n database \"german\" {\n locale = \"de_DE.UTF-8\"\n}\n}", vec!["PGH387"]),
        (
            "postgres {\n settings = { hot_standby_feedback = true, idle_in_transaction_session_timeout = 0 }\n}",
            vec!["PGH044"],
        ),
        (
            "postgres {\n settings = { hot_standby_feedback = true, idle_in_transaction_session_timeout = \"10min\" }\n}",
            vec![],
        ),
        ("network {\n admins = [\"203.0.113.0/24\"]\n}", vec!["PGH050"]),
        (
            "network {\n admins = [\"203.0.113.0/24\"]\n}\nmaster {\n key_name = \"dba\"\n}\nslaves {\n key_name = \"dba\"\n}",
            vec!["PGH050"],
        ),
        (
            "network {\n admins = [\"203.0.113.0/24\"]\n}\nmaster {\n key_name = \"dba\"\n}\nslaves {\n count = 0\n}\nhaproxy {\n key_name = \"ops\"\n}",
            vec!["PGH003"],
        ),
        ("master {\n key_name = \"dba\"\n}", vec![]),
        ("accept \"PGH003\" {\n reason = \"why not\"\n}", vec!["PGH090"]),
    ] {
        assert_eq!(codes(&checked(text)), expected, "{text}");
    }
}

/// They are set aside where they pay, and memory is counted accordingly.
#[test]
fn huge_pages_spare_large_machines_their_page_tables() {
    let large = |more: &str| {
        let kind = "{\n instance_type = \"r6i.xlarge\"\n}";
        format!("master {kind}\nslaves {kind}\nhaproxy {{ instance_type = \"c6in.xlarge\" }}\npostgres {{\n{more}\n}}")
    };
    let tables = |text: &str| {
        let found = checked(text);
        let sum = found.capacity.iter().find(|sum| sum.what == "memory, each database").expect("alike");
        sum.parts.iter().find(|(name, _)| name.starts_with("page tables")).expect("its part").1
    };
    for (text, reserves, mib) in [
        ("".to_string(), false, 800),
        (large(""), true, 0),
        (large("version = 15"), true, 0),
        (large("version = 14"), false, 3200),
        (large("settings = { huge_pages = \"off\" }"), false, 3200),
        (large("settings = { huge_page_size = \"1GB\" }"), false, 3200),
        (large("settings = { shared_buffers = \"8191MB\" }"), false, 3199),
        (large("settings = { shared_buffers = \"16GB\", max_connections = 5000, work_mem = \"64kB\" }"), true, 0),
    ] {
        assert_eq!((resolve(&parsed(&text)).postgres.reserves_huge_pages, tables(&text)), (reserves, mib), "{text}");
    }
    let many =
        |version| large(&format!("version = {version}\nsettings = {{ max_connections = 1500, work_mem = \"1MB\" }}"));
    assert_eq!((codes(&checked(&many(14))), codes(&checked(&many(17)))), (vec!["PGH012"], vec![]));
}

#[test]
fn an_accepted_rule_is_quiet_and_keeps_its_reason() {
    let text = "network {\n zones = [\"a\"]\n}\naccept \"PGH001\" {\n reason = \"one zone is all there is\"\n}";
    let found = checked(text);
    assert_eq!((codes(&found), found.errors()), (vec![], 0));
    assert_eq!(found.accepted[0].reason, "one zone is all there is");
}

/// What a decision follows from is another decision, or an attribute that a blueprint may hold.
#[test]
fn every_chain_of_decisions_ends_at_the_blueprint() {
    const BLOCKS: [&str; 7] = ["network", "image", "postgres", "master", "slaves", "haproxy", "failover"];
    for text in ["", "slaves {\n count = 15\n}\npostgres {\n settings = { work_mem = \"8MB\" }\n}"] {
        let cluster = resolve(&parsed(text));
        let names: std::collections::BTreeSet<_> = cluster.decisions.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names.len(), cluster.decisions.len(), "each name once");
        for decision in cluster.decisions.iter() {
            assert!(
                !decision.why.is_empty() && !decision.source.is_empty() && !decision.value.is_empty(),
                "{decision:?}"
            );
            for from in &decision.from {
                let block = from.split('.').next().unwrap_or_default();
                assert!(names.contains(from.as_str()) || BLOCKS.contains(&block), "{}: {from}", decision.name);
            }
        }
        for (name, value) in &cluster.postgres.settings {
            let decision = cluster.decisions.iter().find(|d| d.name == format!("postgres.{name}"));
            assert_eq!(decision.map(|d| &d.value), Some(value), "{name}");
        }
        for machine in &cluster.machines {
            assert!(names.contains(format!("address.{}", machine.name).as_str()));
        }
    }
}

#[test]
fn numbers_beyond_all_reason_are_judged_and_nothing_overflows() {
    for text in [
        "max_connections = 262100",
        "superuser_reserved_connections = 262143",
        "work_mem = 2147483647",
        "max_connections = 131000, work_mem = 2147483647, autovacuum_max_workers = 131000, maintenance_work_mem = 2147483647",
        "max_slot_wal_keep_size = 2147483647, max_wal_size = 2147483647",
        "shared_buffers = 1073741823",
    ] {
        assert_ne!(codes(&checked(&format!("postgres {{\n settings = {{ {text} }}\n}}"))), [""; 0], "{text}");
    }
    checked("failover {\n rto = \"60m\"\n}\npostgres {\n settings = { wal_sender_timeout = \"24d\" }\n}");
}
