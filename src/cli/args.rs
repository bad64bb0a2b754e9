//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a tool or the cluster failed
  2    bad usage or blueprint
  3    drift: --check found some, or files were edited by hand or are stale and are not overwritten or run
  4    a prerequisite is missing (`pgherd doctor` says which, and how to get it)
  130  interrupted";

/// One blueprint in, a replicated, self-healing, load-balanced PostgreSQL cluster out.
#[derive(Debug, Parser)]
#[command(name = "pgherd", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a cluster's files: Packer templates, Terraform modules, scripts, configuration
    Gen(Gen),
}

/// `gen`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Gen {
    /// Blueprints to generate [default: blueprints/*.hcl]
    pub blueprints: Vec<PathBuf>,
    #[command(flatten)]
    pub out: Out,
    /// Write nothing; show what would change as a diff, and exit with 3 if anything would
    #[arg(long)]
    pub check: bool,
    /// Overwrite files that pgherd did not write or that were edited since, after naming them
    #[arg(long, conflicts_with = "check")]
    pub force: bool,
}

/// Where generated files are.
#[derive(Debug, ClapArgs)]
pub struct Out {
    /// Folder of the generated files, one folder a cluster in it
    #[arg(long = "out", value_name = "DIR", default_value = "generated")]
    pub dir: PathBuf,
}
