//! The arguments of `policy`.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Variables};
use crate::pipeline::policy::Task;

/// `policy`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct PolicyArgs {
    /// The cluster's blueprint
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
    /// The task that needs the rights
    #[arg(long = "for", value_enum, value_name = "TASK", default_value_t = Task::Run)]
    pub task: Task,
    /// Print only this policy, as `aws iam create-policy --policy-document` accepts it [default: one JSON object with all policies, by name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

impl ValueEnum for Task {
    fn value_variants<'a>() -> &'a [Self] {
        &Task::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Task::Run => "Build images, and create, change and replace machines",
            Task::Status => "Read Terraform's outputs",
            Task::Destroy => "Destroy the cluster",
            Task::Drill => "Stop the cluster's machines in a drill, and start them again",
            Task::Rotate => "Change passwords of database users with rotate_password.sh",
        }))
    }
}
