//! Where a pipeline runs: what the platform adds to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a pipeline runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Amazon Web Services: what changes costs money, and others may use it.
    Aws,
    /// The lab on this machine.
    Lab,
}

impl Platform {
    /// Returns the name that the command line and the events use.
    pub const fn name(self) -> &'static str {
        match self {
            Platform::Aws => "aws",
            Platform::Lab => "lab",
        }
    }
}

/// What a platform adds to the same stages. AWS adds nothing; the lab adds its network and its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the pipeline runs on.
    pub platform: Platform,
    /// The folder of the cluster's generated files that the tools run in.
    pub root: PathBuf,
    /// The words before every command, such as `ip netns exec NAME`.
    pub command_prefix: Vec<String>,
    /// Environment variables for every tool. Never a secret: `--dry-run` prints them.
    pub environment: BTreeMap<String, String>,
    /// `-var` values for `packer build`.
    pub packer_vars: BTreeMap<String, String>,
    /// Whether machines are reached at their private addresses even if they have Elastic IPs.
    pub private_addresses: bool,
    /// What an operator can do there.
    pub advice: Advice,
}

/// What to do when a cluster is not healthy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// If HAProxy cannot be reached.
    pub unreachable: String,
    /// If another cluster responds.
    pub stranger: String,
    /// If every machine responds and the cluster is still not healthy.
    pub look: String,
    /// If a machine does not respond. `{machine}` stands for its name, `{units}` for journalctl's options for its log.
    pub revive: String,
}
