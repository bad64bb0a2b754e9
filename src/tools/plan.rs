//! What a saved plan does, as `terraform show -json` tells it
//! (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::terraform::Doing;

/// What is done to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its address in the module.
    pub address: String,
    /// What is done.
    #[serde(rename = "action")]
    pub doing: Doing,
    /// The attributes that cannot be changed in place, where it is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_by: Vec<String>,
    /// Why Terraform does it, where it is not for a change of configuration: `tainted`, `by request` …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The machine whose data goes with it: its name, for a database's machine or disk that is replaced or destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_of: Option<String>,
}

impl Change {
    /// One of which nothing more is known.
    pub fn of(address: &str, doing: Doing) -> Self {
        Change { address: address.into(), doing, forced_by: vec![], reason: String::new(), data_of: None }
    }

    /// What forces a replacement, and what goes with it.
    pub fn why(&self) -> String {
        let mut parts = vec![];
        if !self.forced_by.is_empty() {
            parts.push(format!("forced by {}", self.forced_by.join(", ")));
        }
        if !self.reason.is_empty() {
            parts.push(self.reason.clone());
        }
        if let Some(name) = &self.data_of {
            parts.push(format!("THE DATA OF {name} GOES WITH IT"));
        }
        if self.cuts_off() {
            parts.push("clients are cut off until its machine is back".into());
        }
        parts.join("; ")
    }

    /// Whether it is the only way to the databases that goes.
    fn cuts_off(&self) -> bool {
        self.address == HAPROXY && matches!(self.doing, Doing::Replace | Doing::Destroy)
    }
}

/// Types whose end is the end of what PostgreSQL wrote.
const WITH_DATA: [&str; 3] = ["aws_instance", "aws_ebs_volume", "aws_volume_attachment"];

/// The machine that all clients come in by.
const HAPROXY: &str = "aws_instance.haproxy";

/// Why something is replaced whose making did not come to its end.
const TAINTED: &str = "tainted: it was not made to its end";

impl Change {
    /// Whether the data of a machine would go only because its making was cut off.
    pub fn is_needless(&self) -> bool {
        self.reason == TAINTED && self.data_of.is_some()
    }
}

#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    action_reason: String,
    change: RawChange,
}

#[derive(Deserialize)]
struct RawChange {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    replace_paths: Vec<Vec<Value>>,
}

/// Reads the changes of a plan.
pub fn read(json: &str) -> Result<Vec<Change>, String> {
    let plan: Plan = serde_json::from_str(json).map_err(|e| format!("the plan is shown strangely: {e}"))?;
    Ok(plan.resource_changes.iter().filter(|resource| resource.mode != "data").filter_map(change).collect())
}

fn change(resource: &ResourceChange) -> Option<Change> {
    let actions: Vec<&str> = resource.change.actions.iter().map(String::as_str).collect();
    let doing = match actions[..] {
        ["create"] => Doing::Create,
        ["update"] => Doing::Update,
        ["delete"] => Doing::Destroy,
        ["delete", "create"] | ["create", "delete"] => Doing::Replace,
        _ => return None,
    };
    let ends = matches!(doing, Doing::Destroy | Doing::Replace);
    let reason = match resource.action_reason.as_str() {
        "replace_because_tainted" => TAINTED,
        "replace_by_request" => "by request",
        "delete_because_no_resource_config" => "no longer in the configuration",
        "delete_because_count_index" | "delete_because_each_key" => "no longer among those wanted",
        _ => "",
    };
    Some(Change {
        address: resource.address.clone(),
        doing,
        forced_by: resource.change.replace_paths.iter().map(|path| attribute(path)).collect(),
        reason: reason.into(),
        data_of: (ends && WITH_DATA.contains(&resource.kind.as_str())).then(|| machine(resource)).flatten(),
    })
}

/// `root_block_device[0].encrypted`
fn attribute(path: &[Value]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Value::String(name) if text.is_empty() => text.push_str(name),
            Value::String(name) => text.push_str(&format!(".{name}")),
            step => text.push_str(&format!("[{step}]")),
        }
    }
    text
}

/// The database machine that a resource is or belongs to. HAProxy keeps nothing.
fn machine(resource: &ResourceChange) -> Option<String> {
    let tags = resource.change.before.get("tags").cloned().unwrap_or_default();
    let tag = |name: &str| tags.get(name).and_then(Value::as_str);
    if tag("pgherd:role") == Some("haproxy") || resource.address.contains("haproxy") {
        return None;
    }
    Some(tag("pgherd:machine").or(tag("Name")).unwrap_or(&resource.address).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forces_a_replacement_is_told_and_data_stands_out() {
        let json = r#"{"format_version": "1.2", "resource_changes": [
            {"address": "aws_instance.slave[\"slave1\"]", "mode": "managed", "type": "aws_instance", "change": {
                "actions": ["delete", "create"], "replace_paths": [["root_block_device", 0, "encrypted"], ["subnet_id"]],
                "before": {"tags": {"pgherd:machine": "slave1", "pgherd:role": "slave"}}}},
            {"address": "aws_instance.haproxy", "mode": "managed", "type": "aws_instance", "change": {
                "actions": ["create", "delete"], "replace_paths": [["ami"]],
                "before": {"tags": {"pgherd:machine": "haproxy", "pgherd:role": "haproxy"}}}},
            {"address": "aws_eip.master[0]", "mode": "managed", "type": "aws_eip", "change": {"actions": ["create"], "before": null}},
            {"address": "data.aws_vpcs.cluster", "mode": "data", "type": "aws_vpcs", "change": {"actions": ["read"]}},
            {"address": "aws_vpc.this", "mode": "managed", "type": "aws_vpc", "change": {"actions": ["no-op"]}}]}"#;
        let changes = read(json).unwrap();
        assert_eq!(changes.len(), 3);
        assert_eq!(changes[0].forced_by, ["root_block_device[0].encrypted", "subnet_id"]);
        assert_eq!((changes[0].doing, changes[0].data_of.as_deref()), (Doing::Replace, Some("slave1")));
        assert_eq!((changes[1].doing, changes[1].data_of.as_deref()), (Doing::Replace, None));
        assert_eq!(changes[1].why(), "forced by ami; clients are cut off until its machine is back");
        assert_eq!((changes[2].doing, changes[2].data_of.as_deref()), (Doing::Create, None));
    }

    #[test]
    fn a_machine_without_tags_is_called_by_its_address() {
        let json = r#"{"resource_changes": [{"address": "aws_instance.master", "type": "aws_instance", "mode": "managed",
            "change": {"actions": ["delete"], "before": {}}}]}"#;
        assert_eq!(read(json).unwrap()[0].data_of.as_deref(), Some("aws_instance.master"));
    }
}
