//! `pgherd policy`: prints the rights that a verb needs in AWS.

use serde_json::{Map, Value};

use super::args;
use super::blueprints;
use super::error::{CommandError, ErrorKind};
use super::report::Report;
use crate::pipeline::policy;
use crate::system::Context;

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::PolicyArgs) -> Result<(), CommandError> {
    let loaded = blueprints::load_one(context, report, &options.blueprint, &options.variables)?;
    let policies = policy::policies(&loaded.cluster, &loaded.files(), options.aim);
    let policies = policies.map_err(|why| CommandError::Text(ErrorKind::Failed, why))?;
    if let Some(name) = &options.name {
        let Some(one) = policies.iter().find(|policy| policy.name == *name) else {
            let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
            return Err(CommandError::usage(format!(
                "--name {name}: there is no such policy; the policies are {}",
                names.join(", ")
            )));
        };
        report.line(&one.text);
        return Ok(());
    }
    if policies.is_empty() {
        report.note("no rights in AWS are needed for this: the states are in files");
    }
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let all: Map<String, Value> = policies.iter().map(|policy| (policy.name.clone(), value(&policy.text))).collect();
    report.line(&format!("{:#}", Value::Object(all)));
    Ok(())
}
