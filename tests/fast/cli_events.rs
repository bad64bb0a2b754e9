//! `pgherd run --format json`: every line of standard output is an event that the schema knows.

use std::fs;
use std::process::Command;

use crate::support::herd::Herd;
use crate::support::{Done, Test, await_file};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes", "--format", "json"];

/// The schema that pgherd prints.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn printed() -> Self {
        let printed = Test::new().run(&["schema", "--events"]).exits(0).stdout;
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("events.json", serde_json::from_str(&printed).expect("JSON")).unwrap();
        let index = compiler.compile("events.json", &mut schemas).expect("a schema");
        Schema { schemas, index }
    }

    fn takes(&self, event: &Value) -> bool {
        self.schemas.validate(event, self.index).is_ok()
    }

    /// Returns the events on standard output in order, after checking each against the schema.
    #[track_caller]
    fn events(&self, done: &Done) -> Vec<Value> {
        let read = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")) };
        let events: Vec<Value> = done.stdout.lines().map(read).collect();
        for event in &events {
            assert!(self.takes(event), "{event:#} is not of the schema");
        }
        assert_eq!(names(&events).last(), Some(&"run-ended"), "{}", done.stdout);
        events
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// Returns the events with a name, and with a stage if one is given.
fn of<'a>(events: &'a [Value], name: &str, stage: &str) -> Vec<&'a Value> {
    let meant = |event: &&Value| event["event"] == name && (stage.is_empty() || event["stage"] == stage);
    events.iter().filter(meant).collect()
}

/// Returns the events of the work: all after the review, and earlier ones of stages that started during it.
fn at_work(events: &[Value]) -> Vec<Value> {
    let (mut begun, mut early) = (false, vec![]);
    let work = |event: &&Value| {
        begun |= event["event"] == "phase-begun" && event["phase"] == "work";
        if event["early"] == true {
            early.push(event["stage"].clone());
        }
        begun || early.contains(&event["stage"])
    };
    events.iter().filter(work).cloned().collect()
}

fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test
}

#[test]
fn the_schema_refuses_what_no_event_is() {
    let schema = Schema::printed();
    let good = json!({ "at": "2026-11-24T13:30:00.000Z", "event": "stage-begun", "stage": "network" });
    assert!(schema.takes(&good));
    for (name, value) in
        [("event", json!("stage-began")), ("stage", json!(1)), ("stage", Value::Null), ("more", json!("x"))]
    {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(!schema.takes(&bad), "{bad}");
    }
    assert!(!schema.takes(&json!({ "event": "stage-begun", "stage": "network" })));
}

