//! AWS's limits on what grows with a blueprint, and how much of them a cluster uses.
//!
//! Other limits cannot be reached. The policies of roles (10,240 characters) and of the endpoint (20,480) name secrets by their
//! prefix and do not grow. The blueprint's language limits the length of names.

use std::collections::{BTreeMap, BTreeSet};

use super::Cluster;
use super::flows::{Party, flows, peers};

/// One of AWS's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is limited, in words.
    pub what: &'static str,
    /// The default limit.
    pub default: u32,
    /// The limit that AWS raises it to at most. It equals `default` where AWS does not raise it.
    pub most: u32,
    /// AWS's page about it.
    pub source: &'static str,
}

/// Rules of a security group in one direction. All groups of an interface together have at most 1,000, and each machine is in one
/// group. A prefix list counts as the maximum number of its entries.
pub const RULES: Quota = Quota {
    what: "rules in a security group",
    default: 60,
    most: 1000,
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
};
/// Tags of a resource.
pub const TAGS: Quota = Quota {
    what: "tags on a resource",
    default: 50,
    most: 50,
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html",
};
/// Characters in the description of a security group's rule.
pub const RULE_DESCRIPTION: Quota = Quota {
    what: "characters in a rule's description",
    default: 255,
    most: 255,
    source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html",
};
/// Characters in the name of a role.
pub const ROLE_NAME: Quota = Quota {
    what: "characters in a role's name",
    default: 64,
    most: 64,
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
};
/// Characters in the name of a secret.
pub const SECRET_NAME: Quota = Quota {
    what: "characters in a secret's name",
    default: 512,
    most: 512,
    source: "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html",
};
/// Bytes in the key of an S3 object, such as Terraform's state.
pub const OBJECT_KEY: Quota = Quota {
    what: "bytes in an object's key",
    default: 1024,
    most: 1024,
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html",
};

/// Returns the number of inbound rules of each security group, by the group's name.
pub fn inbound(cluster: &Cluster) -> BTreeMap<&'static str, u32> {
    let mut rules = BTreeSet::new();
    for flow in flows(cluster) {
        for group in groups(cluster, flow.to) {
            match flow.from {
                Party::Clients | Party::Admins | Party::Network => {
                    let from = peers(cluster, flow.from).into_iter().map(|peer| peer.to_string());
                    rules.extend(from.map(|from| (group, from, flow.port)));
                }
                from => {
                    rules.extend(groups(cluster, from).into_iter().map(|from| (group, from.to_string(), flow.port)))
                }
            }
        }
    }
    let mut counts = BTreeMap::new();
    for (group, ..) in rules {
        *counts.entry(group).or_default() += 1;
    }
    counts
}

fn groups(cluster: &Cluster, party: Party) -> Vec<&'static str> {
    match party {
        Party::Databases => vec!["database"],
        Party::Haproxy => vec!["haproxy"],
        Party::Nlb => vec!["nlb"],
        Party::EtcdMembers if cluster.balancers().any(|machine| machine.etcd) => vec!["database", "haproxy"],
        Party::EtcdMembers => vec!["database"],
        Party::SecretsEndpoint if cluster.network.makes_endpoint => vec!["endpoint"],
        Party::SecretsEndpoint | Party::Clients | Party::Admins | Party::Network => vec![],
    }
}
