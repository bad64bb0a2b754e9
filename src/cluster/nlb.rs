//! The network load balancer in front of the HAProxies, for a blueprint that has one.

use super::{Cluster, Nlb, Service};

/// The longest name of a load balancer, and of a target group
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>).
const LONGEST_NAME: usize = 32;
/// A target group's name ends with a hyphen and a port.
const PORT_SUFFIX: usize = 6;
/// AWS refuses names that begin with `internal-`, so that no name begins with the cluster's.
const PREFIX: &str = "pgherd-";

impl Cluster {
    /// Returns the name of the network load balancer; `None` if the cluster has none. Names of its target groups begin with it.
    pub fn nlb_name(&self) -> Option<String> {
        (self.blueprint.haproxy.nlb != Nlb::Off).then(|| name(&self.name))
    }

    /// Returns what the network load balancer passes on to HAProxy, with the path at which HAProxy says whether it can serve it.
    pub fn nlb_services(&self) -> [(Service, &'static str); 2] {
        [(Service::Write, "/health"), (Service::Read, "/health/read")]
    }
}

/// Returns a name that is short enough. One that is cut ends with a checksum of the whole name.
fn name(cluster: &str) -> String {
    let most = LONGEST_NAME - PORT_SUFFIX - PREFIX.len();
    if cluster.len() <= most {
        return format!("{PREFIX}{cluster}");
    }
    let sum = checksum(cluster);
    let kept = most - sum.len() - 1;
    format!("{PREFIX}{}-{sum}", cluster[..kept].trim_end_matches('-'))
}

/// Returns the 32-bit FNV-1a hash (<http://www.isthe.com/chongo/tech/comp/fnv/>) in hexadecimal digits.
fn checksum(text: &str) -> String {
    let sum = text.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{sum:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_and_stays_the_clusters_own() {
        assert_eq!(name("herd"), "pgherd-herd");
        let long = ["a-cluster-with-quite-a-long-name-of-its-own-1", "a-cluster-with-quite-a-long-name-of-its-own-2"];
        let names = long.map(name);
        assert!(names.iter().all(|name| name.len() + PORT_SUFFIX <= LONGEST_NAME), "{names:?}");
        assert_ne!(names[0], names[1]);
        assert_eq!(checksum("foobar"), "bf9cf968", "a test vector of the algorithm's authors");
    }
}
