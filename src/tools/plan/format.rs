//! What `terraform show -json PLAN` prints
//! (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>), as far as anything here reads it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub struct PlanJson {
    #[serde(default)]
    pub format_version: String,
    #[serde(default)]
    pub resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    pub output_changes: BTreeMap<String, OutputChange>,
    #[serde(default)]
    pub checks: Vec<CheckResult>,
    #[serde(default)]
    pub errored: bool,
    /// OpenTofu says neither of these.
    #[serde(default = "yes")]
    pub applyable: bool,
    #[serde(default = "yes")]
    pub complete: bool,
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
pub struct ResourceChange {
    pub address: String,
    #[serde(default)]
    pub previous_address: Option<String>,
    #[serde(default)]
    pub mode: String,
    /// Its key among those of `for_each` or `count`.
    #[serde(default)]
    pub index: Value,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub action_reason: String,
    pub change: RawChange,
}

#[derive(Deserialize)]
pub struct RawChange {
    pub actions: Vec<String>,
    #[serde(default)]
    pub before: Value,
    #[serde(default)]
    pub after: Value,
    #[serde(default)]
    pub after_unknown: Value,
    #[serde(default)]
    pub before_sensitive: Value,
    #[serde(default)]
    pub after_sensitive: Value,
    #[serde(default)]
    pub replace_paths: Vec<Vec<Value>>,
    #[serde(default)]
    pub importing: Option<Value>,
}

#[derive(Deserialize)]
pub struct OutputChange {
    pub actions: Vec<String>,
}

#[derive(Deserialize)]
pub struct CheckResult {
    pub address: CheckAddress,
    pub status: String,
    #[serde(default)]
    pub instances: Vec<CheckInstance>,
}

#[derive(Deserialize)]
pub struct CheckAddress {
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub to_display: String,
}

#[derive(Deserialize)]
pub struct CheckInstance {
    #[serde(default)]
    pub problems: Vec<CheckProblem>,
}

#[derive(Deserialize)]
pub struct CheckProblem {
    #[serde(default)]
    pub message: String,
}

impl PlanJson {
    /// Reads a plan.
    ///
    /// # Errors
    /// If the text is not a plan in JSON.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|e| format!("the output of terraform show is not a plan in JSON: {e}"))
    }
}

/// Returns whether a mask, such as `after_unknown`, marks a value or any part of it.
pub fn marks(mask: &Value) -> bool {
    match mask {
        Value::Bool(marked) => *marked,
        Value::Array(all) => all.iter().any(marks),
        Value::Object(all) => all.values().any(marks),
        _ => false,
    }
}
