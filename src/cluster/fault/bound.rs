//! How long writes stop at worst, and what is lost, for each fault: sums of named terms, each with its source.

use super::prediction::{Prediction, ReadOutage};
use super::reads::reads;
use super::{Fault, Term, term};
use crate::cluster::fixed::FixedNlb;
use crate::cluster::timing::Timers;

/// Predicts what a fault does to a cluster with these timers if nothing else fails.
pub fn predict(timers: &Timers, fault: Fault) -> Prediction {
    let writes = writes(timers, fault);
    Prediction { reads: reads(timers, &writes), ..writes }
}

fn writes(timers: &Timers, fault: Fault) -> Prediction {
    let prediction = Prediction {
        fault,
        title: fault.title(),
        outage: vec![],
        until: None,
        reads: ReadOutage::default(),
        loss: vec![],
        unbounded_loss: None,
        because: UNCHANGED,
    };
    match fault {
        Fault::Haproxy if timers.haproxies > 1 => {
            Prediction { outage: vec![term::login()], because: OTHER_HAPROXY, ..prediction }
        }
        Fault::Haproxy => {
            let outage = vec![term::haproxy_restart(), term::haproxy_first_check(), term::login()];
            Prediction { outage, ..prediction }
        }
        Fault::HaproxyMachine if timers.haproxies > 1 => Prediction {
            outage: vec![term::client_silence(), term::client_connect(), term::login()],
            because: OTHER_HAPROXY,
            ..prediction
        },
        Fault::HaproxyMachine => Prediction {
            until: Some(
                "its machine is back, or replaced: `terraform apply -replace='aws_instance.haproxy[\"haproxy\"]'` in load_balancer/terraform_haproxy",
            ),
            ..prediction
        },
        Fault::SyncStandby | Fault::PartitionSyncStandby => sync_standby(prediction, timers),
        // Patroni does not know whom HAProxy reaches, and pgherd has no failover logic of its own: an agent that moves the primary because
        // HAProxy misses it would also move it because HAProxy's own network fails, and two of them would disagree.
        Fault::PartitionHaproxy => Prediction {
            until: Some(
                "the network is back, or an operator moves the primary with `herdctl switchover`; Patroni does not know whom HAProxy reaches",
            ),
            outage: vec![term::haproxy_check(), term::haproxy_up(timers), term::login()],
            ..prediction
        },
        Fault::PartitionEtcd => Prediction {
            because: "the primary keeps its role while it reaches every other Patroni, and none objects (failsafe mode)",
            ..prediction
        },
        Fault::DiskFull => disk_full(prediction, timers),
        Fault::Everything if timers.standbys > 0 => everything(prediction, timers),
        Fault::AsyncStandby => Prediction { because: "commits do not wait for it", ..prediction },
        Fault::EtcdLeader | Fault::EtcdLeaderFrozen | Fault::EtcdLeaderCut
            if timers.etcd.longest_election() <= timers.patience() =>
        {
            Prediction {
                because: "Patroni retries for longer than an election takes, so the primary keeps its role",
                ..prediction
            }
        }
        _ if timers.standbys == 0 => alone(prediction, timers),
        _ => failover(prediction, timers),
    }
}

/// Returns the terms whose sum is how old reads of a standby become that is cut off from its primary, before HAProxy sends it no more
/// and disconnects its readers. `None` means that no timer bounds them; empty means that there is no standby.
pub fn staleness(t: &Timers) -> Option<Vec<Term>> {
    match (t.standbys, t.wal_receiver_timeout) {
        (0, _) => Some(vec![]),
        (_, 0) => None,
        _ => Some(vec![term::wal_receiver_timeout(t), term::haproxy_read_down(t)]),
    }
}

/// Returns the terms whose sum is the longest time until the network load balancer sends no more connections to a HAProxy that is lost,
/// and closes those that it has.
pub fn nlb_down(nlb: &FixedNlb) -> Vec<Term> {
    vec![term::nlb_checks(nlb), term::nlb_timeout(nlb)]
}

const OTHER_HAPROXY: &str = "clients that know both HAProxies use the other one";
const UNCHANGED: &str = "no other machine becomes primary";

