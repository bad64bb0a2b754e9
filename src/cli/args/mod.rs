//! What can be written on the command line.

mod common;
mod drive;
mod images;
mod lab;
mod policy;
mod write;

use clap::{Parser, Subcommand};

use common::EXIT_CODES;

pub use common::{Format, Variables, Where};
pub use drive::{DestroyArgs, DoctorArgs, Graph, KeepArgs, RunArgs, Stages, StatusArgs, Telling};
pub use images::{ImagesArgs, ImagesVerb, PruneArgs};
pub use lab::{LabArgs, LabVerb};
pub use policy::PolicyArgs;
pub use write::{CheckArgs, ExplainArgs, GenArgs, InitArgs, SchemaArgs, SchemaFormat};

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
    Init(InitArgs),
    /// Write a cluster's files: Packer templates, Terraform modules, scripts, configuration
    Gen(GenArgs),
    /// Say what a cluster will do: outages, losses, quorum, capacity, and every rule that it breaks
    Check(CheckArgs),
    /// Tell the whole story of a rule (PGH001), or why a value (maxconn) or a generated line (haproxy.cfg:44) is what it is
    Explain(ExplainArgs),
    /// Print the blueprint language: every name, its type, bounds and default; or the events of a run
    Schema(SchemaArgs),
    /// Build the images, make the machines, and wait until the cluster is whole
    Run(RunArgs),
    /// Take a cluster down
    Destroy(DestroyArgs),
    /// List the images of a cluster with age, hash and use; prune those that nobody needs
    Images(ImagesArgs),
    /// Show each machine, who is primary and who streams; 1 if the cluster is not healthy
    Status(StatusArgs),
    /// Print the least IAM policies that `run`, `status` or `destroy` need for a cluster
    Policy(PolicyArgs),
    /// Look for each tool and credential, and say how to get what is missing
    Doctor(DoctorArgs),
    /// For pgherd's own use: keep a tool alive and its output clean, whatever becomes of who started it
    #[command(hide = true)]
    Keep(KeepArgs),
    /// The lab: an AWS of one's own on this machine, with machines that boot
    Lab(LabArgs),
}
