//! The command line, as clap parses it.

mod common;
mod drill;
mod drive;
mod images;
mod lab;
mod policy;
mod write;

use clap::{Parser, Subcommand};

use common::EXIT_CODES;

pub use common::{Format, Variables, Where};
pub use drill::{DrillArgs, Wanted};
pub use drive::{DestroyArgs, DoctorArgs, Graph, KeepArgs, OutputArgs, RunArgs, Stages, StatusArgs};
pub use images::{ImagesArgs, ImagesVerb, PruneArgs};
pub use lab::{LabArgs, LabVerb};
pub use policy::PolicyArgs;
pub use write::{CheckArgs, ExplainArgs, GenArgs, InitArgs, SchemaArgs, SchemaFormat};

/// One blueprint in, a replicated, self-healing, load-balanced PostgreSQL cluster out.
#[derive(Debug, Parser)]
#[command(name = "pgherd", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Args {
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a first blueprint, from a few questions or from flags
    Init(InitArgs),
    /// Generate a cluster's files: Packer templates, Terraform modules, scripts and configuration
    Gen(GenArgs),
    /// Predict outages, data loss, quorum and capacity, and report every violated rule
    Check(CheckArgs),
    /// Explain a rule (PGH001), a value (maxconn) or a line of a generated file (haproxy.cfg:44)
    Explain(ExplainArgs),
    /// Print the blueprint language, with every type, bound and default, or the events of a run
    Schema(SchemaArgs),
    /// Build the images, create the machines, and wait until the cluster is healthy
    Run(RunArgs),
    /// Destroy a cluster
    Destroy(DestroyArgs),
    /// List the images of a cluster, or remove those that are no longer needed
    Images(ImagesArgs),
    /// Show each machine, which one is primary and which ones stream; exit with 1 if unhealthy
    Status(StatusArgs),
    /// Break a cluster on purpose, and compare what its clients notice with what `check` predicts
    Drill(DrillArgs),
    /// Print the minimal IAM policies for `run`, `status`, `destroy` or a password rotation
    Policy(PolicyArgs),
    /// Check the tools and the credentials, and show how to get what is missing
    Doctor(DoctorArgs),
    /// Keep a tool running and its output free of secrets, even if pgherd itself is killed (internal)
    #[command(hide = true)]
    Keep(KeepArgs),
    /// Run clusters on this machine: a simulated AWS API with machines that really boot
    Lab(LabArgs),
}