/// A standby that commits wait for is lost.
fn sync_standby(prediction: Prediction, t: &Timers) -> Prediction {
    if !t.synchronous.is_on() || t.standbys == 0 {
        let title = if prediction.fault == Fault::SyncStandby { "a standby's machine dies" } else { prediction.title };
        return Prediction { title, because: "commits wait for no standby", ..prediction };
    }
    if t.standbys > t.synchronous_nodes as usize {
        return Prediction { because: "commits wait for any other standby", ..prediction };
    }
    if t.waits_for_last_standby() {
        return Prediction { until: Some("that standby streams again: synchronous is \"strict\""), ..prediction };
    }
    Prediction {
        outage: vec![term::wal_sender_timeout(t), term::loop_wait(t)],
        because: "commits wait until Patroni stops waiting for the standby",
        until: (t.wal_sender_timeout == 0).then_some("the kernel closes its connection: wal_sender_timeout is off"),
        ..prediction
    }
}

/// PostgreSQL refuses new rows for as long as it can write its WAL. Where it cannot, it stops as in a crash: a standby takes over, or it
/// recovers once there is space.
///
/// No failover is ordered: what filled the primary's disk is mostly what every standby has as well, so a new primary would soon be full,
/// too. An operator sees in `pgherd status` whether a standby has room.
fn disk_full(prediction: Prediction, t: &Timers) -> Prediction {
    let crash = predict(t, Fault::Postgres);
    let until = match t.standbys {
        0 => "there is space again, and PostgreSQL has recovered if it stopped",
        _ => "there is space again, or an operator moves the primary to a machine with room: `herdctl switchover`",
    };
    let outage = if t.standbys == 0 { vec![] } else { [crash.outage, vec![term::login()]].concat() };
    Prediction { fault: prediction.fault, title: prediction.title, until: Some(until), outage, ..crash }
}

/// All machines lose power, and boot again at the same time. The lock may still name a primary that is not ready.
fn everything(prediction: Prediction, t: &Timers) -> Prediction {
    let booted = [vec![term::boot()], machine_and_etcd_leader(t), after_failover(term::haproxy_up(t))].concat();
    let (loss, because) = match t.synchronous.is_on() {
        true => (vec![], "every commit was on two disks before it was acknowledged"),
        false => (term::unflushed(t), "its own WAL contains every commit that was flushed"),
    };
    Prediction { outage: booted, until: Some("power is back"), loss, because, ..prediction }
}

fn machine_and_etcd_leader(t: &Timers) -> Vec<Term> {
    vec![
        term::election(t),
        term::lease_extension(t),
        term::ttl(t),
        term::lease_sweep(),
        term::loop_wait(t),
        term::etcd_node(t),
    ]
}

fn after_failover(seen: Term) -> Vec<Term> {
    vec![term::members(), term::promotion(), seen]
}

/// A standby becomes the primary.
fn failover(prediction: Prediction, t: &Timers) -> Prediction {
    let noticed = match prediction.fault {
        Fault::Postgres if t.primary_start_timeout == 0 => vec![term::loop_wait(t)],
        Fault::Postgres => vec![term::loop_wait(t), term::primary_start_timeout(t), term::loop_wait_again(t)],
        Fault::Switchover => vec![term::shutdown()],
        Fault::EtcdLeader | Fault::EtcdLeaderFrozen | Fault::EtcdLeaderCut => {
            vec![term::election(t), term::loop_wait(t)]
        }
        // Patroni does not renew its lock while it hangs, or while it waits for a PostgreSQL that hangs.
        Fault::PatroniFrozen | Fault::PostgresFrozen => vec![term::ttl(t), term::lease_sweep(), term::loop_wait(t)],
        Fault::MachineEtcdLeader | Fault::Zone | Fault::Everything => machine_and_etcd_leader(t),
        Fault::PartitionInbound => vec![
            term::unheard_renewal(t),
            term::ttl(t),
            term::lease_sweep(),
            term::loop_wait(t),
            term::etcd_node(t),
        ],
        Fault::Machine
        | Fault::Partition
        | Fault::PartitionEtcd
        | Fault::PartitionHaproxy
        | Fault::PartitionSyncStandby
        | Fault::PartitionOutbound
        // At worst, too many of the primary's requests fail, as if it were cut off.
        | Fault::Slow
        | Fault::SyncStandby
        | Fault::AsyncStandby
        | Fault::Haproxy
        | Fault::DiskFull
        | Fault::HaproxyMachine => {
            vec![term::ttl(t), term::lease_sweep(), term::loop_wait(t), term::etcd_node(t)]
        }
    };
    // In a switchover HAProxy leaves the old primary while the new one comes up, and the slower of the two counts.
    let leaving = prediction.fault == Fault::Switchover && t.check.down() > t.check.up();
    let seen = if leaving { term::haproxy_down(t) } else { term::haproxy_up(t) };
    let (loss, because) = lost(prediction.fault, t);
    if t.waits_for_last_standby() {
        let until = Some("the former primary streams from the new one: synchronous is \"strict\"");
        return Prediction { until, loss, because, ..prediction };
    }
    let mut outage = [noticed, after_failover(seen)].concat();
    if t.synchronous.is_on() && t.standbys == 1 {
        outage.push(term::former_primary(t));
    }
    Prediction { outage, loss, because, ..prediction }
}

