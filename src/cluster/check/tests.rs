use super::*;
use crate::blueprint::model::Blueprint;
use crate::cluster::resolve;
use crate::cluster::timing::{EtcdTiming, HealthCheck};

/// A blueprint's block, behind the smallest one's region.
fn checked(text: &str) -> Check {
    check(&resolve(&parsed(text)))
}

fn parsed(text: &str) -> Blueprint {
    let text = format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n{text}\n}}\n");
    crate::blueprint::parse("herd.hcl", &text).unwrap_or_else(|problems| panic!("{text}{problems:#?}"))
}

fn codes(check: &Check) -> Vec<&'static str> {
    check.findings.iter().map(|finding| finding.rule.code).collect()
}

/// Master and slaves of one type, with a disk of these attributes.
fn both(instance_type: &str, disk: &str) -> String {
    let kind = format!("{{\n instance_type = \"{instance_type}\"\n disk {{\n {disk}\n}}\n}}");
    format!("master {kind}\nslaves {kind}")
}

/// The two rows of settings that failovers were measured with: three machines, 2 cores, etcd on the same machines.
fn measured_rows() -> [Timers; 2] {
    let row = |ttl, loop_wait, retry_timeout, primary_start_timeout, inter, fall, rise| Timers {
        synchronous: true,
        ttl,
        loop_wait,
        retry_timeout,
        primary_start_timeout,
        wal_sender_timeout: 10_000,
        unflushed: 0,
        standbys: 2,
        etcd_members: 3,
        etcd: EtcdTiming { heartbeat: 100, election: 1000 },
        check: HealthCheck { inter, fastinter: inter, fall, rise },
    };
    [row(30, 10, 10, 300, 3000, 3, 4), row(20, 5, 5, 0, 1000, 2, 1)]
}

/// Longest write outage that was measured, in milliseconds. Power cuts include those of a primary that led etcd.
const MEASURED: [[(Fault, u32); 3]; 2] = [
    [(Fault::Postgres, 12_300), (Fault::Switchover, 7_200), (Fault::Machine, 47_500)],
    [(Fault::Postgres, 8_300), (Fault::Switchover, 4_600), (Fault::Machine, 25_800)],
];

#[test]
fn what_was_measured_stays_within_what_is_predicted() {
    for (timers, measured) in measured_rows().iter().zip(MEASURED) {
        for (fault, longest) in measured {
            let bound = predict(timers, fault).bound().expect("timers end it");
            assert!(longest <= bound, "{fault:?}: {longest} ms measured, {bound} predicted");
        }
    }
}

/// A bound that is far from anything that happens is no prediction. A crash with 300 s to recover in is left out.
#[test]
fn what_is_predicted_is_at_most_twice_what_was_measured_with_the_default_timers() {
    for (fault, longest) in MEASURED[1] {
        let bound = predict(&measured_rows()[1], fault).bound().expect("timers end it");
        assert!(bound <= 2 * longest, "{fault:?}: {longest} ms measured, {bound} predicted");
    }
}

#[test]
fn an_outage_is_the_sum_of_its_terms_and_each_has_a_source() {
    let found = checked("");
    for prediction in &found.faults {
        for term in prediction.outage.iter().chain(&prediction.loss) {
            assert!(term.ms > 0 && !term.source.is_empty() && !term.what.is_empty(), "{term:?}");
        }
    }
    let machine = predict(&Timers::of(&resolve(&parsed(""))), Fault::Machine);
    let names: Vec<_> = machine.outage.iter().map(|term| term.name).collect();
    assert_eq!(names, ["ttl", "lease_sweep", "loop_wait", "etcd_node", "members", "promotion", "haproxy_up"]);
    assert_eq!(machine.bound(), Some(20_000 + 500 + 2_000 + 1_666 + 2_000 + 2_000 + 1_000));
}

#[test]
fn synchronous_mode_loses_nothing_and_its_absence_does() {
    let lost = |text: &str| -> Vec<Option<u32>> { checked(text).faults.iter().map(Prediction::lost).collect() };
    assert!(lost("").iter().all(|lost| *lost == Some(0)));
    let without = checked("failover {\n synchronous = false\n}");
    let of = |fault| without.faults.iter().find(|p| p.fault == fault).and_then(Prediction::lost);
    assert_eq!(of(Fault::Partition), Some(7_000), "loop_wait + retry_timeout");
    assert_eq!(of(Fault::Switchover), Some(0));
    assert_eq!(lost("slaves {\n count = 0\n}")[1], None, "no second copy");
}

