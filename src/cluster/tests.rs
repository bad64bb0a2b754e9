use std::collections::HashSet;

use super::*;
use crate::blueprint::model::{Base, Blueprint};

fn herd(slaves: u8) -> Cluster {
    resolve(&Blueprint { slave_count: slaves, ..Blueprint::smallest("herd", "eu-west-1") })
}

#[test]
fn the_default_herd_has_the_documented_addresses() {
    let lines: Vec<String> =
        herd(2).machines.iter().map(|m| format!("{} {} {} {}", m.hostname, m.zone, m.address, m.etcd)).collect();
    assert_eq!(
        lines,
        [
            "herd-master eu-west-1a 10.20.0.16 true",
            "herd-slave1 eu-west-1b 10.20.64.16 true",
            "herd-slave2 eu-west-1c 10.20.128.16 true",
            "herd-haproxy eu-west-1c 10.20.128.32 false",
            "herd-haproxy2 eu-west-1b 10.20.64.32 false",
        ]
    );
}

#[test]
fn every_machine_has_an_address_of_its_own_inside_its_block_for_every_count_and_zone_number() {
    for (slaves, haproxies) in (0..=15).flat_map(|slaves| [(slaves, 1), (slaves, 2)]) {
        for zones in 1..=6 {
            let mut blueprint = Blueprint { slave_count: slaves, ..Blueprint::smallest("herd", "eu-west-1") };
            blueprint.network.zones = "abcdef"[..zones].chars().map(|z| format!("eu-west-1{z}")).collect();
            blueprint.network.cidr = "10.9.0.0/23".parse().expect("a CIDR");
            blueprint.haproxy.count = haproxies;
            let cluster = resolve(&blueprint);
            let addresses: HashSet<_> = cluster.machines.iter().map(|m| m.address).collect();
            assert_eq!(addresses.len(), usize::from(slaves + 1 + haproxies));
            let of_haproxies: HashSet<_> = cluster.balancers().map(|m| &m.zone).collect();
            assert_eq!(of_haproxies.len(), usize::from(haproxies).min(zones), "each in a zone of its own");
            for machine in &cluster.machines {
                let subnet =
                    cluster.network.subnets.iter().find(|s| s.zone == machine.zone).expect("its zone's subnet");
                let block = if machine.role == Role::Haproxy { subnet.haproxy } else { subnet.databases };
                assert!(block.contains(&machine.address) && subnet.cidr.contains(&block), "{machine:?}");
                assert!(cluster.network.cidr.contains(&subnet.cidr));
            }
        }
    }
}

#[test]
fn etcd_is_odd_and_any_one_member_may_be_lost_wherever_there_are_two_databases_or_more() {
    for slaves in 0..=15 {
        let members = herd(slaves).etcd_members().count();
        assert_eq!(members % 2, 1, "{slaves} slaves");
        assert!(members <= 5);
        assert!(slaves == 0 || members >= 3, "{slaves} slaves, {members} members");
    }
    assert!(herd(1).first_balancer().etcd, "HAProxy's machine is the third of two databases");
    assert!(!herd(2).first_balancer().etcd);
}

#[test]
fn adding_a_slave_moves_no_machine() {
    for slaves in 0..15 {
        let (before, after) = (herd(slaves), herd(slaves + 1));
        for machine in &before.machines {
            let later = after.machines.iter().find(|m| m.name == machine.name).expect("still there");
            assert_eq!((machine.address, &machine.zone), (later.address, &later.zone));
        }
    }
}

#[test]
fn a_second_haproxy_moves_no_machine_and_is_no_member_of_etcd() {
    for slaves in 0..=15 {
        let mut blueprint = Blueprint { slave_count: slaves, ..Blueprint::smallest("herd", "eu-west-1") };
        blueprint.haproxy.count = 1;
        let before = resolve(&blueprint);
        blueprint.haproxy.count = 2;
        let mut after = resolve(&blueprint);
        let second = after.machines.pop().expect("the second HAProxy");
        assert_eq!((second.name.as_str(), second.role, second.etcd), ("haproxy2", Role::Haproxy, false));
        assert_eq!(after.machines, before.machines);
    }
}

