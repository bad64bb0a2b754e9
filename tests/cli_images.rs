//! `pgherd images`, end to end with a fake AWS CLI.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use std::fs;

use support::Test;
use support::herd::Herd;

const BLUEPRINT: &str = "blueprints/herd.hcl";

/// A master image in use, two old ones, and a slave's.
fn with_images() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.hook("aws", r#"case "$*" in "ec2 describe-images"*) cat "$STATE/images"; exit ;; esac"#);
    let image = |id: &str, role: &str, made: &str| {
        format!(
            r#"{{"ImageId": "{id}", "Name": "herd-{role}-{id}", "State": "available", "CreationDate": "{made}",
            "Tags": [{{"Key": "pgherd:role", "Value": "{role}"}}, {{"Key": "pgherd:content", "Value": "hash{id}"}}],
            "BlockDeviceMappings": [{{"Ebs": {{"SnapshotId": "snap-of-{id}"}}}}]}}"#
        )
    };
    let images = [
        image("ami-3", "master", "2020-03-01T00:00:00.000Z"),
        image("ami-1", "master", "2020-01-01T00:00:00.000Z"),
        image("ami-2", "master", "2020-02-01T00:00:00.000Z"),
        image("ami-4", "slave", "2020-01-01T00:00:00.000Z"),
    ];
    fs::write(test.state("images"), format!(r#"{{"Images": [{}]}}"#, images.join(", "))).unwrap();
    let tags = r#""Tags": [{"Key": "pgherd:machine", "Value": "master"}]"#;
    let instances =
        format!(r#"{{"Reservations": [{{"Instances": [{{"InstanceId": "i-1", "ImageId": "ami-1", {tags}}}]}}]}}"#);
    fs::write(test.state("describe-instances"), instances).unwrap();
    test
}

#[test]
fn images_are_listed_with_age_hash_and_use() {
    let test = with_images();
    let done = test.run(&["images", BLUEPRINT]).exits(0).out("role hash age image state use");
    let lines: Vec<&str> = done.stdout.lines().filter(|line| line.starts_with("master")).collect();
    assert!(
        lines[0].contains("ami-3") && lines[1].contains("ami-2") && lines[2].contains("ami-1"),
        "newest first: {lines:#?}"
    );
    assert!(lines[2].contains("hashami-1") && lines[2].contains(" d ") && lines[2].ends_with("master"), "{lines:#?}");
    assert!(lines[0].ends_with("-"), "{lines:#?}");
    assert_eq!(test.calls_of("deregister"), Vec::<String>::new());
}

#[test]
fn pruning_leaves_what_is_new_or_used() {
    let test = with_images();
    test.run(&["images", "prune", BLUEPRINT, "--keep", "1"]).exits(2).err("--yes");
    test.hook(
        "aws",
        r#"case "$*" in "ec2 describe-images"*) cat "$STATE/images"; exit ;; "ec2 deregister-image"*) exit ;; esac"#,
    );
    let done = test.run(&["images", "prune", BLUEPRINT, "--keep", "1", "--yes"]).exits(0);
    done.out("ami-2").out("1 images removed");
    let removed = test.calls_of("deregister-image");
    assert!(removed.len() == 1 && removed[0].contains("--image-id ami-2"), "{removed:#?}");
    assert_eq!(test.calls_of("delete-snapshot --snapshot-id snap-of-ami-2").len(), 1);
    test.run(&["images", "prune", BLUEPRINT, "--keep", "2", "--yes"]).exits(0).out("no image is superfluous");
}

#[test]
fn no_answer_is_a_failure_and_nothing_goes() {
    let test = with_images();
    test.hook("aws", r#"case "$*" in *describe-instances*) echo "throttled" >&2; exit 254 ;; "ec2 describe-images"*) cat "$STATE/images"; exit ;; esac"#);
    test.run(&["images", "prune", BLUEPRINT, "--keep", "0", "--yes"]).exits(1).err("cannot ask AWS for the machines");
    assert_eq!(test.calls_of("deregister"), Vec::<String>::new());
    test.run(&["images"]).exits(2);
}
