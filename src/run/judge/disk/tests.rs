use super::*;

const GIB: u64 = 1024 * 1024 * 1024;

/// A disk of 100 GiB whose slots may keep 25 GiB, with so much free space.
fn report(free: u64) -> DiskReport {
    let slot = |name: &str, active, retained| ReplicationSlot {
        name: name.into(),
        active,
        wal_status: Some("reserved".into()),
        retained,
    };
    DiskReport {
        free,
        size: 100 * GIB,
        wal: 4 * GIB,
        reserve: GIB / 4,
        slots: Some(vec![slot("slave1", true, 0), slot("slave2", false, 3 * GIB)]),
        slot_limit: Some(25 * GIB),
    }
}

fn judged(report: Result<DiskReport, NoReport>) -> DiskFindings {
    judge(&Expected::of_test(2), &[DiskAnswer { machine: "slave1".into(), report }])
}

#[test]
fn a_disk_with_room_for_what_slots_may_keep_is_not_mentioned() {
    // 21 GiB: what the limit leaves beyond the WAL that is there.
    let found = judged(Ok(report(21 * GIB)));
    assert!(found.full.is_empty() && found.warnings.is_empty(), "{found:?}");
}

#[test]
fn a_disk_is_seen_filling_before_it_is_full() {
    let found = judged(Ok(report(21 * GIB - 1)));
    assert!(found.full.is_empty(), "{found:?}");
    let [DiskWarning::Promised { disk, limit }] = &found.warnings[..] else { panic!("{found:?}") };
    assert_eq!((disk.machine.as_str(), *limit), ("slave1", 25 * GIB));

    let found = judged(Ok(report(10 * GIB - 1)));
    let [DiskWarning::Low(disk)] = &found.warnings[..] else { panic!("{found:?}") };
    assert_eq!(disk.slot.as_ref().map(|slot| (slot.name.as_str(), slot.active)), Some(("slave2", false)));
    assert!(found.full.is_empty() && disk.has_reserve, "{found:?}");

    let found = judged(Ok(report(5 * GIB - 1)));
    assert!(found.warnings.is_empty() && found.full.len() == 1, "{found:?}");
}

/// With the reserve gone, little space is worse. With plenty it is only worth a word.
#[test]
fn a_reserve_that_is_used_counts_when_space_is_short() {
    let without = |free| judged(Ok(DiskReport { reserve: 0, ..report(free) }));
    let found = without(9 * GIB);
    assert!(found.warnings.is_empty() && !found.full[0].has_reserve, "{found:?}");
    let found = without(50 * GIB);
    assert!(found.full.is_empty(), "{found:?}");
    assert_eq!(found.warnings, [DiskWarning::NoReserve { machine: "slave1".into() }]);
}

#[test]
fn slots_without_a_limit_and_a_silent_postgres_promise_nothing() {
    let found = judged(Ok(DiskReport { slot_limit: None, slots: None, ..report(11 * GIB) }));
    assert!(found.full.is_empty() && found.warnings.is_empty(), "{found:?}");
    let found = judged(Ok(DiskReport { slot_limit: None, slots: None, ..report(0) }));
    assert_eq!(found.full[0].slot, None);
}

#[test]
fn a_machine_that_does_not_report_is_a_warning() {
    let found = judged(Err(NoReport::NoConnection));
    let expected = DiskWarning::NoReport { machine: "slave1".into(), why: NoReport::NoConnection };
    assert_eq!(found.warnings, [expected]);
    assert!(found.full.is_empty());
}