#[test]
fn a_cluster_says_what_it_can_spare() {
    use quorum::Verdict::*;
    for (text, zones) in [
        ("", vec![GoOn, GoOn, StopWithoutHaproxy]),
        ("slaves {\n count = 4\n}", vec![MayStop, MayStop, StopWithoutHaproxy]),
        ("slaves {\n count = 4\n}\nfailover {\n synchronous = false\n}", vec![GoOn, GoOn, StopWithoutHaproxy]),
        ("slaves {\n count = 1\n}", vec![GoOn, GoOn, StopWithoutHaproxy]),
        ("network {\n zones = [\"a\", \"b\"]\n}", vec![StopWithoutQuorum, GoOn]),
        ("network {\n zones = [\"a\"]\n}", vec![StopWithoutDatabase]),
        ("slaves {\n count = 0\n}", vec![StopWithoutDatabase, StopWithoutHaproxy]),
    ] {
        let found: Vec<_> = checked(text).quorum.zones.iter().map(|zone| zone.verdict).collect();
        assert_eq!(found, zones, "{text}");
    }
}

#[test]
fn each_rule_is_broken_by_what_it_is_about_and_by_nothing_less() {
    for (text, expected) in [
        ("", vec![]),
        ("network {\n zones = [\"a\", \"b\"]\n}", vec!["PGH001", "PGH002"]),
        ("network {\n zones = [\"a\"]\n}", vec!["PGH001"]),
        ("network {\n zones = [\"a\", \"b\", \"c\", \"d\"]\n}", vec!["PGH341"]),
        ("slaves {\n count = 4\n}", vec!["PGH002", "PGH400"]),
        ("slaves {\n count = 4\n}\nfailover {\n synchronous = false\n}", vec!["PGH400"]),
        ("slaves {\n count = 0\n}", vec!["PGH003"]),
        ("failover {\n rto = \"30s\"\n}", vec!["PGH006", "PGH008"]),
        ("failover {\n rto = \"20s\"\n}", vec!["PGH004", "PGH006"]),
        ("failover {\n rto = \"60s\"\n}", vec!["PGH006"]),
        ("failover {\n rto = \"60s\"\n ttl = 60\n}", vec!["PGH004", "PGH006"]),
        (
            "failover {\n rto = \"31s\"\n}\npostgres {\n settings = { max_standby_streaming_delay = \"1s\", max_standby_archive_delay = 1000 }\n}",
            vec!["PGH006"],
        ),
        ("failover {\n rto = \"60s\"\n}\nslaves {\n count = 0\n}", vec!["PGH004", "PGH003", "PGH006"]),
        ("failover {\n rpo = \"0\"\n}", vec![]),
        ("failover {\n rpo = \"0\"\n synchronous = false\n}", vec!["PGH005"]),
        ("failover {\n rpo = \"10s\"\n synchronous = false\n}", vec![]),
        ("failover {\n rpo = \"0\"\n}\nslaves {\n count = 0\n}", vec!["PGH005", "PGH003"]),
        ("failover {\n retry_timeout = 3\n}", vec!["PGH007"]),
        ("failover {\n retry_timeout = 4\n}", vec![]),
        (
            "failover {\n rto = \"60s\"\n}\npostgres {\n settings = { wal_sender_timeout = 0 }\n}",
            vec!["PGH004", "PGH006"],
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
        ("slaves {\n count = 3\n}\naccept \"PGH002\" {\n reason = \"a test\"\n}", vec![]),
        (
            &format!(
                "{}\nhaproxy {{\n instance_type = \"c6in.24xlarge\"\n}}",
                both("m5.12xlarge", "iops = 16000\n throughput = 1000").replacen("slaves {", "slaves {\n count = 3", 1)
            ),
            vec!["PGH002", "PGH401"],
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
        ("postgres {\n settings = { archive_mode = true }\n}", vec!["PGH041"]),
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
        ("postgres {\n settings = { archive_command = \"pgbackrest archive-push %p\" }\n}", vec!["PGH042"]),
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

#[test]
fn commits_that_are_acknowledged_before_they_are_written_are_counted_as_lost() {
    let lost = |text: &str| -> Vec<Option<u32>> { checked(text).faults.iter().map(Prediction::lost).collect() };
    let with = |more: &str| {
        lost(&format!(
            "failover {{\n synchronous = false\n}}\npostgres {{\n settings = {{ synchronous_commit = \"off\"{more} }}\n}}"
        ))
    };
    assert_eq!(with("")[..4], [Some(2600), Some(2600), Some(7000), Some(0)]);
    assert_eq!(with(", wal_writer_delay = \"1s\"")[0], Some(5000));
    let alone = "slaves {\n count = 0\n}\nfailover {\n synchronous = false\n}\npostgres {\n settings = { synchronous_commit = false }\n}";
    assert_eq!(lost(alone)[..2], [Some(600), None]);
}

#[test]
fn who_may_come_in_is_told() {
    let told = |text: &str| -> Vec<(String, u16, String, Option<&str>)> {
        checked(text).access.into_iter().map(|door| (door.what, door.port, door.from.join(" "), door.closed)).collect()
    };
    let row = |what: &str, port, from: &str, closed| (what.to_string(), port, from.to_string(), closed);
    let nobody = "no network.admins and no key_name; a key_name that is added later replaces the machine";
    assert_eq!(
        told(""),
        [
            row("write", 5000, "10.20.0.0/16", None),
            row("read", 5001, "10.20.0.0/16", None),
            row("stats", 7000, "10.20.0.0/16", None),
            row("SSH, master, slaves and haproxy", 22, "", Some(nobody)),
            // Whoever runs Packer may be anywhere.
            row("SSH, builder of images", 22, "0.0.0.0/0", None),
        ]
    );
    let some = told("network {\n admins = [\"203.0.113.0/24\"]\n}\nmaster {\n key_name = \"dba\"\n}");
    assert_eq!(
        some[2..],
        [
            row("stats", 7000, "10.20.0.0/16 203.0.113.0/24", None),
            row("SSH, master", 22, "203.0.113.0/24", None),
            row(
                "SSH, slaves and haproxy",
                22,
                "203.0.113.0/24",
                Some("no key_name; one that is added later replaces the machine")
            ),
            row("SSH, builder of images", 22, "203.0.113.0/24", None),
        ]
    );
    // A builder is reached by its public address: who comes by VPN would lock Packer out.
    let from = |admins: &str| {
        let doors = told(&format!("network {{\n admins = [{admins}]\n}}"));
        doors.into_iter().find(|door| door.0 == "SSH, builder of images").map(|door| door.2)
    };
    assert_eq!(from("\"10.9.0.0/16\", \"100.64.3.0/24\"").as_deref(), Some("0.0.0.0/0"));
    assert_eq!(from("\"10.9.0.0/16\", \"203.0.113.0/24\"").as_deref(), Some("203.0.113.0/24"));
}

#[test]
fn who_has_private_addresses_alone_is_told_so() {
    let ssh = |more: &str, admin: &str| -> Vec<Option<String>> {
        let machine = |name: &str| format!("{name} {{\n key_name = \"dba\"\n{more}\n}}\n");
        let haproxy = "haproxy {\n key_name = \"dba\"\n elastic_ip = true\n}\n";
        let network = format!("network {{\n admins = [\"{admin}\"]\n}}\n");
        let found = checked(&format!("{network}{}{}{haproxy}", machine("master"), machine("slaves")));
        found.access.into_iter().filter(|door| door.what == "SSH, master, slaves and haproxy").map(|d| d.only).collect()
    };
    let told =
        "by VPN or peering: master and slaves have no elastic_ip, and private addresses are not reached from outside";
    assert_eq!(ssh("", "203.0.113.0/24"), [Some(told.to_string())]);
    assert_eq!(ssh(" elastic_ip = true", "203.0.113.0/24"), [None]);
    assert_eq!(ssh("", "10.9.0.0/16"), [None], "they are in another network of ours");
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

#[test]
fn timers_that_are_left_open_are_chosen_to_meet_the_budget() {
    for (text, timers) in [
        ("rto = \"60s\"", Some((20, 2, 5))),
        ("rto = \"29s\"", Some((20, 1, 5))),
        ("rto = \"30s\"", Some((20, 2, 5))),
        ("rto = \"28s\"", Some((20, 1, 4))),
        ("rto = \"27s\"", None),
        ("rto = \"60s\"\n ttl = 40", Some((40, 2, 5))),
        ("rto = \"60s\"\n ttl = 47", Some((47, 2, 5))),
        ("rto = \"60s\"\n ttl = 58", None),
        ("rto = \"30s\"\n loop_wait = 5", None),
        ("rpo = \"6s\"\n synchronous = false", Some((20, 1, 5))),
        ("rpo = \"0\"\n rto = \"30s\"", Some((20, 2, 5))),
    ] {
        let blueprint = parsed(&format!("failover {{\n {text}\n}}"));
        let cluster = resolve(&blueprint);
        let failover = cluster.failover;
        let met = check(&cluster).errors() == 0;
        assert_eq!(met.then_some((failover.ttl, failover.loop_wait, failover.retry_timeout)), timers, "{text}");
        assert!(failover.loop_wait + 2 * failover.retry_timeout <= failover.ttl);
    }
}

#[test]
fn without_synchronous_mode_a_crash_gets_the_time_to_recover_that_the_rto_leaves() {
    let start_timeout = |text: &str| resolve(&parsed(&format!("failover {{\n {text}\n synchronous = false\n}}")));
    assert_eq!(start_timeout("").primary_start_timeout, 60);
    let cluster = start_timeout("rto = \"40s\"");
    assert_eq!(cluster.primary_start_timeout, 31);
    assert_eq!(check(&cluster).errors(), 0);
}

#[test]
fn a_budget_that_cannot_be_met_is_refused_with_the_term_and_the_way_out() {
    for (text, says) in [
        ("rto = \"20s\"", "28 s is the least"),
        ("rto = \"30s\"\n loop_wait = 5", "loop_wait as written is too large"),
        ("rto = \"40s\"\n ttl = 60\n loop_wait = 10", "ttl and loop_wait as written are too large: leave them out"),
    ] {
        let found = checked(&format!("failover {{\n {text}\n}}"));
        let refused = found.findings.iter().find(|f| f.rule.code == "PGH004").expect("refused");
        assert!(refused.help.contains(says), "{text}: {}", refused.help);
        assert!(refused.problem.contains("ttl"), "{}", refused.problem);
    }
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

/// From the first rule too many, and not before; each list has its own ports.
#[test]
fn rules_beyond_a_quota_are_said_from_the_first_one_on() {
    let ranges =
        |count: u32| (0..count).map(|n| format!("\"10.77.{}.{}/32\"", n / 256, n % 256)).collect::<Vec<_>>().join(", ");
    let said = |list: &str, count: u32| {
        let found = checked(&format!(
            "network {{\n{list} = [{}]\n}}\naccept \"PGH050\" {{ reason = \"a test\" }}",
            ranges(count)
        ));
        let of_quotas = |finding: &&Finding| finding.rule.code.starts_with("PGH31");
        let findings = found.findings.iter().filter(of_quotas);
        findings.map(|finding| format!("{} {}", finding.rule.code, finding.problem)).collect::<Vec<_>>()
    };
    // HAProxy's: the network's own to the stats page, and each client to two ports, or each admin to two.
    let haproxy = "PGH311 inbound rules of security groups: HAProxy 61";
    assert_eq!((said("clients", 29), said("clients", 30)), (vec![], vec![haproxy.to_string()]));
    assert_eq!((said("admins", 28), said("admins", 29)), (vec![], vec![haproxy.to_string()]));
    let both = "inbound rules of security groups: Secrets Manager's endpoint 501, HAProxy 999";
    assert_eq!(said("clients", 499), [format!("PGH311 {both}")]);
    assert!(said("admins", 500).iter().any(|said| said.starts_with("PGH312")));
}

#[test]
fn a_prefix_list_may_weigh_more_than_one_rule() {
    let help = |more: &str| {
        let ranges: Vec<String> = (0..31).map(|n| format!("\"10.77.0.{n}/32\"")).collect();
        let found = checked(&format!(
            "network {{\nclients = [{}{more}]\n}}\naccept \"PGH050\" {{ reason = \"a test\" }}",
            ranges.join(", ")
        ));
        found.findings.iter().find(|finding| finding.rule.code == "PGH311").expect("31 clients are many").help.clone()
    };
    assert!(!help("").contains("prefix list"), "{}", help(""));
    let of_lists = help(", \"pl-0123456789abcdef0\"");
    for words in
        ["counts as one here", "describe-managed-prefix-lists", "--prefix-list-ids pl-0123456789abcdef0", "MaxEntries"]
    {
        assert!(of_lists.contains(words), "{of_lists}");
    }
}

#[test]
fn groups_and_prefix_lists_come_in_as_ranges_do() {
    let network = "network {\nclients = [\"sg-0123456789abcdef0\", \"pl-0123456789abcdef0\"]\n\
                   admins = [\"123456789012/sg-0a1b2c3d\"]\n}\nmaster { key_name = \"dba\" }\nslaves { key_name = \"dba\" }\n\
                   haproxy { key_name = \"dba\" }";
    let found = checked(network);
    let from = |what: &str| {
        let door = found.access.iter().find(|door| door.what.contains(what));
        door.unwrap_or_else(|| panic!("no {what}: {:?}", found.access)).from.join(", ")
    };
    assert_eq!(from("write"), "sg-0123456789abcdef0, pl-0123456789abcdef0");
    assert_eq!(from("SSH, master"), "123456789012/sg-0a1b2c3d");
    assert_eq!(from("builder"), "0.0.0.0/0", "Packer knows neither groups nor lists");
}