#[test]
fn packages_come_from_pgdg_only_where_the_base_does_not_have_them() {
    let pgdg = |base, version| {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        blueprint.image.base = base;
        blueprint.postgres.version = version;
        let postgres = resolve(&blueprint).postgres;
        (postgres.major, postgres.pgdg)
    };
    assert_eq!(pgdg(Base::Debian13, None), (17, false));
    assert_eq!(pgdg(Base::Debian13, Some(17)), (17, false));
    assert_eq!(pgdg(Base::Debian13, Some(16)), (16, true));
    assert_eq!(pgdg(Base::Debian12, None), (15, true), "its own Patroni is too old");
}

#[test]
fn graviton_is_told_by_the_family() {
    for (instance_type, arch) in [
        ("m6i.large", Arch::X86),
        ("g5.xlarge", Arch::X86),
        ("t4g.medium", Arch::Arm),
        ("r6gd.large", Arch::Arm),
        ("x2gd.large", Arch::Arm),
        ("im4gn.large", Arch::Arm),
        ("c7a.large", Arch::X86),
    ] {
        assert_eq!(Arch::of(instance_type), arch, "{instance_type}");
    }
}

#[test]
fn every_standby_finds_a_wal_sender() {
    for (slaves, senders) in [(0, "10"), (2, "10"), (3, "10"), (4, "11"), (15, "33")] {
        let settings = herd(slaves).postgres.settings;
        for name in ["max_wal_senders", "max_replication_slots"] {
            assert_eq!(settings[name], senders, "{name} of {slaves} slaves");
        }
    }
}

#[test]
fn settings_follow_from_the_smallest_database_machine() {
    let settings = |inner: &str| {
        let text = format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n{inner}\n}}\n");
        let blueprint = crate::blueprint::parse("herd.hcl", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let settings = resolve(&blueprint).postgres.settings;
        let names =
            ["shared_buffers", "work_mem", "maintenance_work_mem", "max_parallel_workers", "max_worker_processes"];
        let of_one = ["max_parallel_workers_per_gather", "max_parallel_maintenance_workers"];
        let values = names.into_iter().chain(of_one).map(|name| settings.get(name).map_or("", |value| value));
        values.collect::<Vec<_>>().join(" ")
    };
    let both = |inner: &str| format!("master {{\n{inner}\n}}\nslaves {{\n{inner}\n}}");
    for (text, expected) in [
        ("".to_string(), "2048MB 10MB 512MB 2 10 1 1"),
        (both("instance_type = \"r6i.8xlarge\""), "65536MB 327MB 1024MB 32 40 4 4"),
        (both("instance_type = \"m7g.medium\""), "1024MB 5MB 256MB 1 9 0 0"),
        ("master {\n instance_type = \"m6i.4xlarge\"\n}".into(), "2048MB 10MB 512MB 2 10 1 1"),
        (both("instance_type = \"q1.large\"\nmemory_gb = 16\nvcpus = 2"), "4096MB 20MB 1024MB 2 10 1 1"),
        (both("instance_type = \"q1.large\"\nmemory_gb = 16"), "      "),
        ("slaves {\n instance_type = \"t3.small\"\n}".into(), "512MB 4MB 128MB 2 10 1 1"),
        ("slaves {\n instance_type = \"u9-12tb.224xlarge\"\n}".into(), "      "),
        ("postgres {\n settings = { shared_buffers = \"1GB\" }\n}".into(), "1GB 10MB 512MB 2 10 1 1"),
        ("postgres {\n settings = { max_connections = 50 }\n}".into(), "2048MB 40MB 512MB 2 10 1 1"),
    ] {
        assert_eq!(settings(&text), expected, "{text}");
    }
}

#[test]
fn derived_memory_fits_into_every_machine_of_more_than_two_gibibytes() {
    for size in ["small", "medium", "large", "xlarge", "2xlarge", "16xlarge", "48xlarge"] {
        for family in ["t3", "c7g", "m6i", "r6i", "x2gd"] {
            let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
            for machine in [&mut blueprint.master, &mut blueprint.slaves] {
                machine.instance_type = format!("{family}.{size}");
                machine.instance = InstanceType::of(&machine.instance_type);
            }
            if blueprint.master.instance.is_none_or(|instance| instance.memory_mib <= 2048) {
                continue;
            }
            for sum in check::check(&resolve(&blueprint)).capacity.iter().filter(|sum| sum.what.starts_with("memory")) {
                assert!(sum.fits(), "{family}.{size}: {sum:?}");
            }
        }
    }
}