#[test]
fn a_run_that_succeeds() {
    let (schema, test) = (Schema::printed(), ready());
    let done = test.run(RUN).exits(0).err("1 primary, 2 streaming").err("write  127.0.0.1:");
    let events = schema.events(&done);
    let begun = &events[0];
    assert_eq!(
        (&begun["event"], &begun["cluster"], &begun["target"]),
        (&json!("run-begun"), &json!("herd"), &json!("aws"))
    );
    assert_eq!(begun["versions"]["terraform"], "1.11.4");
    assert_eq!(begun["stages"][4], json!({ "stage": "master", "needs": ["network", "image-master"] }));
    let image = of(&events, "image", "image-slave")[0];
    assert!(image["name"].as_str().unwrap().starts_with("herd-slave-") && image["rebuilt"].is_string(), "{image}");
    let plan = &of(&events, "planned", "network")[0]["plan"];
    assert_eq!((&plan["created"], &plan["replaced"], &plan["destroyed"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(plan["changes"][0], json!({ "address": "aws_thing.terraform_network", "action": "create" }));
    let work = at_work(&events);
    for stage in ["network", "image-slave", "master", "slaves", "haproxy", "verify"] {
        assert_eq!(of(&work, "stage-begun", stage).len(), 1);
        let ended = of(&work, "stage-ended", stage);
        assert_eq!((ended.len(), &ended[0]["outcome"]["kind"]), (1, &json!("done")), "{ended:?}");
    }
    assert_eq!(events.last().unwrap()["exit_code"], 0);
    assert_eq!(of(&events, "output", ""), Vec::<&Value>::new());

    let again = schema.events(&test.run(RUN).exits(0));
    assert_eq!(of(&again, "planned", "network")[0]["plan"], Value::Null);
    assert_eq!(of(&again, "image", "image-slave")[0]["ami"], "ami-0slave");
    let verbose = schema.events(&test.run(&[RUN, &["--verbose"]].concat()).exits(0));
    assert!(of(&verbose, "output", "network").iter().any(|line| line["text"] == "No changes."), "{verbose:#?}");
}

#[test]
fn a_run_that_fails() {
    let (schema, test) = (Schema::printed(), ready());
    test.hook("packer", r#"case "$*" in *slave_temp*) echo "apt: no space left"; exit 9 ;; esac"#);
    let events = schema.events(&test.run(RUN).exits(1));
    let events = &at_work(&events);
    let outcome = &of(events, "stage-ended", "image-slave")[0]["outcome"];
    assert_eq!(outcome["kind"], "failed");
    assert_eq!(outcome["detail"]["message"], json!(["apt: no space left"]));
    assert!(outcome["detail"]["log"].as_str().unwrap().ends_with("-image-slave.log"), "{outcome}");
    assert_eq!(
        of(events, "stage-ended", "slaves")[0]["outcome"],
        json!({ "kind": "blocked", "detail": "image-slave" })
    );
    assert_eq!((&events.last().unwrap()["exit_code"], of(events, "stage-begun", "slaves").len()), (&json!(1), 0));
}

#[test]
fn a_run_that_does_not_begin() {
    let (schema, test) = (Schema::printed(), ready());
    test.remove_program("packer");
    let events = schema.events(&test.run(RUN).exits(4));
    assert_eq!((names(&events), &events[0]["error"]), (vec!["run-ended"], &json!("missing: packer")));
    let nobody = schema.events(&test.run(&["run", "blueprints/none.hcl", "--format", "json"]).exits(2));
    assert_eq!(names(&nobody), ["run-ended"]);
}

#[test]
fn a_run_that_is_interrupted() {
    let (schema, test) = (Schema::printed(), ready());
    test.hook(
        "terraform",
        r#"case "$*" in *network*apply*) trap 'exit 1' INT; touch "$STATE/applying"; while :; do sleep 0.05; done ;; esac"#,
    );
    let child = test.spawn(RUN);
    await_file(&test.state("applying"));
    assert!(Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let done = Done::from(child.wait_with_output().unwrap())
        .exits(130)
        .err("terraform apply (network)")
        .err("shutting down; waiting.");
    let events = schema.events(&done);
    for stage in ["network", "master", "verify"] {
        assert_eq!(of(&at_work(&events), "stage-ended", stage)[0]["outcome"], json!({ "kind": "interrupted" }));
    }
    assert_eq!(events.last().unwrap()["exit_code"], 130);
}

#[test]
fn what_needs_a_confirmation_is_told_with_what_forces_it() {
    let (schema, test) = (Schema::printed(), ready());
    test.run(RUN).exits(0);
    test.hook(
        "terraform",
        r#"case "$*" in *terraform_slave*" plan "*)
            exit 2 ;; esac"#,
    );
    test.shown(
        "terraform_slave",
        json!([{ "address": "aws_instance.slave[\"slave1\"]", "mode": "managed", "type": "aws_instance",
        "change": { "actions": ["delete", "create"], "replace_paths": [["subnet_id"]],
        "before": { "tags": { "pgherd:machine": "slave1", "pgherd:role": "slave" } } } }]),
    );
    let events = schema.events(&test.run(RUN).exits(1));
    let needed = of(&events, "confirmation-needed", "slaves");
    assert_eq!(needed[0]["data_of"], json!(["slave1"]));
    let change = &of(&events, "planned", "slaves")[0]["plan"]["changes"][0];
    assert_eq!(
        *change,
        json!({ "address": "aws_instance.slave[\"slave1\"]", "action": "replace", "forced_by": ["subnet_id"], "data_of": "slave1" })
    );
    let plan = ["run", "blueprints/herd.hcl", "--plan-only", "--format", "json"];
    let events = schema.events(&test.run(&plan).exits(3));
    assert_eq!(
        (&of(&events, "reviewed", "")[0]["changes"], events.last().unwrap()["exit_code"].as_u64()),
        (&json!(true), Some(3))
    );
    assert_eq!(of(&events, "phase-begun", "")[0]["phase"], "review");
}

#[test]
fn a_teardown_tells_the_same_way() {
    let (schema, test) = (Schema::printed(), ready());
    test.run(RUN).exits(0);
    let done = test.run(&["destroy", "blueprints/herd.hcl", "--yes", "--images", "--format", "json"]).exits(0);
    let events = schema.events(&done.err("herd was destroyed."));
    assert_eq!(events[0]["verb"], "destroy");
    assert_eq!(of(&events, "stage-ended", "images").last().unwrap()["outcome"]["detail"], "3 images removed");
}

#[test]
fn quiet_is_quiet_but_for_what_went_wrong() {
    let test = ready();
    let quiet = ["run", "blueprints/herd.hcl", "--yes", "--quiet"];
    let done = test.run(&quiet).exits(0).out("write  127.0.0.1:");
    assert_eq!(done.stderr, "");
    test.hook("terraform", r#"case "$*" in *network*plan*) echo "Error: no such region"; exit 1 ;; esac"#);
    let done = test.run(&quiet).exits(1).err("Error: no such region");
    assert!(!done.stderr.contains("begun"), "{}", done.stderr);
}

#[test]
fn verbose_shows_what_the_tools_print() {
    let test = ready();
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--verbose"]).exits(0).err("image-slave    | ==> building slave");
}

#[test]
fn the_manual_names_every_event() {
    let printed = Test::new().run(&["schema", "--events"]).exits(0).stdout;
    let schema: Value = serde_json::from_str(&printed).unwrap();
    let manual = fs::read_to_string("blueprints/OPERATIONS.md").unwrap();
    let events = schema["oneOf"].as_array().expect("an event each");
    assert!(events.len() > 10, "{schema:#}");
    for event in events {
        let name = event["properties"]["event"]["const"].as_str().expect("its name");
        assert!(manual.contains(&format!("`{name}`")), "the manual does not name {name}");
    }
}
