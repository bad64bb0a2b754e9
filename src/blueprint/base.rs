//! The distributions that pgherd can provision.

use serde::{Serialize, Serializer};

use super::form::Choice;
use super::partition::Partition;

/// A base distribution that pgherd can provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Debian 13 (trixie): PostgreSQL 17, Patroni 4.0.7, etcd 3.5, HAProxy 3.0 of its own.
    Debian13,
    /// Debian 12 (bookworm).
    Debian12,
    /// Ubuntu 24.04 (noble).
    Ubuntu2404,
}

impl Base {
    /// Every base, the default first.
    pub const ALL: [Base; 3] = [Base::Debian13, Base::Debian12, Base::Ubuntu2404];

    /// Returns the name that a blueprint uses.
    pub fn name(self) -> &'static str {
        match self {
            Base::Debian13 => "debian-13",
            Base::Debian12 => "debian-12",
            Base::Ubuntu2404 => "ubuntu-24.04",
        }
    }

    /// Returns the AWS account that publishes its images in a partition; `None` if the distribution publishes none there.
    ///
    /// Debian publishes to the commercial regions alone: what GovCloud and China list under its name comes from AWS Marketplace, to
    /// which an account must subscribe (<https://wiki.debian.org/Cloud/AmazonEC2Image>). Canonical has an account in each
    /// (<https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>).
    pub fn owner(self, partition: Partition) -> Option<&'static str> {
        match (self, partition) {
            (Base::Debian13 | Base::Debian12, Partition::Commercial) => Some("136693071363"),
            (Base::Debian13 | Base::Debian12, Partition::China | Partition::GovCloud) => None,
            (Base::Ubuntu2404, Partition::Commercial) => Some("099720109477"),
            (Base::Ubuntu2404, Partition::China) => Some("837727238323"),
            (Base::Ubuntu2404, Partition::GovCloud) => Some("513442679011"),
        }
    }

    /// Returns the PostgreSQL major version in the distribution's own packages. Source: the package index of each distribution.
    pub fn own_postgres(self) -> u16 {
        match self {
            Base::Debian13 => 17,
            Base::Debian12 => 15,
            Base::Ubuntu2404 => 16,
        }
    }
}

impl Serialize for Base {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Choice for Base {
    const ALL: &'static [Base] = &Base::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}
