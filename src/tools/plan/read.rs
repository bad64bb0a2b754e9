//! Reads what `terraform show -json PLAN` prints
//! (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>). What is not understood is refused: a plan
//! may destroy by it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Change, Doing, PlanSummary, TAINTED, disruption};

/// What a plan was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole module.
    Whole,
    /// Some addresses of it, by `-target`: such a plan says of itself that it is not complete.
    Targeted,
}

/// The major version of the format that this reads. Minor ones add to it
/// (<https://developer.hashicorp.com/terraform/internals/json-format#format-version>).
const MAJOR: &str = "1";

/// Types whose end is the end of what PostgreSQL wrote.
const WITH_DATA: [&str; 3] = ["aws_instance", "aws_ebs_volume", "aws_volume_attachment"];
/// Types by which clients come in to HAProxy's machine.
const WAY_IN: [&str; 3] = ["aws_instance", "aws_eip", "aws_eip_association"];

/// Parts of a plan that say nothing about what is done, or say it again.
const OTHER_PARTS: [&str; 8] = [
    "terraform_version",
    "variables",
    "planned_values",
    "resource_drift",
    "prior_state",
    "configuration",
    "relevant_attributes",
    "timestamp",
];

#[derive(Deserialize)]
struct Plan {
    format_version: String,
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    output_changes: BTreeMap<String, OutputChange>,
    #[serde(default)]
    checks: Vec<Check>,
    #[serde(default)]
    errored: bool,
    /// OpenTofu says neither of these.
    #[serde(default = "yes")]
    applyable: bool,
    #[serde(default = "yes")]
    complete: bool,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(default)]
    previous_address: Option<String>,
    mode: String,
    #[serde(rename = "type")]
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
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    replace_paths: Vec<Vec<Value>>,
    #[serde(default)]
    importing: Option<Value>,
}

#[derive(Deserialize)]
struct OutputChange {
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct Check {
    address: CheckAddress,
    status: String,
    #[serde(default)]
    instances: Vec<CheckInstance>,
}

#[derive(Deserialize)]
struct CheckAddress {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    to_display: String,
}

#[derive(Deserialize)]
struct CheckInstance {
    #[serde(default)]
    problems: Vec<CheckProblem>,
}

#[derive(Deserialize)]
struct CheckProblem {
    #[serde(default)]
    message: String,
}

/// Reads a plan that has changes.
///
/// # Errors
///
/// What of it is not understood: another format, an action that is not known, a plan that is not whole or does nothing, parts that this
/// does not know and that hold something.
pub fn read(json: &str, scope: Scope) -> Result<PlanSummary, String> {
    let plan: Plan = serde_json::from_str(json).map_err(|e| format!("it is not shown as a plan in JSON: {e}"))?;
    if plan.format_version.split('.').next() != Some(MAJOR) {
        return Err(format!("its format is {}, and {MAJOR}.x is understood", plan.format_version));
    }
    if plan.errored || !plan.applyable {
        return Err("it cannot be applied: making it came to an error".into());
    }
    if !plan.complete && scope == Scope::Whole {
        return Err("it is not complete: some changes are left for a later plan".into());
    }
    let strange = |(name, value): &(&String, &Value)| !OTHER_PARTS.contains(&name.as_str()) && holds_something(value);
    if let Some((name, _)) = plan.others.iter().find(strange) {
        return Err(format!("it holds `{name}`, and what that does is not known"));
    }
    let (mut summary, mut touched) = (PlanSummary::default(), false);
    for resource in &plan.resource_changes {
        let change = change(resource)?;
        touched |= change.is_some() || resource.change.actions != ["no-op"] || resource.previous_address.is_some();
        summary.changes.extend(change);
    }
    for (name, output) in &plan.output_changes {
        match doing(&output.actions) {
            Some(None) => {}
            Some(Some(_)) => summary.outputs += 1,
            None => return Err(strange_actions(&format!("output {name}"), &output.actions)),
        }
    }
    summary.warnings = warnings(&plan.checks)?;
    if !touched && summary.outputs == 0 {
        // `plan -detailed-exitcode` said that there is something.
        return Err("it has changes, and none is shown".into());
    }
    Ok(summary)
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        _ => false,
    }
}

