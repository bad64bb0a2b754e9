//! The words that several verbs share.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args as ClapArgs, ValueEnum};

use crate::pipeline::Platform;

/// Exit codes, for the end of every `--help`; [`crate::cli::failure::exit_code`] returns them.
pub const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a tool or the cluster failed
  2    bad usage or blueprint
  3    drift: --check found some, --plan-only found changes, settings run otherwise than they are generated, or files that were edited or are stale are not overwritten or run
  4    a prerequisite is missing (`pgherd doctor` says which, and how to get it)
  5    made, and not verified: HAProxy cannot be reached from here, so nobody knows whether the cluster is healthy
  6    done, and some of the output, a log or the report could not be written
  130  interrupted";

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
