//! How long writes stop at worst, and what is lost, by kind of fault: sums of named terms, each with its source.

use serde::Serialize;

use crate::cluster::failover::{EtcdTiming, HealthCheck};

mod term;

pub use term::{Term, promotion};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The primary's PostgreSQL crashes.
    PostgresDies,
    /// The primary's machine loses power.
    MachineDies,
    /// The network cuts the primary off from etcd and the other databases.
    PrimaryCutOff,
    /// An operator moves the primary elsewhere.
    Switchover,
    /// The machine of the standby that commits wait for loses power.
    SyncStandbyDies,
    /// HAProxy's process crashes.
    HaproxyDies,
    /// HAProxy's machine loses power.
    HaproxyMachineDies,
    /// etcd loses its leader, and nothing else fails.
    EtcdLeaderLost,
    /// The primary's machine loses power while it leads etcd, too.
    MachineDiesAsEtcdLeader,
}

impl Fault {
    /// Every one, in the order of the report.
    pub const ALL: [Fault; 9] = [
        Fault::PostgresDies,
        Fault::MachineDies,
        Fault::PrimaryCutOff,
        Fault::Switchover,
        Fault::SyncStandbyDies,
        Fault::HaproxyDies,
        Fault::EtcdLeaderLost,
        Fault::MachineDiesAsEtcdLeader,
        Fault::HaproxyMachineDies,
    ];

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Fault::PostgresDies => "postgres dies on the primary",
            Fault::MachineDies => "the primary's machine dies",
            Fault::PrimaryCutOff => "the network cuts the primary off",
            Fault::Switchover => "planned switchover",
            Fault::SyncStandbyDies => "the synchronous standby's machine dies",
            Fault::HaproxyDies => "HAProxy's process dies",
            Fault::HaproxyMachineDies => "HAProxy's machine dies",
            Fault::EtcdLeaderLost => "etcd loses its leader, nothing else",
            Fault::MachineDiesAsEtcdLeader => "the primary dies, and led etcd too",
        }
    }
}

/// What the time of a failover depends on. Seconds, but for etcd's and HAProxy's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Whether a commit waits for a standby.
    pub synchronous: bool,
    /// Patroni's `ttl`.
    pub ttl: u32,
    /// Patroni's `loop_wait`.
    pub loop_wait: u32,
    /// Patroni's `retry_timeout`.
    pub retry_timeout: u32,
    /// Patroni's `primary_start_timeout`.
    pub primary_start_timeout: u32,
    /// PostgreSQL's `wal_sender_timeout` in milliseconds; 0 is never.
    pub wal_sender_timeout: u32,
    /// Milliseconds of commits that the primary acknowledges before they are on its disk; 0 unless `synchronous_commit` is off.
    pub unflushed: u32,
    /// Databases besides the primary.
    pub standbys: usize,
    /// Members of etcd.
    pub etcd_members: usize,
    /// etcd's timing.
    pub etcd: EtcdTiming,
    /// HAProxy's checks.
    pub check: HealthCheck,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The fault.
    pub fault: Fault,
    /// In words.
    pub title: &'static str,
    /// How long writes stop at worst: the sum of these.
    pub outage: Vec<Term>,
    /// Where timers do not end it: what does.
    pub until: Option<&'static str>,
    /// How much of what was acknowledged may be lost: what was written during the sum of these. None: nothing.
    pub loss: Vec<Term>,
    /// Where no timer bounds the loss: what is lost.
    pub unbounded_loss: Option<&'static str>,
    /// Why nothing is lost, or only so much.
    pub because: &'static str,
}

impl Prediction {
    /// The longest outage in milliseconds; `None` where no timer ends it.
    pub fn bound(&self) -> Option<u32> {
        self.until.is_none().then(|| self.outage.iter().map(|term| term.ms).sum())
    }

    /// Writes of so many milliseconds may be lost at most; `None` where no timer bounds it.
    pub fn lost(&self) -> Option<u32> {
        self.unbounded_loss.is_none().then(|| self.loss.iter().map(|term| term.ms).sum())
    }
}

