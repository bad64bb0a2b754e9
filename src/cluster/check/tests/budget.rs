//! Timers that are chosen to meet a budget.

use super::*;

#[test]
fn timers_that_are_left_open_are_chosen_to_meet_the_budget() {
    for (text, timers) in [
        ("rto = \"60s\"", Some((20, 1, 9))),
        ("rto = \"29s\"", Some((20, 1, 6))),
        ("rto = \"30s\"", Some((20, 1, 9))),
        ("rto = \"32s\"\n loop_wait = 2", Some((20, 2, 9))),
        ("rto = \"28s\"", None),
        ("rto = \"60s\"\n ttl = 40", Some((40, 1, 9))),
        ("rto = \"60s\"\n ttl = 47", Some((47, 1, 9))),
        ("rto = \"60s\"\n ttl = 58", None),
        ("rto = \"30s\"\n loop_wait = 5", None),
        ("rpo = \"6s\"\n synchronous = false", Some((20, 1, 5))),
        ("rpo = \"0\"\n rto = \"30s\"", Some((20, 1, 9))),
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
    assert_eq!(cluster.primary_start_timeout, 33);
    assert_eq!(check(&cluster).errors(), 0);
}

#[test]
fn a_budget_that_cannot_be_met_is_refused_with_the_term_and_the_way_out() {
    for (text, says) in [
        ("rto = \"20s\"", "can be promised is 29 s"),
        ("rto = \"30s\"\n loop_wait = 5", "loop_wait is set too high: remove it"),
        ("rto = \"40s\"\n ttl = 60\n loop_wait = 10", "ttl and loop_wait are set too high: remove them"),
    ] {
        let found = checked(&format!("failover {{\n {text}\n}}"));
        let refused = found.findings.iter().find(|f| f.rule.code == "PGH004").expect("refused");
        assert!(refused.help.contains(says), "{text}: {}", refused.help);
        assert!(refused.problem.contains("ttl"), "{}", refused.problem);
    }
}
