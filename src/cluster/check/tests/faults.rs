//! How long writes stop, and what is lost.

use super::*;
use crate::cluster::Synchronous;
use crate::cluster::timing::{EtcdTiming, HealthCheck};

/// The two rows of settings that failovers were measured with: three machines, 2 cores, etcd on the same machines.
fn measured_rows() -> [Timers; 2] {
    let row = |ttl, loop_wait, retry_timeout, primary_start_timeout, inter, fall, rise| Timers {
        synchronous: Synchronous::On,
        synchronous_nodes: 1,
        ttl,
        loop_wait,
        retry_timeout,
        primary_start_timeout,
        wal_sender_timeout: 10_000,
        wal_receiver_timeout: 10_000,
        unflushed: 0,
        haproxies: 1,
        standbys: 2,
        etcd_members: 3,
        etcd: EtcdTiming { heartbeat: 100, election: 1000 },
        check: HealthCheck { inter, fastinter: inter, downinter: inter, fall, read_fall: fall, rise },
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
    assert_eq!(machine.bound(), Some(20_000 + 500 + 1_000 + 3_000 + 2_000 + 2_000 + 200));
}

#[test]
fn synchronous_mode_loses_nothing_and_its_absence_does() {
    let lost = |text: &str| -> Vec<Option<u32>> { checked(text).faults.iter().map(Prediction::lost).collect() };
    assert!(lost("").iter().all(|lost| *lost == Some(0)));
    let without = checked("failover {\n synchronous = false\n}");
    let of = |fault| without.faults.iter().find(|p| p.fault == fault).and_then(Prediction::lost);
    assert_eq!(of(Fault::Partition), Some(10_000), "loop_wait + retry_timeout");
    assert_eq!(of(Fault::Switchover), Some(0));
    assert_eq!(lost("slaves {\n count = 0\n}")[1], None, "no second copy");
}

#[test]
fn a_cluster_says_what_it_can_spare() {
    use quorum::Survival::*;
    for (text, zones) in [
        ("", vec![GoOn, GoOn, GoOn]),
        ("slaves {\n count = 4\n}", vec![GoOn, GoOn, GoOn]),
        ("slaves {\n count = 4\n}\nfailover {\n synchronous = false\n}", vec![GoOn, GoOn, GoOn]),
        ("slaves {\n count = 1\n}", vec![GoOn, GoOn, GoOn]),
        ("haproxy {\n count = 1\n}", vec![GoOn, GoOn, StopWithoutHaproxy]),
        ("slaves {\n count = 1\n}\nhaproxy {\n count = 1\n}", vec![GoOn, GoOn, StopWithoutHaproxy]),
        ("network {\n zones = [\"a\", \"b\"]\n}", vec![StopWithoutQuorum, GoOn]),
        ("network {\n zones = [\"a\", \"b\"]\n}\nhaproxy {\n count = 1\n}", vec![StopWithoutQuorum, GoOn]),
        ("network {\n zones = [\"a\"]\n}", vec![StopWithoutDatabase]),
        ("slaves {\n count = 0\n}", vec![StopWithoutDatabase, GoOn, GoOn]),
        ("slaves {\n count = 0\n}\nhaproxy {\n count = 1\n}", vec![StopWithoutDatabase, StopWithoutHaproxy]),
    ] {
        let found: Vec<_> = checked(text).quorum.zones.iter().map(|zone| zone.verdict).collect();
        assert_eq!(found, zones, "{text}");
    }
}

/// The same event has one outage, whether it is read as a fault or as the loss of a zone.
#[test]
fn the_loss_of_a_zone_takes_as_long_as_the_fault() {
    let found = checked("");
    let fault = found.faults.iter().find(|p| p.fault == Fault::Zone).and_then(Prediction::bound);
    let zones: Vec<_> = found.quorum.zones.iter().map(|zone| zone.outage_ms).collect();
    assert!(fault.is_some());
    assert_eq!(zones, [fault; 3]);
}

/// Clients whose connection string has both HAProxies go on with the other one.
#[test]
fn a_lost_haproxy_costs_seconds_where_there_is_another() {
    let of = |text: &str, fault: Fault| {
        let found = checked(text);
        found.faults.iter().find(|p| p.fault == fault).and_then(Prediction::bound)
    };
    const SINGLE: &str = "haproxy {\n count = 1\n}";
    assert_eq!((of(SINGLE, Fault::HaproxyMachine), of("", Fault::HaproxyMachine)), (None, Some(4000)));
    assert_eq!((of(SINGLE, Fault::Haproxy), of("", Fault::Haproxy)), (Some(3300), Some(1000)));
    let spared = checked("").quorum.machines;
    let waits: Vec<_> = spared.iter().map(|m| (m.name.as_str(), m.outage_ms.unwrap_or_default())).skip(3).collect();
    assert_eq!(waits, [("haproxy", 4000), ("haproxy2", 4000)]);
    let ways = |text: &str| -> Vec<bool> { checked(text).ways.iter().map(|way| way.is_there).collect() };
    assert_eq!(ways(SINGLE), [true, false, false]);
    assert_eq!(ways(""), [false, true, false]);
    assert_eq!(ways("haproxy {\n nlb = \"internal\"\n}"), [false, true, true]);
    let rto = |text: &str| {
        let found = checked(&format!("failover {{\n rto = \"40s\"\n}}\n{text}"));
        found.findings.iter().any(|finding| finding.rule.code == "PGH006")
    };
    assert!(rto(SINGLE) && !rto(""), "the budget covers what a second HAProxy heals");
}

#[test]
fn a_failover_that_waits_for_reads_is_stated() {
    use replay::ReplayWait::*;
    let found = |blueprint: &str| checked(blueprint).replay_wait;
    let setting = |name: &str, value: &str| format!("postgres {{\n settings = {{ {name} = {value} }}\n}}");
    assert_eq!(found("slaves {\n count = 0\n}"), NoStandby);
    assert_eq!(found(""), AtMost(30_000));
    assert_eq!(
        found(&setting("max_standby_streaming_delay", "\"1s\"")),
        AtMost(30_000),
        "the archive's is the longer one"
    );
    assert_eq!(found(&setting("max_standby_archive_delay", "-1")), WithoutLimit);
    let text = found("").text().unwrap();
    assert!(text.contains("by up to 30 s, if it conflicts"), "{text}");
    assert_eq!((AtMost(0).text(), NoStandby.text()), (None, None));
    assert!(WithoutLimit.text().unwrap().contains("for as long as it runs"));
}

#[test]
fn a_strict_cluster_says_that_it_stops_without_a_standby_and_never_has_a_single_copy() {
    use copies::SingleCopy;
    use quorum::Survival::*;
    const STRICT: &str = "failover {\n synchronous = \"strict\"\n}";
    let found = |slaves: u32, failover: &str| checked(&format!("slaves {{\n count = {slaves}\n}}\n{failover}"));
    for (slaves, failover, single_copy) in [
        (0, "", SingleCopy::NoStandby),
        (1, "", SingleCopy::AfterFailover),
        (2, "", SingleCopy::WithoutStandby),
        (1, STRICT, SingleCopy::Never),
        (2, STRICT, SingleCopy::Never),
        (2, "failover {\n synchronous = false\n}", SingleCopy::UntilReceived),
    ] {
        assert_eq!(found(slaves, failover).single_copy, single_copy, "{slaves} {failover}");
    }
    let zones = |slaves| found(slaves, STRICT).quorum.zones.iter().map(|zone| zone.verdict).collect::<Vec<_>>();
    assert_eq!(zones(2), [GoOn, GoOn, GoOn]);
    assert_eq!(zones(1), [StopWithoutStandby, StopWithoutStandby, GoOn]);
    let unbounded = |slaves| -> Vec<Fault> {
        let predictions = found(slaves, STRICT).faults;
        predictions.iter().filter(|p| p.bound().is_none()).map(|p| p.fault).collect()
    };
    assert_eq!(unbounded(2), [Fault::PartitionHaproxy, Fault::DiskFull, Fault::Everything]);
    let more = unbounded(1);
    for fault in [Fault::Postgres, Fault::Machine, Fault::Switchover, Fault::SyncStandby, Fault::Zone] {
        assert!(more.contains(&fault), "{fault:?}");
    }
    assert!(!more.contains(&Fault::EtcdLeader) && !more.contains(&Fault::Haproxy), "{more:?}");
}

#[test]
fn commits_that_are_acknowledged_before_they_are_written_are_counted_as_lost() {
    let lost = |text: &str| -> Vec<Option<u32>> { checked(text).faults.iter().map(Prediction::lost).collect() };
    let with = |more: &str| {
        lost(&format!(
            "failover {{\n synchronous = false\n}}\npostgres {{\n settings = {{ synchronous_commit = \"off\"{more} }}\n}}"
        ))
    };
    assert_eq!(with("")[..4], [Some(1600), Some(1600), Some(10_000), Some(0)]);
    assert_eq!(with(", wal_writer_delay = \"1s\"")[0], Some(4000));
    let alone = "slaves {\n count = 0\n}\nfailover {\n synchronous = false\n}\npostgres {\n settings = { synchronous_commit = false }\n}";
    assert_eq!(lost(alone)[..2], [Some(600), None]);
}

#[test]
fn reads_are_as_old_as_the_blueprint_lets_them_become() {
    let old = |text: &str| checked(text).staleness.map(|terms| terms.iter().map(|term| term.ms).sum());
    assert_eq!(old(""), Some(4850));
    for (staleness, least, most) in [(4, 3000, 4000), (5, 4000, 5000), (30, 29_000, 30_000)] {
        let ms: u32 = old(&format!("haproxy {{\n read_staleness = {staleness}\n}}")).unwrap();
        assert!((least..=most).contains(&ms), "{staleness} s: {ms} ms");
    }
    assert_eq!(old("postgres {\n settings = { wal_receiver_timeout = 0 }\n}"), None);
    assert_eq!(old("slaves {\n count = 0\n}"), Some(0));
}
