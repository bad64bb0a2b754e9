//! `pgherd policy`: prints the rights that a verb needs in AWS.

use serde_json::{Map, Value};

use super::args;
use super::blueprints::{self, Loaded};
use super::error::{CommandError, ErrorKind};
use super::report::Report;
use crate::pipeline::policy::{self, Task};
use crate::system::Context;

/// Returns why a task needs no rights in AWS.
fn none_needed(task: Task) -> &'static str {
    match task {
        Task::Rotate => {
            "This task needs no rights in AWS: the blueprint has no users whose passwords could be rotated."
        }
        Task::Run | Task::Status | Task::Destroy | Task::Drill => {
            "This task needs no rights in AWS: the cluster's Terraform states are files on this machine."
        }
    }
}

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::PolicyArgs) -> Result<(), CommandError> {
    let loaded = blueprints::load_one(context, report, &options.blueprint, &options.variables)?;
    let policies = policy::policies(&loaded.cluster, &loaded.files(), options.task);
    let policies = policies.map_err(|why| CommandError::Text(ErrorKind::Failed, why))?;
    if let Some(name) = &options.name {
        let Some(one) = policies.iter().find(|policy| policy.name == *name) else {
            let help = match policies.first() {
                Some(first) => format!("write, for instance, `{}`", example(&loaded, options.task, &first.name)),
                None => none_needed(options.task).into(),
            };
            return Err(CommandError::usage(format!("--name {name}: there is no such policy\n  {help}")));
        };
        report.line(&one.text);
        return Ok(());
    }
    match policies.first() {
        Some(first) => report.note(&format!(
            "AWS accepts one policy at a time. To print one alone: `{}`",
            example(&loaded, options.task, &first.name)
        )),
        None => report.note(none_needed(options.task)),
    }
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let all: Map<String, Value> = policies.iter().map(|policy| (policy.name.clone(), value(&policy.text))).collect();
    report.line(&format!("{:#}", Value::Object(all)));
    Ok(())
}

/// Returns the command that prints a single policy.
fn example(loaded: &Loaded, task: Task, policy: &str) -> String {
    format!("pgherd policy {} --for {} --name {policy}", loaded.words(), task.name())
}
