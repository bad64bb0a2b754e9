//! Reads what `terraform show -json PLAN` prints
//! (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>). What is not understood is refused: a plan
//! may destroy by it.

use serde_json::Value;

use super::format::{CheckResult, PlanJson, ResourceChange};
use super::{Change, PlanAction, PlanSummary, TAINTED, differences, disruption};

/// What a plan covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole module.
    Whole,
    /// Some addresses of it, by `-target`. Such a plan says itself that it is not complete.
    Targeted,
}

/// The major version of the format that this reads. Minor ones add to it
/// (<https://developer.hashicorp.com/terraform/internals/json-format#format-version>).
const MAJOR: &str = "1";

/// Types whose destruction loses what PostgreSQL wrote.
const WITH_DATA: [&str; 3] = ["aws_instance", "aws_ebs_volume", "aws_volume_attachment"];
/// Types through which clients reach HAProxy's machine.
const WAY_IN: [&str; 3] = ["aws_instance", "aws_eip", "aws_eip_association"];
/// The type whose name clients connect to. AWS gives each another one.
const NAMED_BY_AWS: &str = "aws_lb";

/// Parts of a plan that do not say what it does, or repeat it.
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

/// Reads a plan that has changes.
///
/// # Errors
///
/// If any part is not understood: another format, an unknown action, a plan that is not complete or changes nothing, or an unknown part
/// that is not empty.
pub fn read(json: &str, scope: Scope) -> Result<PlanSummary, String> {
    let plan = PlanJson::parse(json)?;
    if plan.format_version.split('.').next() != Some(MAJOR) {
        return Err(format!("its format is {}; only {MAJOR}.x is supported", plan.format_version));
    }
    if plan.errored || !plan.applyable {
        return Err("it cannot be applied because planning ended with an error".into());
    }
    if !plan.complete && scope == Scope::Whole {
        return Err("it is incomplete, because some changes are deferred to a later plan".into());
    }
    let strange = |(name, value): &(&String, &Value)| !OTHER_PARTS.contains(&name.as_str()) && holds_something(value);
    if let Some((name, _)) = plan.others.iter().find(strange) {
        return Err(format!("it contains `{name}`, which pgherd does not know"));
    }
    let (mut summary, mut touched) = (PlanSummary::default(), false);
    for resource in &plan.resource_changes {
        let change = change(resource)?;
        summary.differences.extend(change.iter().flat_map(|change| differences::of(change.doing, resource)));
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
        // `plan -detailed-exitcode` reported changes.
        return Err("it claims to have changes, but lists none".into());
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

/// Returns the action that the words mean; `Some(None)` for what is only read or stays, `None` for unknown words.
fn doing(actions: &[String]) -> Option<Option<PlanAction>> {
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    Some(match actions[..] {
        ["no-op"] | ["read"] => None,
        ["create"] => Some(PlanAction::Create),
        ["update"] => Some(PlanAction::Update),
        ["delete"] => Some(PlanAction::Destroy),
        ["delete", "create"] | ["create", "delete"] => Some(PlanAction::Replace),
        ["forget"] => Some(PlanAction::Forget),
        _ => return None,
    })
}

fn strange_actions(what: &str, actions: &[String]) -> String {
    format!("pgherd does not know its action on {what}: {}", actions.join(", "))
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
    let Some(doing) = doing.or(imported.then_some(PlanAction::Import)) else { return Ok(None) };
    let machine = Affected::of(resource);
    let stopped_by = match doing {
        PlanAction::Update => disruption::stopped_by(kind, &raw.before, &raw.after, &raw.after_unknown),
        // All that it does is to start and stop machines.
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
        renames: ends && kind == NAMED_BY_AWS,
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
            "no longer in its for_each or count"
        }
        "delete_because_no_move_target" => "moved to an address that does not exist",
        _ => "",
    }
}

/// Returns the messages of checks that fail.
///
/// # Errors
/// If one fails that should have stopped Terraform itself.
fn warnings(checks: &[CheckResult]) -> Result<Vec<String>, String> {
    let mut warnings = vec![];
    for check in checks.iter().filter(|check| matches!(check.status.as_str(), "fail" | "error")) {
        if check.address.kind != "check" {
            return Err(format!("the condition of {} failed", check.address.to_display));
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

/// The role of the machines that hold no data. A machine of any other role, or of an unknown one, counts as one with data.
pub const BALANCER: &str = "haproxy";

/// The machine that a resource is or belongs to.
struct Affected {
    name: String,
    is_haproxy: bool,
}

impl Affected {
    fn of(resource: &ResourceChange) -> Self {
        let tags = [&resource.change.before, &resource.change.after].map(|value| value.get("tags").cloned());
        let tag = |name: &str| {
            let of = |tags: &Option<Value>| Some(tags.as_ref()?.get(name)?.as_str()?.to_string());
            tags.iter().find_map(of)
        };
        let is_haproxy = match tag("pgherd:role") {
            Some(role) => role == BALANCER,
            None => resource.address.split('.').nth(1).is_some_and(|name| name.starts_with(BALANCER)),
        };
        let name = tag("pgherd:machine").or(tag("Name")).or_else(|| key(&resource.address).map(String::from));
        Affected { name: name.unwrap_or_else(|| resource.address.clone()), is_haproxy }
    }
}

/// `slave1` of `aws_volume_attachment.slave["slave1"]`, which bears no tags.
pub(super) fn key(address: &str) -> Option<&str> {
    let (_, key) = address.split_once("[\"")?;
    key.strip_suffix("\"]")
}