/// What is done, by the words for it; none of it for what is only read or stays. `None` where the words are not known.
fn doing(actions: &[String]) -> Option<Option<Doing>> {
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    Some(match actions[..] {
        ["no-op"] | ["read"] => None,
        ["create"] => Some(Doing::Create),
        ["update"] => Some(Doing::Update),
        ["delete"] => Some(Doing::Destroy),
        ["delete", "create"] | ["create", "delete"] => Some(Doing::Replace),
        ["forget"] => Some(Doing::Forget),
        _ => return None,
    })
}

fn strange_actions(what: &str, actions: &[String]) -> String {
    format!("what it does to {what} is not known: {}", actions.join(", "))
}

fn change(resource: &ResourceChange) -> Result<Option<Change>, String> {
    let (raw, kind) = (&resource.change, resource.kind.as_str());
    let strange = || strange_actions(&resource.address, &raw.actions);
    let doing = doing(&raw.actions).ok_or_else(strange)?;
    let imported = raw.importing.as_ref().is_some_and(|importing| !importing.is_null());
    match (resource.mode.as_str(), doing) {
        ("managed", _) if raw.actions != ["read"] => {}
        ("data", None) => return Ok(None),
        _ => return Err(strange()),
    }
    let Some(doing) = doing.or(imported.then_some(Doing::Import)) else { return Ok(None) };
    let machine = Machine::of(resource);
    let stopped_by = match doing {
        Doing::Update => disruption::stopped_by(kind, &raw.before, &raw.after, &raw.after_unknown),
        // It does nothing but start and stop machines.
        _ if kind == "aws_ec2_instance_state" => vec!["state".into()],
        _ => vec![],
    };
    let ends = doing.ends();
    let database = |so: bool| (so && !machine.is_haproxy).then(|| machine.name.clone());
    Ok(Some(Change {
        address: resource.address.clone(),
        doing,
        imported,
        forced_by: raw.replace_paths.iter().map(|path| attribute(path)).collect(),
        reason: reason(&resource.action_reason).into(),
        data_of: database(ends && WITH_DATA.contains(&kind)),
        stops: database(!stopped_by.is_empty()),
        cuts_off: machine.is_haproxy && (!stopped_by.is_empty() || ends && WAY_IN.contains(&kind)),
        stopped_by,
    }))
}

fn reason(action_reason: &str) -> &'static str {
    match action_reason {
        "replace_because_tainted" => TAINTED,
        "replace_by_request" => "by request",
        "replace_by_triggers" => "by replace_triggered_by",
        "delete_because_no_resource_config" | "delete_because_no_module" => "no longer in the configuration",
        "delete_because_count_index" | "delete_because_each_key" | "delete_because_wrong_repetition" => {
            "no longer among those wanted"
        }
        "delete_because_no_move_target" => "moved to where nothing is",
        _ => "",
    }
}