/// What pgherd decides is held to what a blueprint is: names, values and the majors that know them.
#[test]
fn every_default_is_a_setting_that_its_major_takes() {
    for major in 13..=18 {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        blueprint.postgres.version = Some(major);
        let decided = resolve(&blueprint).postgres.settings;
        let lines: Vec<String> = decided.iter().map(|(name, value)| format!("{name} = {:?}", value)).collect();
        let text = format!(
            "cluster \"herd\" {{\n  region = \"eu-west-1\"\n  postgres {{\n    version = {major}\n    settings = {{\n{}\n    }}\n  }}\n}}\n",
            lines.join("\n")
        );
        let written = crate::blueprint::parse("herd.hcl", &text);
        assert!(written.is_ok(), "{major}: {written:?}");
        assert_eq!(resolve(&written.expect("read")).postgres.settings, decided, "{major}");
    }
}

#[test]
fn the_blueprints_libraries_are_loaded_beside_the_one_that_counts_statements() {
    let loaded = |list: Option<&str>| {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        if let Some(list) = list {
            blueprint.postgres.settings.insert("shared_preload_libraries".into(), list.into());
        }
        resolve(&blueprint).postgres.settings["shared_preload_libraries"].clone()
    };
    for (list, expected) in [
        (None, "pg_stat_statements"),
        (Some("auto_explain"), "pg_stat_statements, auto_explain"),
        (Some("auto_explain, pg_stat_statements"), "auto_explain, pg_stat_statements"),
        (Some("$libdir/pg_stat_statements.so"), "$libdir/pg_stat_statements.so"),
        (Some("\"pg_stat_statements\",pg_prewarm"), "\"pg_stat_statements\",pg_prewarm"),
        (Some(""), ""),
    ] {
        assert_eq!(loaded(list), expected, "{list:?}");
    }
}

/// All workers together never take more than a quarter of memory.
#[test]
fn autovacuum_is_bounded_by_the_machine() {
    for (instance_type, workers, limit) in [("m6i.large", "3", "320"), ("r6i.4xlarge", "8", "320")] {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        for machine in [&mut blueprint.master, &mut blueprint.slaves] {
            machine.instance_type = instance_type.into();
            machine.instance = InstanceType::of(instance_type);
        }
        let settings = resolve(&blueprint).postgres.settings;
        assert_eq!(settings["autovacuum_max_workers"], workers, "{instance_type}");
        assert_eq!(settings["autovacuum_vacuum_cost_limit"], limit, "{instance_type}");
    }
    for memory in [4096, 8192, 131_072, 1_048_576] {
        for vcpus in [2, 8, 64] {
            let taken = sizing::autovacuum_work_mem_mib(memory) * u64::from(sizing::autovacuum_workers(vcpus));
            assert!(taken <= memory / 4, "{memory} MiB, {vcpus} processors");
        }
    }
}

/// `explain` finds out what depends on a decision by changing it: a change that does nothing would hide all of it.
#[test]
fn every_decision_changes_the_cluster_and_states_its_reason_in_sentences() {
    let blueprints = [
        ("herd.hcl", include_str!("../../blueprints/herd.hcl")),
        ("vpc.hcl", include_str!("../../tests/blueprints/vpc.hcl")),
        ("largest.hcl", include_str!("../../tests/blueprints/largest.hcl")),
    ];
    for (path, text) in blueprints {
        let cluster = resolve(&crate::blueprint::parse(path, text).expect("valid"));
        for decision in cluster.decisions.iter() {
            let name = &decision.name;
            // An empty list makes no line that could change.
            let empty = decision.value == "-";
            assert!(empty || decision.perturb(&cluster) != cluster, "{path}: {name}");
            let first = decision.why.chars().next().expect("a reason");
            assert!(
                first.is_uppercase() || first.is_ascii_digit() || starts_with_a_name(decision.why),
                "{name}: {}",
                decision.why
            );
            assert!(decision.why.ends_with('.') && !decision.source.is_empty(), "{name}: {}", decision.why);
        }
    }
}

fn starts_with_a_name(why: &str) -> bool {
    ["etcd ", "etcd's ", "gp3 "].iter().any(|name| why.starts_with(name))
}
