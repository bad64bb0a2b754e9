//! What is read from plans, and what is refused.

use super::{PlanAction, PlanSummary, Scope, read};
use serde_json::{Value, json};

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
    assert_eq!((changes[0].doing, changes[0].data_of.as_deref()), (PlanAction::Replace, Some("slave1")));
    assert_eq!((changes[1].doing, changes[1].data_of.as_deref()), (PlanAction::Replace, None));
    assert_eq!(changes[1].why(), "forced by ami; clients are disconnected until its machine is back");
    assert_eq!((changes[2].doing, changes[2].data_of.as_deref()), (PlanAction::Create, None));
    assert_eq!((changes[3].doing, changes.len()), (PlanAction::Import, 4));
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
    let typed =
        |kind: &str, role: &str| json!({"instance_type": kind, "tags": {"pgherd:machine": role, "pgherd:role": role}});
    let stops = update(slave, typed("a", "slave1"), typed("b", "slave1"));
    assert_eq!((stops.stops(), stops.data_of(), stops.is_grave()), (vec!["slave1"], vec![], true));
    assert_eq!(stops.changes[0].why(), "STOPS AND STARTS slave1 to change instance_type");
    let tags = update(slave, json!({"tags": {"a": "b"}}), json!({"tags": {}}));
    assert_eq!((tags.stops(), tags.is_grave()), (vec![], false));
    let haproxy = update("aws_instance.haproxy", typed("a", "haproxy"), typed("b", "haproxy"));
    assert_eq!((haproxy.stops(), haproxy.changes[0].cuts_off), (vec![], true));
    let strange = update(slave, json!({"of_tomorrow": 1}), json!({"of_tomorrow": 2}));
    assert_eq!(strange.changes[0].why(), "MAY STOP slave1: the effect of changing of_tomorrow is not known");
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
        ("complete", json!(false), "is incomplete"),
        ("deferred_changes", json!([{"reason": "absent_prereq"}]), "`deferred_changes`"),
        ("action_invocations", json!([{"address": "action.aws_ec2_stop_instance.x"}]), "`action_invocations`"),
        ("of_tomorrow", json!({"x": 1}), "`of_tomorrow`"),
        (
            "checks",
            json!([{"address": {"kind": "resource", "to_display": "aws_vpc.this"}, "status": "fail"}]),
            "the condition of aws_vpc.this failed",
        ),
        ("output_changes", json!({"x": {"actions": ["melt"]}}), "output x"),
        (
            "resource_changes",
            json!([resource("aws_vpc.this", &["melt"], json!({}))]),
            "does not know its action on aws_vpc.this: melt",
        ),
        ("resource_changes", json!([resource("aws_vpc.this", &["create", "forget"], json!({}))]), "create, forget"),
        (
            "resource_changes",
            json!([resource("aws_vpc.this", &[], json!({}))]),
            "does not know its action on aws_vpc.this",
        ),
        ("resource_changes", json!([]), "lists none"),
        ("resource_changes", json!("none"), "not a plan in JSON"),
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
    assert_eq!(whole(&plan(json!([moved]))).unwrap().to_string(), "only the state is rewritten");
}

#[test]
fn a_load_balancer_that_is_replaced_loses_its_name() {
    let of = |kind: &str, actions: &[&str]| {
        let change = json!({"actions": actions, "before": {}, "after": {}});
        let resource = json!({"address": format!("{kind}.haproxy"), "mode": "managed", "type": kind, "change": change});
        let plan = json!({"format_version": "1.2", "resource_changes": [resource]}).to_string();
        let plan = read(&plan, Scope::Whole).expect("a plan");
        assert!(plan.is_grave() || !plan.destroys());
        plan.changes[0].renames
    };
    for actions in [&["delete", "create"][..], &["create", "delete"], &["delete"], &["forget"]] {
        assert!(of("aws_lb", actions), "{actions:?}");
    }
    assert!(!of("aws_lb", &["update"]) && !of("aws_lb_target_group", &["delete"]));
}
