//! How long reads through HAProxy's read port stop at worst, for each fault. Reads have more places to go to than writes: the standbys,
//! and the primary where there is none.

use super::prediction::{Prediction, ReadOutage};
use super::{Fault, Term, Victim, term};
use crate::cluster::timing::Timers;

/// Predicts how long a fault stops reads, from how long it stops writes.
pub fn reads(t: &Timers, writes: &Prediction) -> ReadOutage {
    let injection = writes.fault.injection();
    let like_writes = |more: Vec<Term>| {
        let outage = if writes.outage.is_empty() { vec![] } else { [writes.outage.clone(), more].concat() };
        ReadOutage { outage, until: writes.until }
    };
    let terms = |outage| ReadOutage { outage, until: None };
    match injection.victim {
        // Nobody but the primary serves reads.
        _ if t.standbys == 0 => like_writes(vec![]),
        Victim::Haproxy | Victim::EveryHaproxy => like_writes(vec![]),
        Victim::All => like_writes(found()),
        Victim::SyncStandby | Victim::AsyncStandby => terms(standby_lost(t)),
        // One standby gives up the primary, and HAProxy disconnects its readers. The others go on, or the primary serves them.
        _ if injection.from == Some(Victim::SyncStandby) => terms(vec![term::login()]),
        // The standbys follow the primary as before.
        _ if writes.fault == Fault::PartitionHaproxy || writes.bound() == Some(0) => terms(vec![]),
        // Without a primary, HAProxy sends readers to the standbys that commits wait for.
        _ if t.synchronous.is_on() => terms(found()),
        _ => like_writes(found()),
    }
}

/// Readers are disconnected from a standby that follows nobody, or that has become the primary, and find another machine.
fn found() -> Vec<Term> {
    vec![term::haproxy_fallback(), term::reader_patience(), term::login()]
}

/// The machine of a standby is silent.
fn standby_lost(t: &Timers) -> Vec<Term> {
    let given_up = vec![term::reader_patience(), term::haproxy_connect(), term::login()];
    match t.standbys {
        // Nobody else serves reads until HAProxy has dropped it, and then the primary does.
        1 => [vec![term::haproxy_read_silent(t)], given_up].concat(),
        _ => given_up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fault::predict;
    use crate::cluster::resolve;

    fn bound(text: &str, fault: Fault) -> Option<u32> {
        let text = format!("cluster \"herd\" {{\n region = \"eu-west-1\"\n {text}\n}}");
        let cluster = resolve(&crate::blueprint::parse("herd.hcl", &text).expect("a blueprint"));
        predict(&Timers::of(&cluster), fault).reads.bound()
    }

    #[test]
    fn reads_go_on_where_writes_wait_for_a_failover() {
        assert_eq!(bound("", Fault::PartitionEtcd), Some(0));
        assert_eq!(bound("", Fault::PartitionHaproxy), Some(0));
        assert_eq!(bound("", Fault::Machine), Some(4700), "fallback: 3 x 0.5 s + 4 x 0.05 s, 2 s, and a login");
        assert_eq!(bound("", Fault::Machine), bound("", Fault::Partition));
        assert_eq!(bound("", Fault::Postgres), bound("", Fault::Machine), "HAProxy does not wait for Patroni's loop");
        assert_eq!(bound("", Fault::HaproxyMachine), Some(4000), "through the other one");
        let single = "haproxy {\n count = 1\n }";
        assert_eq!(bound(single, Fault::HaproxyMachine), None, "nobody else leads to the standbys");
        let asynchronous = "failover {\n synchronous = false\n }";
        assert!(bound(asynchronous, Fault::Machine) > Some(20_000), "no standby may serve reads without a primary");
    }

    #[test]
    fn reads_stop_as_writes_do_where_only_the_primary_serves_them() {
        let alone = "slaves {\n count = 0\n }";
        assert_eq!(bound(alone, Fault::Machine), None);
        let one = "slaves {\n count = 1\n }";
        assert!(bound(one, Fault::SyncStandby) > bound("", Fault::SyncStandby), "nobody else serves them at once");
    }
}