/// The messages of checks that do not hold. Those that Terraform itself would have stopped at make the plan one that is not
/// understood.
fn warnings(checks: &[Check]) -> Result<Vec<String>, String> {
    let mut warnings = vec![];
    for check in checks.iter().filter(|check| matches!(check.status.as_str(), "fail" | "error")) {
        if check.address.kind != "check" {
            return Err(format!("{} does not hold", check.address.to_display));
        }
        let problems = check.instances.iter().flat_map(|instance| &instance.problems);
        warnings.extend(problems.map(|problem| problem.message.clone()).filter(|message| !message.is_empty()));
    }
    Ok(warnings)
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

/// The machine that a resource is or belongs to. HAProxy keeps nothing.
struct Machine {
    name: String,
    is_haproxy: bool,
}

impl Machine {
    fn of(resource: &ResourceChange) -> Self {
        let tags = [&resource.change.before, &resource.change.after].map(|value| value.get("tags").cloned());
        let tag = |name: &str| {
            let of = |tags: &Option<Value>| Some(tags.as_ref()?.get(name)?.as_str()?.to_string());
            tags.iter().find_map(of)
        };
        let is_haproxy = match tag("pgherd:role") {
            Some(role) => role == "haproxy",
            None => resource.address.split('.').nth(1).is_some_and(|name| name.starts_with("haproxy")),
        };
        let name = tag("pgherd:machine").or(tag("Name")).or_else(|| key(&resource.address));
        Machine { name: name.unwrap_or_else(|| resource.address.clone()), is_haproxy }
    }
}

/// `slave1` of `aws_volume_attachment.slave["slave1"]`, which bears no tags.
fn key(address: &str) -> Option<String> {
    let (_, key) = address.split_once("[\"")?;
    Some(key.strip_suffix("\"]")?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(changes: Value) -> Value {
        json!({"format_version": "1.2", "terraform_version": "1.11.4", "applyable": true, "complete": true, "errored": false,
            "resource_changes": changes, "configuration": {"x": 1}, "timestamp": "2026-01-01T00:00:00Z"})
    }

    fn resource(address: &str, actions: &[&str], more: Value) -> Value {
        let mut resource = json!({"address": address, "mode": "managed", "type": address.split('.').next(),
            "change": {"actions": actions}});
        let change = resource["change"].as_object_mut().unwrap();
        change.extend(more.as_object().unwrap().clone());
        resource
    }

    fn whole(plan: &Value) -> Result<PlanSummary, String> {
        read(&plan.to_string(), Scope::Whole)
    }

    #[test]
    fn what_forces_a_replacement_is_told_and_data_stands_out() {
        let tags = |machine: &str, role: &str| json!({"pgherd:machine": machine, "pgherd:role": role});
        let summary = whole(&plan(json!([
            resource("aws_instance.slave[\"slave1\"]", &["delete", "create"], json!({
                "replace_paths": [["root_block_device", 0, "encrypted"], ["subnet_id"]],
                "before": {"tags": tags("slave1", "slave")}})),
            resource("aws_instance.haproxy", &["create", "delete"], json!({
                "replace_paths": [["ami"]], "before": {"tags": tags("haproxy", "haproxy")}})),
            resource("aws_eip.master[0]", &["create"], json!({"before": null})),
            resource("aws_vpc.this", &["no-op"], json!({})),
            resource("aws_vpc.found", &["no-op"], json!({"importing": {"id": "vpc-1"}})),
            {"address": "data.aws_vpcs.cluster", "mode": "data", "type": "aws_vpcs", "change": {"actions": ["read"]}},
        ])))
        .unwrap();
        let changes = &summary.changes;
        assert_eq!(summary.to_string(), "1 to import, 3 to add, 0 to change, 2 to destroy");
        assert_eq!(changes[0].forced_by, ["root_block_device[0].encrypted", "subnet_id"]);
        assert_eq!((changes[0].doing, changes[0].data_of.as_deref()), (Doing::Replace, Some("slave1")));
        assert_eq!((changes[1].doing, changes[1].data_of.as_deref()), (Doing::Replace, None));
        assert_eq!(changes[1].why(), "forced by ami; clients are cut off until its machine is back");
        assert_eq!((changes[2].doing, changes[2].data_of.as_deref()), (Doing::Create, None));
        assert_eq!((changes[3].doing, changes.len()), (Doing::Import, 4));
    }

    #[test]
    fn a_machine_without_tags_is_called_by_its_address() {
        let of = |address: &str| {
            let summary = whole(&plan(json!([resource(address, &["delete"], json!({"before": {}}))]))).unwrap();
            summary.changes[0].data_of.clone()
        };
        assert_eq!(of("aws_instance.master").as_deref(), Some("aws_instance.master"));
        assert_eq!(of("aws_volume_attachment.data[\"slave2\"]").as_deref(), Some("slave2"));
        assert_eq!(of("aws_instance.haproxy[\"haproxy1\"]"), None);
        assert_eq!(of("aws_eip.master"), None);
    }

    #[test]
    fn an_update_that_stops_a_machine_is_told_apart() {
        let update = |address: &str, before: Value, after: Value| {
            let change = resource(address, &["update"], json!({"before": before, "after": after, "after_unknown": {}}));
            whole(&plan(json!([change]))).unwrap()
        };
        let slave = "aws_instance.slave[\"slave1\"]";
        let typed = |kind: &str, role: &str| json!({"instance_type": kind, "tags": {"pgherd:machine": role, "pgherd:role": role}});
        let stops = update(slave, typed("a", "slave1"), typed("b", "slave1"));
        assert_eq!((stops.stops(), stops.data_of(), stops.is_grave()), (vec!["slave1"], vec![], true));
        assert_eq!(stops.changes[0].why(), "STOPS slave1 AND STARTS IT AGAIN, for instance_type");
        let tags = update(slave, json!({"tags": {"a": "b"}}), json!({"tags": {}}));
        assert_eq!((tags.stops(), tags.is_grave()), (vec![], false));
        let haproxy = update("aws_instance.haproxy", typed("a", "haproxy"), typed("b", "haproxy"));
        assert_eq!((haproxy.stops(), haproxy.changes[0].cuts_off), (vec![], true));
        let strange = update(slave, json!({"of_tomorrow": 1}), json!({"of_tomorrow": 2}));
        assert_eq!(strange.changes[0].why(), "MAY STOP slave1: what changing of_tomorrow does is not known");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let made = plan(json!([resource("aws_vpc.this", &["create"], json!({}))]));
        assert!(whole(&made).is_ok());
        let with = |name: &str, value: Value| {
            let mut plan = made.clone();
            plan[name] = value;
            plan
        };
        for (name, value, complaint) in [
            ("format_version", json!("2.0"), "its format is 2.0"),
            ("errored", json!(true), "cannot be applied"),
            ("applyable", json!(false), "cannot be applied"),
            ("complete", json!(false), "is not complete"),
            ("deferred_changes", json!([{"reason": "absent_prereq"}]), "`deferred_changes`"),
            ("action_invocations", json!([{"address": "action.aws_ec2_stop_instance.x"}]), "`action_invocations`"),
            ("of_tomorrow", json!({"x": 1}), "`of_tomorrow`"),
            (
                "checks",
                json!([{"address": {"kind": "resource", "to_display": "aws_vpc.this"}, "status": "fail"}]),
                "does not hold",
            ),
            ("output_changes", json!({"x": {"actions": ["melt"]}}), "output x"),
            (
                "resource_changes",
                json!([resource("aws_vpc.this", &["melt"], json!({}))]),
                "aws_vpc.this is not known: melt",
            ),
            ("resource_changes", json!([resource("aws_vpc.this", &["create", "forget"], json!({}))]), "create, forget"),
            ("resource_changes", json!([resource("aws_vpc.this", &[], json!({}))]), "aws_vpc.this is not known"),
            ("resource_changes", json!([]), "none is shown"),
            ("resource_changes", json!("none"), "not shown as a plan"),
        ] {
            let why = whole(&with(name, value)).unwrap_err();
            assert!(why.contains(complaint), "{name}: {why}");
        }
        assert!(read(&with("complete", json!(false)).to_string(), Scope::Targeted).is_ok());
        assert!(whole(&with("deferred_changes", json!([]))).is_ok());
        for text in ["", "{}", "[]", "Plan: 1 to add", r#"{"format_version": "1.2"}"#] {
            assert!(read(text, Scope::Whole).is_err(), "{text}");
        }
    }

    #[test]
    fn outputs_moves_and_checks_alone_are_a_plan() {
        let mut outputs = plan(json!([]));
        outputs["output_changes"] = json!({"x": {"actions": ["create"]}, "y": {"actions": ["no-op"]}});
        outputs["checks"] = json!([{"address": {"kind": "check", "to_display": "check.image"}, "status": "fail",
            "instances": [{"status": "fail", "problems": [{"message": "Not every slave runs it."}]}]}]);
        let summary = whole(&outputs).unwrap();
        assert_eq!((summary.outputs, summary.to_string().as_str()), (1, "only outputs change"));
        assert_eq!(summary.warnings, ["Not every slave runs it."]);
        let mut moved = resource("aws_vpc.this", &["no-op"], json!({}));
        moved["previous_address"] = json!("aws_vpc.that");
        assert_eq!(whole(&plan(json!([moved]))).unwrap().to_string(), "only the state is written anew");
    }
}
