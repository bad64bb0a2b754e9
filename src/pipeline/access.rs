//! How a running cluster is asked: through the ports of HAProxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::Ipv4Net;

use super::Advice;
use super::target::Target;
use crate::cluster::flows::{self, Party};
use crate::cluster::{Cluster, Service};
use crate::tools::Invocation;

/// How a running cluster is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAccess {
    /// Prints the public addresses of every HAProxy. `None` where they are reached at their private ones.
    pub public_addresses: Option<Invocation>,
    /// HAProxy's own health, and Patroni's API behind it.
    pub admin: Port,
    /// Leads to the primary.
    pub write: Port,
    /// Leads to the standbys.
    pub read: Port,
    /// How old the answers may be.
    pub delays: Delays,
    /// What a person does where the cluster is not healthy.
    pub advice: Advice,
}

/// A port of HAProxy, and who may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// What listens there.
    pub service: Service,
    /// The number of the port.
    pub number: u16,
    /// Whom the firewall admits. `None` where no firewall is in the way, as in the lab.
    pub admits: Option<Admits>,
}

/// Whom a security group admits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admits {
    /// Ranges of addresses.
    pub ranges: Vec<Range>,
    /// Whether it also admits security groups or prefix lists, whose addresses only AWS knows.
    pub has_ids: bool,
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The range.
    pub net: Ipv4Net,
    /// Whether no public address is in it (RFC 1918, and RFC 6598, which carriers use).
    pub is_private: bool,
}

/// How old an answer may be when it arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// Patroni's list of members: a member that died stays on it until its key expires (`ttl`).
    pub members: Duration,
    /// Patroni's settings: it reads them once in each round (`loop_wait`).
    pub settings: Duration,
    /// Whether HAProxy has a primary: until its checks count a server out.
    pub primary: Duration,
    /// Which machines HAProxy's own checks find silent, likewise.
    pub machines: Duration,
    /// Which member leads etcd: a member notices that it has lost its leader after one election timeout.
    pub etcd: Duration,
}

impl ClusterAccess {
    pub(super) fn of(cluster: &Cluster, target: &Target, public_addresses: Option<Invocation>) -> Self {
        let port = |service: Service| {
            let admits = (!target.private_addresses).then(|| admits(cluster, service));
            Port { service, number: service.port(cluster), admits }
        };
        let (timers, fixed) = (&cluster.failover, &cluster.fixed.haproxy);
        ClusterAccess {
            public_addresses,
            admin: port(Service::Admin),
            write: port(Service::Write),
            read: port(Service::Read),
            delays: Delays {
                members: Duration::from_secs(timers.ttl.into()),
                settings: Duration::from_secs(timers.loop_wait.into()),
                primary: Duration::from_millis(cluster.haproxy.check.down().into()),
                machines: Duration::from_secs((fixed.api_inter * fixed.api_fall).into()),
                etcd: Duration::from_millis(cluster.etcd.election.into()),
            },
            advice: target.advice.clone(),
        }
    }

    /// Returns all ports.
    pub fn ports(&self) -> [&Port; 3] {
        [&self.admin, &self.write, &self.read]
    }

    /// Returns a cluster's access by an Elastic IP, for tests that depend on little of it.
    #[cfg(test)]
    pub fn of_test() -> Self {
        let ask = Invocation {
            prefix: vec![],
            program: "terraform".into(),
            args: vec![],
            dir: "/".into(),
            env: std::collections::BTreeMap::new(),
        };
        let port = |service, number| Port { service, number, admits: None };
        ClusterAccess {
            public_addresses: Some(ask),
            admin: port(Service::Admin, 7000),
            write: port(Service::Write, 5000),
            read: port(Service::Read, 5001),
            delays: Delays::default(),
            advice: Advice::default(),
        }
    }
}

impl Port {
    /// Returns its address on a host.
    pub fn on(&self, host: IpAddr) -> SocketAddr {
        SocketAddr::new(host, self.number)
    }

    /// Returns the URL of a path on a host.
    pub fn url(&self, host: IpAddr, path: &str) -> String {
        format!("{}://{}{path}", self.service.scheme().name(), self.on(host))
    }
}

impl Admits {
    /// Returns whether it admits an address, or may.
    pub fn includes(&self, address: Ipv4Addr) -> bool {
        self.has_ids || self.ranges.iter().any(|range| range.net.contains(&address))
    }

    /// Returns whether it admits no public address.
    pub fn is_private(&self) -> bool {
        !self.has_ids && self.ranges.iter().all(|range| range.is_private)
    }
}

impl Range {
    /// Looks up whether a range is private.
    pub fn of(net: Ipv4Net) -> Self {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
        let holds = |text: &&str| text.parse::<Ipv4Net>().is_ok_and(|private| private.contains(&net));
        Range { net, is_private: private.iter().any(holds) }
    }
}

/// Returns whom the firewall admits to a service of HAProxy.
fn admits(cluster: &Cluster, service: Service) -> Admits {
    let flows = flows::flows(cluster);
    let here: Vec<_> = flows.iter().filter(|flow| flow.to == Party::Haproxy && flow.service == service).collect();
    let ranges = here.iter().flat_map(|flow| flows::addresses(cluster, flow.from)).map(Range::of).collect();
    let has_ids = here.iter().flat_map(|flow| flows::peers(cluster, flow.from)).any(|peer| peer.range().is_none());
    Admits { ranges, has_ids }
}
