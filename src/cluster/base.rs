//! The base images that a cluster's images are built from.

use serde::Serialize;

use crate::blueprint::{self, model::Base};

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Arch {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm,
}

impl Arch {
    /// Returns the architecture of an instance type, which follows from its family.
    pub fn of(instance_type: &str) -> Self {
        if blueprint::is_graviton(instance_type) { Arch::Arm } else { Arch::X86 }
    }

    /// Returns EC2's name of the architecture.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86 => "x86_64",
            Arch::Arm => "arm64",
        }
    }

    /// Returns a small instance type to build images on: 2 vCPU, 4 GiB.
    pub fn builder(self) -> &'static str {
        match self {
            Arch::X86 => "t3.medium",
            Arch::Arm => "t4g.medium",
        }
    }

    /// Returns Debian's and Ubuntu's name of the architecture.
    fn debian(self) -> &'static str {
        match self {
            Arch::X86 => "amd64",
            Arch::Arm => "arm64",
        }
    }
}

/// A base distribution: how to find its images, and what its packages contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseImage {
    /// The distribution.
    pub base: Base,
    /// The distribution's release name, as apt uses it.
    pub codename: &'static str,
    /// The user that its images let in.
    pub ssh_user: &'static str,
    /// The device name of the root disk in its images.
    pub root_device: &'static str,
    /// The PostgreSQL major in its own packages.
    pub own_postgres: u16,
    /// Whether its own Patroni is 4.0.6 or newer.
    pub own_patroni_fits: bool,
}

impl BaseImage {
    /// Returns the facts of a base. Names: <https://wiki.debian.org/Cloud/AmazonEC2Image>,
    /// <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>; versions: each distribution's package index.
    pub fn of(base: Base) -> Self {
        let (codename, own_patroni_fits) = match base {
            Base::Debian13 => ("trixie", true),
            Base::Debian12 => ("bookworm", false),
            Base::Ubuntu2404 => ("noble", false),
        };
        let (ssh_user, root_device) = match base {
            Base::Debian13 | Base::Debian12 => ("admin", "/dev/xvda"),
            Base::Ubuntu2404 => ("ubuntu", "/dev/sda1"),
        };
        let own_postgres = base.own_postgres();
        BaseImage { base, codename, ssh_user, root_device, own_postgres, own_patroni_fits }
    }

    /// Returns the name filter that finds its newest image.
    pub fn name_filter(&self, arch: Arch) -> String {
        let arch = arch.debian();
        match self.base {
            Base::Debian13 => format!("debian-13-{arch}-*"),
            Base::Debian12 => format!("debian-12-{arch}-*"),
            Base::Ubuntu2404 => format!("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-*"),
        }
    }
}
