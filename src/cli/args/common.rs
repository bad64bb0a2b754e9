//! Arguments that several verbs share.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args as ClapArgs, ValueEnum};

use crate::pipeline::Platform;

/// Exit codes, for the end of every `--help`; [`crate::cli::error::exit_code`] returns them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    a tool or the cluster failed, or you declined
  2    invalid usage or blueprint
  3    drift: the generated files, the planned changes or the live settings
       differ from what the blueprint says
  4    a prerequisite is missing; `pgherd doctor` shows how to get it
  5    created or planned, but not verified: HAProxy cannot be reached from
       here
  6    done, but some output, a log or the report could not be written
  130  interrupted";

/// The values of a blueprint's variables.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Variables {
    /// Set a variable of the blueprint: text without quotes, other values as in HCL
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

fn assignment(word: &str) -> Result<(String, String), String> {
    match word.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err("write the variable's name, `=` and its value, such as slaves=3".into()),
    }
}

/// Returns a parser for a whole number within bounds. Its message states the bounds: the standard library's says only that a digit
/// is invalid.
pub fn number<T: TryFrom<u64> + Clone>(
    least: u64,
    most: u64,
    of: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |word| {
        let number = word.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("write a whole number{of} from {least} to {most}"))
    }
}

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
}

/// Where generated files are.
#[derive(Debug, ClapArgs)]
pub struct Out {
    /// Directory of the generated files, with a subdirectory for each cluster
    #[arg(long = "out", value_name = "DIR", default_value = "generated")]
    pub dir: PathBuf,
}

/// Which cluster, and where it runs.
#[derive(Debug, ClapArgs)]
// clap takes an optional `Where` as given if one of the group's arguments is; by itself it leaves a group with nested ones empty.
#[group(id = "place", args = ["blueprint"], multiple = true)]
pub struct Where {
    /// The cluster's blueprint
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs
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
            Platform::Lab => "The lab on this machine",
        }))
    }
}
