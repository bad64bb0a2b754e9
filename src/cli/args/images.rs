//! The arguments of `images` and its verbs.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::common::{EXIT_CODES, Out, Variables, Where};
use crate::pipeline::Platform;

/// `images`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct ImagesArgs {
    /// The cluster's blueprint
    pub blueprint: Option<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs
    #[arg(long, value_enum, default_value_t = Platform::Aws)]
    pub target: Platform,
    /// The verb; without one, the images are listed
    #[command(subcommand)]
    pub verb: Option<ImagesVerb>,
}

impl ImagesArgs {
    /// Returns which cluster to list; clap cannot express that it is required only without a verb.
    pub fn place(&self) -> Option<Where> {
        let (variables, out) = (self.variables.clone(), Out { dir: self.out.dir.clone() });
        Some(Where { blueprint: self.blueprint.clone()?, variables, out, target: self.target })
    }
}

/// The verbs of `images`.
#[derive(Debug, Subcommand)]
pub enum ImagesVerb {
    /// Remove old images that no machine runs from, with their snapshots
    Prune(PruneArgs),
}

/// `images prune`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct PruneArgs {
    #[command(flatten)]
    pub place: Where,
    /// Number of images to keep of each role, besides those in use and those of the current blueprint
    #[arg(long, value_name = "N")]
    pub keep: u8,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}
