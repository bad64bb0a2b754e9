//! Changes of a blueprint that have not reached the running databases are reported.

use std::fs;

use crate::support::Test;
use crate::support::herd::Herd;

const BLUEPRINT: &str = "blueprints/herd.hcl";
const RUN: &[&str] = &["run", BLUEPRINT, "--yes"];
const PLAN: &[&str] = &["run", BLUEPRINT, "--plan-only"];

/// A running cluster whose machines EC2 lists.
fn running(herd: &Herd) -> Test {
    running_as(&herd.blueprint())
}

fn running_as(blueprint: &str) -> Test {
    let test = Test::with_tools(blueprint);
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    let instance = |name: &str, ami: &str| {
        format!(
            r#"{{"InstanceId": "i-{name}", "ImageId": "{ami}", "Tags": [{{"Key": "pgherd:machine", "Value": "{name}"}}]}}"#
        )
    };
    let mut all = vec![
        instance("master", "ami-0master"),
        instance("slave1", "ami-0slave"),
        instance("slave2", "ami-0old"),
        instance("haproxy", "ami-0old"),
    ];
    if blueprint.contains("count      = 2") {
        all.push(instance("haproxy2", "ami-0old"));
    }
    fs::write(
        test.state("describe-instances"),
        format!(r#"{{"Reservations": [{{"Instances": [{}]}}]}}"#, all.join(", ")),
    )
    .unwrap();
    // The cluster's images with their real names.
    let manifest: serde_json::Value = serde_json::from_str(&test.read("generated/herd/pgherd.json")).unwrap();
    let images = manifest["images"].as_object().unwrap().iter().map(|(role, image)| {
        let name = image["name"].as_str().unwrap();
        format!(r#"{{"ImageId": "ami-0{role}", "Name": "{name}", "State": "available", "Tags": [{{"Key": "pgherd:role", "Value": "{role}"}}, {{"Key": "pgherd:content", "Value": "x"}}]}}"#)
    });
    let old = r#"{"ImageId": "ami-0old", "Name": "herd-slave-old", "State": "available",
        "Tags": [{"Key": "pgherd:files-1", "Value": "db_config/bootstrap.sql=00000000"}]}"#;
    let images: Vec<String> = images.chain([old.to_string()]).collect();
    fs::write(test.state("all-images"), format!(r#"{{"Images": [{}]}}"#, images.join(", "))).unwrap();
    test.hook("aws", r#"case "$*" in "ec2 describe-images"*) cat "$STATE/all-images"; exit ;; esac"#);
    test
}

#[test]
fn databases_that_run_from_another_image_are_named() {
    let test = running(&Herd::healthy());
    for (args, code) in [(RUN, 0), (PLAN, 0)] {
        let done = test.run(args).exits(code);
        let done = done
            .err("slave2 runs from another image than the blueprint's (it differs in ")
            .err("db_config/bootstrap.sql, ");
        let done = done
            .err("does not apply changed settings, users or databases to a running cluster")
            .err("`sudo herdctl edit-config`");
        done.err("Replace one machine at a time");
    }
    let new = test
        .read("blueprints/herd.hcl")
        .replace("  haproxy {", "  postgres {\n    settings = { max_connections = 300 }\n  }\n  haproxy {");
    test.write("blueprints/herd.hcl", &new);
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0).err("master, slave1, slave2 run from another image than the blueprint's");
}

#[test]
fn settings_that_run_otherwise_are_listed_before_anything_is_done_and_at_the_end() {
    let herd = Herd::healthy();
    let test = running(&herd);
    *herd.config.lock().unwrap() =
        Some(r#"{"ttl": 20, "postgresql": {"parameters": {"max_connections": 100}}}"#.into());
    let fewer = "max_connections: the live value is 100, the generated value is 200";
    test.run(RUN)
        .exits(3)
        .err(fewer)
        .err("Raise the live value first")
        .err("live settings differ")
        .out("write  127.0.0.1:");
    test.run(PLAN).exits(3).err(fewer).out("No changes.");
    let done = test.run(&["status", BLUEPRINT]).exits(0).out(fewer).out("herdctl edit-config").out("healthy");
    assert!(!done.stdout.contains("ttl:"), "{}", done.stdout);
    fs::remove_file(test.state("made-terraform_haproxy")).unwrap();
    let done = test.at_terminal(&["run", BLUEPRINT], "no\n").exits(1);
    let (said, asked) = (done.stdout.find(fewer).unwrap(), done.stdout.find("Apply these changes?").unwrap());
    assert!(said < asked, "{}", done.stdout);
}

/// What the databases run with is known through the other one.
#[test]
fn a_haproxy_that_is_down_is_named_and_hides_no_drift() {
    let herd = Herd::healthy();
    let second = herd.second();
    let test = running_as(&herd.blueprint_of_two());
    herd.dies();
    let done = test.run(PLAN).exits(0).out("No changes.").err("haproxy does not respond at 127.0.0.1:");
    done.err("The databases were compared through another HAProxy");
    *second.config.lock().unwrap() = Some(r#"{"postgresql": {"parameters": {"max_connections": 100}}}"#.into());
    test.run(PLAN).exits(3).err("max_connections: the live value is 100");
    second.dies();
    test.run(PLAN).exits(5).err("the databases were not checked: haproxy does not respond at ");
}

#[test]
fn another_clusters_settings_are_not_compared() {
    let herd = Herd::healthy();
    let test = running(&herd);
    *herd.config.lock().unwrap() = Some(r#"{"ttl": 99}"#.into());
    let other = herd.view.lock().unwrap().cluster.replace(r#""scope": "herd""#, r#""scope": "other""#);
    herd.view.lock().unwrap().cluster = other;
    let done = test.run(PLAN).exits(5).err("belongs to the cluster other").err("network.cidr");
    assert!(!done.stderr.contains("ttl:"), "{}", done.stderr);
}

/// Terraform has nothing to do there. What the databases run with is not known, and that is no "no changes".
#[test]
fn a_plan_that_could_not_see_the_databases_does_not_say_that_nothing_changes() {
    let herd = Herd::healthy();
    let test = running(&herd);
    test.run(PLAN).exits(0).out("No changes.");
    herd.view.lock().unwrap().cluster = "an error page".into();
    let done = test.run(PLAN).exits(5).err("no change is planned, but the databases were not checked: ");
    let done = done.err("the live settings cannot be compared with the blueprint: unexpected response from Patroni");
    assert!(!done.stdout.contains("No changes."), "{}", done.stdout);
}
