//! The words of `policy`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Variables};

/// `policy`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Policy {
    /// The cluster's blueprint
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
    /// What the rights are for
    #[arg(long = "for", value_enum, value_name = "VERB", default_value_t = Aim::Run)]
    pub aim: Aim,
    /// Print this policy alone, as `aws iam create-policy --policy-document` takes it; without it, all of them by name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// A verb that needs rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Aim {
    /// Build images, make, change and replace machines
    Run,
    /// Read Terraform's outputs
    Status,
    /// Take the cluster down
    Destroy,
}
