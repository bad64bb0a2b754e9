//! The arguments of the verbs that run a cluster or look at it.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Format, Where, number};
use crate::cluster::fixed::Fixed;
use crate::pipeline::Platform;

/// `run`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct RunArgs {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub stages: Stages,
    #[command(flatten)]
    pub telling: OutputArgs,
    /// Print each command with its directory and environment, but run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the stages and their dependencies, but run nothing
    #[arg(long, value_name = "FORMAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub graph: Option<Graph>,
    /// Do not ask for confirmation before changing anything on AWS
    #[arg(long)]
    pub yes: bool,
    /// Allow the plan to replace or destroy this database machine or its disk, and with it the data. --yes does not include this
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
    /// Allow the plan to stop and start this database machine, for instance to change its type. --yes does not include this
    #[arg(long, value_name = "NAME")]
    pub confirm_stop: Vec<String>,
    /// Rebuild this role's image even if it exists, for instance on a newer base image
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = ["master", "slave", "haproxy"])]
    pub rebuild: Vec<String>,
    /// Show what would change, but change nothing; exit with 3 if anything would change
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    pub plan_only: bool,
    /// Number of stages to run at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = number::<u8>(1, 255, ""), allow_negative_numbers = true)]
    pub jobs: u8,
    /// Longest time to wait for the cluster to become healthy, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Fixed::DEFAULT.terraform.wait, value_parser = number::<u32>(0, 86_400, " of seconds"), allow_negative_numbers = true)]
    pub wait: u32,
}

/// How much a run prints, and in which format.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub struct OutputArgs {
    /// Print lines for people, or one JSON object per event (see `pgherd schema --events`)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print only the result and errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Print the output of the tools
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// The stages to run; `run --graph` lists them.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Stages {
    /// Run only these stages, assuming that their dependencies are done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Run these stages and all that depend on them
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', conflicts_with = "only")]
    pub from: Vec<String>,
    /// Skip these stages, assuming that they are done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub skip: Vec<String>,
}

/// The format of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// A table
    Text,
    /// A Mermaid diagram, as GitHub draws it
    Mermaid,
}

/// `destroy`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct DestroyArgs {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub telling: OutputArgs,
    /// Also remove the cluster's images and their snapshots
    #[arg(long)]
    pub images: bool,
    /// Do not ask for confirmation (the lab never asks)
    #[arg(long)]
    pub yes: bool,
}

/// `status`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct StatusArgs {
    #[command(flatten)]
    pub place: Where,
    /// Print tables for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `doctor`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct DoctorArgs {
    /// Where the cluster will run
    #[arg(long, value_enum, default_value_t = Platform::Aws)]
    pub target: Platform,
}

/// `keep`
#[derive(Debug, ClapArgs)]
pub struct KeepArgs {
    /// The log that takes the tool's output
    #[arg(long)]
    pub log: PathBuf,
    /// The journal of the cluster
    #[arg(long, requires = "entry")]
    pub journal: Option<PathBuf>,
    /// The entry to add to the journal when the tool ends
    #[arg(long)]
    pub entry: Option<String>,
    /// The start of a line that the tool prints if it has done something
    #[arg(long)]
    pub proof: Option<String>,
    /// The tool and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}
