//! The sources that a security group allows.

use std::fmt::{self, Display};

use ipnet::Ipv4Net;
use serde::{Serialize, Serializer};

/// An allowed source of connections, as in a rule of a security group
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A range of addresses.
    Range(Ipv4Net),
    /// The machines of a security group in this VPC or a peered one: `sg-…`, or `<account>/sg-…` for another account.
    Group(String),
    /// The ranges of a managed prefix list: `pl-…`.
    PrefixList(String),
}

impl Peer {
    /// Returns the range; `None` for a group or a list.
    pub fn range(&self) -> Option<Ipv4Net> {
        match self {
            Peer::Range(net) => Some(*net),
            Peer::Group(_) | Peer::PrefixList(_) => None,
        }
    }
}

impl From<Ipv4Net> for Peer {
    fn from(net: Ipv4Net) -> Self {
        Peer::Range(net)
    }
}

impl Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Range(net) => net.fmt(f),
            Peer::Group(id) | Peer::PrefixList(id) => id.fmt(f),
        }
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
