//! What can be written on the command line.

mod drive;
mod images;
mod lab;
mod policy;
mod write;

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::pipeline::Platform;

pub use drive::{Destroy, Doctor, Graph, Keep, Run, Stages, Status, Telling};
pub use images::{Images, ImagesVerb, Prune};
pub use lab::{Lab, LabVerb};
pub use policy::{Aim, Policy};
pub use write::{Check, Explain, Gen, Init, Schema, SchemaFormat};

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a tool or the cluster failed
  2    bad usage or blueprint
  3    drift: --check found some, --plan-only found changes, settings run otherwise than they are generated, or files that were edited or are stale are not overwritten or run
  4    a prerequisite is missing (`pgherd doctor` says which, and how to get it)
  5    made, and not verified: HAProxy cannot be reached from here, so nobody knows whether the cluster is healthy
  6    done, and some of the output, a log or the report could not be written
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
    /// Write a first blueprint, from a few questions or from flags
    Init(Init),
    /// Write a cluster's files: Packer templates, Terraform modules, scripts, configuration
    Gen(Gen),
    /// Say what a cluster will do: outages, losses, quorum, capacity, and every rule that it breaks
    Check(Check),
    /// Tell the whole story of a rule (PGH001), or why a value (maxconn) or a generated line (haproxy.cfg:44) is what it is
    Explain(Explain),
    /// Print the blueprint language: every name, its type, bounds and default; or the events of a run
    Schema(Schema),
    /// Build the images, make the machines, and wait until the cluster is whole
    Run(Run),
    /// Take a cluster down
    Destroy(Destroy),
    /// List the images of a cluster with age, hash and use; prune those that nobody needs
    Images(Images),
    /// Show each machine, who is primary and who streams; 1 if the cluster is not healthy
    Status(Status),
    /// Print the least IAM policies that `run`, `status` or `destroy` need for a cluster
    Policy(Policy),
    /// Look for each tool and credential, and say how to get what is missing
    Doctor(Doctor),
    /// For pgherd's own use: keep a tool alive and its output clean, whatever becomes of who started it
    #[command(hide = true)]
    Keep(Keep),
    /// The lab: an AWS of one's own on this machine, with machines that boot
    Lab(Lab),
}

/// What a blueprint's variables are set to.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Variables {
    /// Set a variable that the blueprint declares; text as it is, everything else as in a blueprint
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

fn assignment(word: &str) -> Result<(String, String), String> {
    match word.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err("write NAME=VALUE".into()),
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Where generated files are.
#[derive(Debug, ClapArgs)]
pub struct Out {
    /// Folder of the generated files, one folder a cluster in it
    #[arg(long = "out", value_name = "DIR", default_value = "generated")]
    pub dir: PathBuf,
}

/// Which cluster, and where it runs.
#[derive(Debug, ClapArgs)]
pub struct Where {
    /// The cluster's blueprint
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs: on AWS, or in the lab on this machine
    #[arg(long, value_enum, default_value_t = Platform::Aws)]
    pub target: Platform,
}

impl ValueEnum for Platform {
    fn value_variants<'a>() -> &'a [Self] {
        &[Platform::Aws, Platform::Lab]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Platform::Aws => "Amazon Web Services",
            Platform::Lab => "This machine",
        }))
    }
}
