//! The words of `images` and its verbs.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::common::{EXIT_CODES, Out, Variables, Where};
use crate::pipeline::Platform;

/// `images`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Images {
    /// The cluster's blueprint
    pub blueprint: Option<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs: on AWS, or in the lab on this machine
    #[arg(long, value_enum, default_value_t = Platform::Aws)]
    pub target: Platform,
    /// What to do instead of listing them
    #[command(subcommand)]
    pub verb: Option<ImagesVerb>,
}

impl Images {
    /// Which cluster; clap cannot say that it is needed only where no verb is.
    pub fn place(&self) -> Option<Where> {
        let (variables, out) = (self.variables.clone(), Out { dir: self.out.dir.clone() });
        Some(Where { blueprint: self.blueprint.clone()?, variables, out, target: self.target })
    }
}

/// The verbs of images.
#[derive(Debug, Subcommand)]
pub enum ImagesVerb {
    /// Remove old images that no machine runs from, and their snapshots
    Prune(Prune),
}

/// `images prune`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Prune {
    #[command(flatten)]
    pub place: Where,
    /// How many of each role stay, besides those in use and those that the blueprint means now
    #[arg(long, value_name = "N")]
    pub keep: u8,
    /// Do not ask first
    #[arg(long)]
    pub yes: bool,
}
