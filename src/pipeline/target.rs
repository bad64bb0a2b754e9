//! Where a pipeline runs.

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

/// What a place to run adds to the same stages: AWS adds nothing, the lab adds its network and its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the pipeline runs on.
    pub platform: Platform,
    /// Folder that holds the cluster's generated files while the tools run.
    pub root: PathBuf,
    /// Words before every tool's own argument list, such as `ip netns exec NAME`.
    pub command_prefix: Vec<String>,
    /// Environment added for every tool. Never a secret: it is printed by `--dry-run`.
    pub environment: BTreeMap<String, String>,
    /// `-var` values for `packer build`.
    pub packer_vars: BTreeMap<String, String>,
    /// Whether machines are reached at their private addresses, whatever Elastic IPs they have.
    pub private_addresses: bool,
    /// What a person does there.
    pub advice: Advice,
}

/// What to do where a cluster is not whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// HAProxy cannot be reached.
    pub unreachable: String,
    /// Another cluster answers.
    pub stranger: String,
    /// Every machine answers, and it is not whole.
    pub look: String,
    /// A machine does not answer: `{machine}` is its name, `{role}` its role.
    pub revive: String,
}
