//! The words of the verbs that run a cluster, or look at it.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Format, Where};
use crate::pipeline::Platform;

/// `run`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Run {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub stages: Stages,
    #[command(flatten)]
    pub telling: Telling,
    /// Print each command with its directory and environment, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the stages and what each waits for, and run nothing
    #[arg(long, value_name = "FORMAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub graph: Option<Graph>,
    /// Do not show what will be and ask before it is done on AWS
    #[arg(long)]
    pub yes: bool,
    /// Let the data of this database machine be destroyed by a plan that replaces or destroys it or its disk; --yes does not
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
    /// Let this database machine be stopped and started again by a plan that changes it that way, such as to another instance type;
    /// --yes does not
    #[arg(long, value_name = "NAME")]
    pub confirm_stop: Vec<String>,
    /// Build this role's image although it exists: its base image has moved on
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = ["master", "slave", "haproxy"])]
    pub rebuild: Vec<String>,
    /// Show what would be changed, and change nothing: exits with 0 if nothing would be, with 3 if anything
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    pub plan_only: bool,
    /// How many stages run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// How long the cluster may take to become whole, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
}

/// How much is said, and for whom.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub struct Telling {
    /// Lines for people, or a JSON object an event (`pgherd schema --events` says which there are)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Say only the result and what went wrong
    #[arg(long, short)]
    pub quiet: bool,
    /// Show what the tools print
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Which stages of a run; `run --graph` names them.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Stages {
    /// Run these stages alone, as if what they need were done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Run these stages and all that wait for them
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', conflicts_with = "only")]
    pub from: Vec<String>,
    /// Leave these stages out, as if they were done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub skip: Vec<String>,
}

/// How a graph is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// A table
    Text,
    /// For a page that draws Mermaid, such as GitHub's
    Mermaid,
}

/// `destroy`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Destroy {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub telling: Telling,
    /// Remove the cluster's images and their snapshots, too
    #[arg(long)]
    pub images: bool,
    /// Do not ask for the cluster's name first; in the lab, whose data is nobody's, nobody is asked
    #[arg(long)]
    pub yes: bool,
}

/// `status`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Status {
    #[command(flatten)]
    pub place: Where,
}

/// `doctor`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Doctor {
    /// Where a cluster is to run
    #[arg(long, value_enum, default_value_t = Platform::Aws)]
    pub target: Platform,
}

/// `keep`
#[derive(Debug, ClapArgs)]
pub struct Keep {
    /// Where the tool's output goes
    #[arg(long)]
    pub log: PathBuf,
    /// The journal
    #[arg(long, requires = "entry")]
    pub journal: Option<PathBuf>,
    /// What is added to it at the end
    #[arg(long)]
    pub entry: Option<String>,
    /// How a line of its output begins without which it has done nothing
    #[arg(long)]
    pub proof: Option<String>,
    /// The tool and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}