/// What a fault does to a cluster with these timers, if nothing else fails.
pub fn predict(timers: &Timers, fault: Fault) -> Prediction {
    let t = timers;
    let mut prediction = Prediction {
        fault,
        title: fault.title(),
        outage: vec![],
        until: None,
        loss: vec![],
        unbounded_loss: None,
        because: "nothing changes hands",
    };
    match fault {
        Fault::HaproxyDies => {
            prediction.outage = vec![term::haproxy_restart(), term::haproxy_down(t)];
            return prediction;
        }
        Fault::HaproxyMachineDies => {
            prediction.until = Some(
                "its machine is back, or replaced: `terraform apply -replace=aws_instance.haproxy` in load_balancer/terraform_haproxy",
            );
            return prediction;
        }
        Fault::SyncStandbyDies => {
            if t.synchronous && t.standbys > 0 {
                prediction.outage = vec![term::wal_sender_timeout(t), term::loop_wait(t)];
                prediction.because =
                    "commits wait until Patroni names another standby, or goes on without where there is none";
                if t.wal_sender_timeout == 0 {
                    prediction.until = Some("the kernel gives its connection up: wal_sender_timeout is off");
                }
            } else {
                prediction.title = "a standby's machine dies";
                prediction.because = "commits wait for no standby";
            }
            return prediction;
        }
        Fault::EtcdLeaderLost if t.etcd.longest_election() <= t.retry_timeout * 1000 => {
            prediction.because = "Patroni retries for longer than an election takes; the primary stays";
            return prediction;
        }
        _ => {}
    }
    if t.standbys == 0 {
        return alone(prediction, t);
    }
    let elected = [term::members(), term::promotion(), term::haproxy_up(t)];
    prediction.outage = match fault {
        Fault::PostgresDies if t.primary_start_timeout == 0 => vec![term::loop_wait(t)],
        Fault::PostgresDies => vec![term::loop_wait(t), term::primary_start_timeout(t), term::loop_wait_again(t)],
        Fault::Switchover => vec![term::shutdown()],
        Fault::EtcdLeaderLost => vec![term::election(t), term::loop_wait(t)],
        Fault::MachineDiesAsEtcdLeader => {
            let lease = [term::election(t), term::lease_extension(t), term::ttl(t), term::lease_sweep()];
            [&lease[..], &[term::loop_wait(t), term::etcd_node(t)]].concat()
        }
        _ => vec![term::ttl(t), term::lease_sweep(), term::loop_wait(t), term::etcd_node(t)],
    };
    prediction.outage.extend(elected);
    if fault == Fault::Switchover {
        // The old primary is left while the new one comes up: the slower of the two counts.
        if t.check.down() > t.check.up() {
            prediction.outage.pop();
            prediction.outage.push(term::haproxy_down(t));
        }
        prediction.because = "the old primary stops only when the new one has everything";
    } else if t.synchronous {
        prediction.because =
            "a commit is acknowledged when the synchronous standby has it, and only that one may take over";
    } else {
        (prediction.loss, prediction.because) = match fault {
            Fault::PrimaryCutOff => (
                vec![term::loop_wait(t), term::retry_timeout(t)],
                "a primary that is cut off takes writes until it steps down; they are rewound",
            ),
            Fault::PostgresDies => (
                [vec![term::reported(t)], term::unflushed(t)].concat(),
                match t.unflushed {
                    0 => {
                        "nothing if it recovers within primary_start_timeout; else what no standby had received, 1 MiB and this long at most"
                    }
                    _ => {
                        "wal_writer even if it recovers within primary_start_timeout; else what no standby had received, too, 1 MiB at most"
                    }
                },
            ),
            _ => (
                [vec![term::reported(t)], term::unflushed(t)].concat(),
                "what no standby had received: 1 MiB behind what was last reported at most",
            ),
        };
    }
    prediction
}

/// A database without a standby.
fn alone(mut prediction: Prediction, t: &Timers) -> Prediction {
    const RECOVERED: &str = "it has recovered by itself: as long as replaying max_wal_size takes";
    (prediction.until, prediction.unbounded_loss, prediction.because) = match prediction.fault {
        Fault::PostgresDies if t.unflushed > 0 => {
            prediction.loss = term::unflushed(t);
            (Some(RECOVERED), None, "synchronous_commit is off")
        }
        Fault::PostgresDies | Fault::EtcdLeaderLost => (Some(RECOVERED), None, "its own WAL has everything"),
        Fault::Switchover => {
            (Some("it is started again: there is nowhere to switch to"), None, "nothing changes hands")
        }
        Fault::PrimaryCutOff => (Some("the network is back"), None, "nobody else takes over"),
        _ => (
            Some("its machine is back, or restored by hand"),
            Some("everything since the last backup, if its disk is gone"),
            "there is no second copy",
        ),
    };
    prediction
}

/// Milliseconds as people say them, such as `5 s` or `1.5 s`.
pub fn seconds(ms: u32) -> String {
    if ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{:.1} s", f64::from(ms) / 1000.0) }
}
