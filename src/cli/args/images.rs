//! The arguments of `images` and its verbs.

use clap::{Args as ClapArgs, Subcommand};

use super::common::{EXIT_CODES, Where, number};

/// `images`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ImagesArgs {
    /// The cluster whose images to list; set unless there is a verb.
    #[command(flatten)]
    pub place: Option<Where>,
    /// The verb; without one, the images are listed
    #[command(subcommand)]
    pub verb: Option<ImagesVerb>,
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
    /// Number of old images of each role to keep. Images that are in use or that the blueprint needs are always kept
    #[arg(long, value_name = "N", value_parser = number::<u8>(0, 255, ""), allow_negative_numbers = true)]
    pub keep: u8,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}