/// Returns what a failover loses, and why no more.
fn lost(fault: Fault, t: &Timers) -> (Vec<Term>, &'static str) {
    let unsent = || [vec![term::reported(t)], term::unflushed(t)].concat();
    match fault {
        Fault::Switchover => (vec![], "the old primary stops only when the new one has received everything"),
        _ if t.synchronous.is_on() => (
            vec![],
            "a commit is acknowledged when a standby has it, and only a standby that has every such commit takes over",
        ),
        Fault::Partition | Fault::PartitionInbound | Fault::PartitionOutbound | Fault::Slow => (
            vec![term::loop_wait(t), term::retry_timeout(t)],
            "a primary that is cut off accepts writes until it steps down; they are rewound",
        ),
        Fault::Postgres if t.unflushed == 0 => (
            unsent(),
            "nothing is lost if postgres restarts within primary_start_timeout; if it does not, up to 1 MiB of WAL that no standby had received",
        ),
        Fault::Postgres => (
            unsent(),
            "commits of the last wal_writer interval are lost even if postgres restarts within primary_start_timeout; if it does \
             not, also up to 1 MiB of WAL that no standby had received",
        ),
        Fault::Machine
        | Fault::PartitionEtcd
        | Fault::PartitionHaproxy
        | Fault::PartitionSyncStandby
        | Fault::Everything
        | Fault::SyncStandby
        | Fault::AsyncStandby
        | Fault::Haproxy
        | Fault::EtcdLeader
        | Fault::EtcdLeaderFrozen
        | Fault::EtcdLeaderCut
        | Fault::PatroniFrozen
        | Fault::PostgresFrozen
        | Fault::MachineEtcdLeader
        | Fault::Zone
        | Fault::DiskFull
        | Fault::HaproxyMachine => {
            (unsent(), "WAL that no standby had received: at most 1 MiB more than the primary last reported")
        }
    }
}

/// There is no standby.
fn alone(prediction: Prediction, t: &Timers) -> Prediction {
    const RECOVERED: &str = "it has recovered by itself, which takes as long as replaying max_wal_size";
    let (until, because) = match prediction.fault {
        Fault::Postgres if t.unflushed > 0 => {
            let (until, because) = (Some(RECOVERED), "synchronous_commit is off");
            return Prediction { loss: term::unflushed(t), until, because, ..prediction };
        }
        Fault::Postgres | Fault::EtcdLeader | Fault::EtcdLeaderFrozen | Fault::EtcdLeaderCut => {
            (RECOVERED, "its own WAL contains every commit")
        }
        Fault::PatroniFrozen | Fault::PostgresFrozen => ("it no longer hangs", UNCHANGED),
        Fault::Switchover => ("it has restarted, because there is no machine to switch to", UNCHANGED),
        Fault::Partition
        | Fault::PartitionEtcd
        | Fault::PartitionHaproxy
        | Fault::PartitionSyncStandby
        | Fault::PartitionInbound
        | Fault::PartitionOutbound
        | Fault::Slow => ("the network is back", "no other machine takes over"),
        Fault::Machine
        | Fault::Everything
        | Fault::MachineEtcdLeader
        | Fault::Zone
        | Fault::SyncStandby
        | Fault::AsyncStandby
        | Fault::Haproxy
        | Fault::DiskFull
        | Fault::HaproxyMachine => {
            return Prediction {
                until: Some("its machine is back, or restored by hand"),
                unbounded_loss: Some("everything since the last backup, if its disk is gone"),
                because: "there is no second copy",
                ..prediction
            };
        }
    };
    Prediction { until: Some(until), because, ..prediction }
}

/// Formats milliseconds as seconds, such as `5 s` or `1.5 s`, rounded up: a bound must not look shorter than it is.
pub fn seconds(ms: u32) -> String {
    let tenths = ms.div_ceil(100);
    if tenths.is_multiple_of(10) { format!("{} s", tenths / 10) } else { format!("{}.{} s", tenths / 10, tenths % 10) }
}
