//! The arguments of `lab` and its verbs.

use clap::{Args as ClapArgs, Subcommand};

use super::common::EXIT_CODES;

/// `lab`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct LabArgs {
    /// The verb.
    #[command(subcommand)]
    pub verb: LabVerb,
}

/// The verbs of the lab.
#[derive(Debug, Subcommand)]
pub enum LabVerb {
    /// Start the lab; `run --target lab` does so by itself
    Up,
    /// Stop the lab and remove all its machines; images stay in the cache
    Down,
    /// List the machines of the lab
    Ps,
    /// Open a shell on a machine or, without NODE, in the lab's network, where `aws` talks to the lab
    Shell {
        /// Name in the cluster (`master`), full name (`herd-master`) or instance id
        node: Option<String>,
        /// Command to run instead of a shell
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Cut the power of a machine
    Kill {
        /// The machine, named as for `lab shell`
        node: String,
    },
    /// Switch a machine on again, with its old disk
    Start {
        /// The machine, named as for `lab shell`
        node: String,
    },
    /// Start and stop machines as the API says (internal)
    #[command(hide = true)]
    Controller,
}
