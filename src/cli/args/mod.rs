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
pub use drive::{Destroy, Doctor, Graph, Keep, Run, Stages, Status, Telling};
pub use images::{Images, ImagesVerb, Prune};
pub use lab::{Lab, LabVerb};
pub use policy::Policy;
pub use write::{Check, Explain, Gen, Init, Schema, SchemaFormat};

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
