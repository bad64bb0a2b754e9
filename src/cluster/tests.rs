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
        ]
    );
}

#[test]
fn every_machine_has_an_address_of_its_own_inside_its_block_for_every_count_and_zone_number() {
    for slaves in 0..=15 {
        for zones in 1..=6 {
            let mut blueprint = Blueprint { slave_count: slaves, ..Blueprint::smallest("herd", "eu-west-1") };
            blueprint.network.zones = "abcdef"[..zones].chars().map(|z| format!("eu-west-1{z}")).collect();
            blueprint.network.cidr = "10.9.0.0/23".parse().expect("a CIDR");
            let cluster = resolve(&blueprint);
            let addresses: HashSet<_> = cluster.machines.iter().map(|m| m.address).collect();
            assert_eq!(addresses.len(), usize::from(slaves) + 2);
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
    assert!(herd(1).haproxy_machine().etcd, "HAProxy's machine is the third of two databases");
    assert!(!herd(2).haproxy_machine().etcd);
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
fn settings_fit_the_smallest_database_machine_and_the_blueprint_wins() {
    let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
    blueprint.slaves.instance_type = "t4g.small".into();
    blueprint.postgres.settings.insert("max_connections".into(), "50".into());
    let postgres = resolve(&blueprint).postgres;
    assert_eq!(postgres.settings["shared_buffers"], "512MB");
    assert_eq!(postgres.max_connections, 50);
    blueprint.slaves.instance_type = "u7i-12tb.224xlarge".into();
    assert!(!resolve(&blueprint).postgres.settings.contains_key("shared_buffers"), "an unknown type is not guessed");
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
