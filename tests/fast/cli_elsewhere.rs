//! `pgherd run` in a folder without earlier runs: a fresh checkout, or another machine. What a killed run elsewhere left is found by
//! its tags.

use std::fs;
use std::process::Command;

use crate::support;
use crate::support::herd::Herd;
use crate::support::{Test, world};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const PRIVATE: &str = "generated/herd/.pgherd";
const NETWORK: &str = "generated/herd/network/terraform_network";

fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test
}

/// Removes what a fresh checkout does not have.
fn forget(test: &Test) {
    fs::remove_dir_all(test.path(PRIVATE)).unwrap();
    for (name, _) in support::tree(&test.path("generated/herd")) {
        if name.ends_with("terraform.tfstate") {
            fs::remove_file(test.path("generated/herd").join(name)).unwrap();
        }
    }
}

/// Returns the calls since then.
fn since(test: &Test, calls: usize) -> Vec<String> {
    test.calls().split_off(calls)
}

#[test]
fn what_was_made_elsewhere_is_taken_up_and_not_made_again() {
    let test = ready();
    world::put_into(&test);
    test.run(RUN).exits(0);
    let made = world::things(&test);
    assert_eq!(made.len(), 7, "{made:#?}");
    forget(&test);
    // Left by a packer that was killed hours ago when its image was complete: the machine is gone, or never existed.
    for (name, time) in [("packer_60000000-1-master", ""), ("vol-060000000-1-slave", "2021-01-14T08:25:36Z")] {
        fs::write(test.state("ec2").join(name), time).unwrap();
    }
    let done = test.run(RUN).exits(0);
    let done = done.err("image-master removed the key pair packer_60000000-1-master of a killed build");
    let done = done.err("image-slave removed the volume vol-060000000-1-slave of a killed build");
    done.err("network adopting what a killed run created: 1 aws_vpc").err("network done").err("1 imported, 0 added");
    assert_eq!(world::things(&test), made, "nothing is made twice, nothing is left");
}

#[test]
fn looking_costs_one_question_where_nothing_is_known_and_none_where_it_is() {
    let test = ready();
    world::put_into(&test);
    test.run(RUN).exits(0);
    let calls = test.calls().len();
    test.run(RUN).exits(0).err("network unchanged");
    let known: Vec<String> = since(&test, calls).into_iter().filter(|call| call.starts_with("aws ")).collect();
    let calls = test.calls().len();
    fs::remove_dir_all(test.path(PRIVATE)).unwrap();
    test.run(RUN).exits(0).err("network unchanged");
    let unknown: Vec<String> = since(&test, calls).into_iter().filter(|call| call.starts_with("aws ")).collect();
    let more: Vec<&String> = unknown.iter().filter(|call| !known.contains(call)).collect();
    assert_eq!((unknown.len(), more.len()), (known.len() + 1, 1), "{unknown:#?}");
    assert!(more[0].contains("describe-tags"), "{more:?}");
}

/// A role with the cluster's tag that is in no state and was created some time ago. The network's plan is to create it.
fn with_role(test: &Test, seconds: u32, tagged: bool) {
    let tags = r#""Tags": [{"Key": "pgherd:cluster", "Value": "herd/eu-west-1"}]"#;
    let date = format!("-{seconds} seconds");
    let made = Command::new("/bin/date").args(["-u", "-d", &date, "+%FT%TZ"]).output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let role = format!(
        r#"[{{"id": "herd-db", "made": "{}", "is": {{"name": "herd-db", {}}}}}]"#,
        made.trim(),
        tags.replace("Tags", "tags_all")
    );
    fs::write(test.state("role"), role).unwrap();
    test.hook("aws", r#"case "$*" in "iam get-role "*) cat "$STATE/role"; exit ;; esac"#);
    let after = serde_json::json!({"name": "herd-db", "tags_all": {"pgherd:cluster": "herd/eu-west-1"}});
    test.shown(
        "terraform_network",
        serde_json::json!([{"address": "aws_iam_role.db", "mode": "managed", "type": "aws_iam_role",
        "change": {"actions": ["create"], "after": after}}]),
    );
    if tagged {
        let vpc = r#""ResourceId": "vpc-1", "ResourceType": "vpc", "Key": "pgherd:cluster", "Value": "herd/eu-west-1""#;
        fs::write(test.state("describe-tags"), format!(r#"{{"Tags": [{{{vpc}}}]}}"#)).unwrap();
    }
}

/// With a local state, a run cannot see who else is running.
#[test]
fn what_is_young_may_be_at_work_for_someone_and_is_waited_for() {
    let test = ready();
    with_role(&test, 168, true);
    let done = test.run(RUN).exits(0);
    let done = done.err(
        "network waiting: 1 aws_iam_role was created from another folder; waiting until no new resource has appeared for 180 s",
    );
    done.err("adopting what a killed run created: 1 aws_iam_role");
    assert!(test.calls_of("iam get-role").len() >= 2, "looked at once more: {:#?}", test.calls());

    let test = ready();
    with_role(&test, 600, true);
    let done = test.run(RUN).exits(0).err("adopting what a killed run created: 1 aws_iam_role");
    assert!(!done.stderr.contains("waiting: 1 aws_iam_role"), "{}", done.stderr);
}

/// A shared state has a lock, which any other run holds, so nothing else has to be waited for.
#[test]
fn a_shared_state_needs_no_waiting() {
    let blueprint = Herd::healthy().blueprint();
    let s3 = blueprint.replacen(
        "region = \"eu-west-1\"\n",
        "region = \"eu-west-1\"\n  state {\n    s3 {\n      bucket = \"states\"\n    }\n  }\n",
        1,
    );
    assert_ne!(s3, blueprint);
    let test = Test::with_tools(&s3);
    test.run(&["gen"]).exits(0);
    with_role(&test, 1, true);
    let done = test.run(RUN).exits(0).err("adopting what a killed run created: 1 aws_iam_role");
    assert!(!done.stderr.contains("not from this folder"), "{}", done.stderr);
}

#[test]
fn nothing_is_asked_where_nothing_bears_the_tag() {
    let test = ready();
    with_role(&test, 600, false);
    test.run(RUN).exits(0);
    assert_eq!(test.calls_of("describe-tags").len(), 1, "once for all");
    assert_eq!(test.calls_of("iam get-role"), [""; 0]);
}

/// EC2's list of tags does not include roles, so a role may be the only thing that a killed run created.
#[test]
fn what_collides_is_looked_for_and_the_run_goes_on() {
    let test = ready();
    with_role(&test, 600, false);
    let error = "creating IAM Role (herd-db): EntityAlreadyExists: Role with name herd-db already exists.";
    let error = Test::terraform_error(error, "", None);
    let collide = |also: &str| format!(r#"case "$*" in *network*apply*) {also} {{ {error}; exit 1; }} ;; esac"#);
    test.hook("terraform", &collide(r#"[ -f network/terraform_network/pgherd_import.tf ] ||"#));
    test.run(RUN).exits(0).err("network adopting what a killed run created: 1 aws_iam_role");
    assert!(!test.path(NETWORK).join("pgherd_import.tf").exists());

    // Another owner's role of that name remains a conflict, and is reported as such.
    let test = ready();
    with_role(&test, 600, false);
    fs::write(test.state("role"), r#"[{"id": "herd-db", "is": {"name": "herd-db", "tags_all": null}}]"#).unwrap();
    test.hook("terraform", &collide(""));
    test.run(RUN).exits(1).err("Role with name herd-db already exists.");
    assert_eq!(test.calls_of("network").iter().filter(|call| call.contains(" apply ")).count(), 2, "tried once more");
}
