//! A plan that would give an existing secret another password is refused, whatever caused it.

use std::fs;

use crate::support::Test;
use crate::support::herd::Herd;
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

/// A run whose network plans these changes.
fn planned(changes: &Value) -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.shown("terraform_network", changes.clone());
    test
}

fn change(kind: &str, name: &str, actions: &[&str], after: Value) -> Value {
    json!({ "address": format!("{kind}.password[\"{name}\"]"), "mode": "managed", "type": kind, "index": name,
            "change": { "actions": actions, "before": null, "after": after } })
}

#[track_caller]
fn refused(test: &Test, why: &str) {
    test.run(RUN).exits(1).err(why).err("Nothing was changed");
    assert!(test.calls_of("apply").is_empty(), "{:#?}", test.calls());
}

#[test]
fn no_plan_makes_a_new_version_current() {
    let version = |after: Value| change("aws_secretsmanager_secret_version", "herd/rewind", &["create"], after);
    let says = "this plan would overwrite existing passwords (1, such as aws_secretsmanager_secret";
    refused(&planned(&json!([version(json!({}))])), says);
    refused(&planned(&json!([version(json!({ "version_stages": ["AWSCURRENT"] }))])), says);
    let secret = |actions: &[&str]| {
        change("aws_secretsmanager_secret", "herd/rewind", actions, json!({ "name": "herd/rewind" }))
    };
    refused(&planned(&json!([secret(&["delete", "create"])])), says);
    // What cannot be read is not applied.
    let test = planned(&json!([]));
    fs::write(test.state("shown-terraform_network"), "torn").unwrap();
    test.run(RUN).exits(1);
    assert!(test.calls_of("apply").is_empty(), "{:#?}", test.calls());
    // The first version of a new secret, and one that nothing reads.
    for fine in [
        json!([version(json!({})), secret(&["create"])]),
        json!([version(json!({ "version_stages": ["pgherd-initial"] }))]),
    ] {
        planned(&fine).run(RUN).exits(0);
    }
}

/// The machines were created with a password that is lost.
#[test]
fn a_secret_that_is_gone_is_not_made_anew_beside_machines_that_use_it() {
    let secret =
        change("aws_secretsmanager_secret", "herd/replication", &["create"], json!({ "name": "herd/replication" }));
    let with_machines = |role: &str| {
        let test = planned(&json!([secret]));
        let tag = json!({ "ResourceId": "i-1", "ResourceType": "instance", "Key": "pgherd:cluster", "Value": "herd/eu-west-1" });
        fs::write(test.state("describe-tags"), json!({ "Tags": [tag] }).to_string()).unwrap();
        let machine = json!({ "InstanceId": "i-1", "ImageId": "ami-1", "Tags": [{ "Key": "pgherd:machine", "Value": role },
                { "Key": "pgherd:databases", "Value": "master slave1 slave2" }, { "Key": "pgherd:etcd", "Value": "master slave1 slave2" }] });
        fs::write(
            test.state("describe-instances"),
            json!({ "Reservations": [{ "Instances": [machine] }] }).to_string(),
        )
        .unwrap();
        test
    };
    let done = with_machines("slave2");
    refused(&done, "the secret herd/replication is gone, but slave2 was created with its password");
    done.run(RUN).exits(1).err("aws secretsmanager restore-secret --region eu-west-1 --secret-id herd/replication");
    with_machines("haproxy").run(RUN).exits(0);
    // It is unknown whether there are machines.
    let asks = "cannot ask AWS whether any machine was created with herd/replication";
    for answer in ["echo AccessDenied >&2; exit 254", "echo torn; exit 0"] {
        let test = with_machines("slave2");
        test.hook("aws", &format!("case \"$1 $2\" in \"ec2 describe-instances\") {answer} ;; esac"));
        refused(&test, asks);
    }
    planned(&json!([secret])).run(RUN).exits(0);
}
