//! The words of `lab` and its verbs.

use clap::{Args as ClapArgs, Subcommand};

use super::common::EXIT_CODES;

/// `lab`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Lab {
    /// What to do.
    #[command(subcommand)]
    pub verb: LabVerb,
}

/// The verbs of the lab.
#[derive(Debug, Subcommand)]
pub enum LabVerb {
    /// Bring the lab up; `run --target lab` does it by itself
    Up,
    /// Take it down with all its machines; images stay in the cache
    Down,
    /// List its machines
    Ps,
    /// Enter a machine, or, without NODE, the network where `aws` speaks to the lab
    Shell {
        /// Its name in the cluster (`master`), its full name (`herd-master`), or its instance id
        node: Option<String>,
        /// Run this instead of a shell
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Cut a machine's power
    Kill {
        /// As in `shell`
        node: String,
    },
    /// Switch a machine on again, with the disk it had
    Start {
        /// As in `shell`
        node: String,
    },
    /// Keep machines what the API says they are
    #[command(hide = true)]
    Controller,
}
