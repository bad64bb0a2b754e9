//! The ways in which clients can reach a cluster: what each costs when a HAProxy is lost, and what AWS bills for it.

use serde::Serialize;

use crate::cluster::fault::{Fault, Term, nlb_down, predict};
use crate::cluster::timing::Timers;
use crate::cluster::{Cluster, Nlb};

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// What clients connect to.
    pub what: &'static str,
    /// What the blueprint sets for it.
    pub set: &'static str,
    /// Whether the cluster has it.
    pub is_there: bool,
    /// The terms whose sum is how long clients of a HAProxy whose machine is lost wait at worst.
    pub outage: Vec<Term>,
    /// What ends their wait, where no timer does.
    pub until: Option<&'static str>,
    /// What AWS bills.
    pub bill: String,
}

/// Returns each way in.
pub fn ways(cluster: &Cluster) -> Vec<Way> {
    let timers = Timers::of(cluster);
    let lost = |haproxies| predict(&Timers { haproxies, ..timers }, Fault::HaproxyMachine);
    let (alone, pair) = (lost(1), lost(2));
    let is_pair = timers.haproxies > 1;
    let has_nlb = cluster.blueprint.haproxy.nlb != Nlb::Off;
    vec![
        Way {
            what: "one HAProxy",
            set: "count = 1",
            is_there: !is_pair && !has_nlb,
            outage: alone.outage,
            until: alone.until,
            bill: machines(cluster, 1),
        },
        Way {
            what: "two HAProxies, both in the connection string",
            set: "count = 2",
            is_there: is_pair,
            outage: pair.outage,
            until: pair.until,
            bill: machines(cluster, 2),
        },
        Way {
            what: "two HAProxies behind a network load balancer",
            set: "count = 2, nlb",
            is_there: is_pair && has_nlb,
            outage: nlb_down(&cluster.fixed.nlb),
            until: None,
            bill: format!(
                "{}, the load balancer by the hour and by traffic, and the traffic between zones",
                machines(cluster, 2)
            ),
        },
    ]
}

/// Returns what so many HAProxies are made of.
fn machines(cluster: &Cluster, count: u32) -> String {
    let block = &cluster.first_balancer().block;
    let disks = format!("{} GiB of gp3", count * block.disk.size);
    let address = match (block.elastic_ip, count) {
        (false, _) => "",
        (true, 1) => ", an Elastic IP",
        (true, _) => ", an Elastic IP each",
    };
    format!("{count} {}, {disks}{address}", block.instance_type)
}
