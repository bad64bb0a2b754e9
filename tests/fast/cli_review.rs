//! What a run's review finds, and what the run does meanwhile.

use std::fs;

use crate::support::Test;
use crate::support::herd::Herd;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

/// The network is planned only once the build of an image has begun.
const NETWORK_WAITS: &str = r#"case "$*" in *terraform_network*" plan "*)
    i=0; while [ ! -f "$STATE/building" ]; do i=$((i + 1)); [ $i -lt 50 ] || { echo "Error: nothing is built"; exit 1; }; sleep 0.1; done ;; esac"#;

fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test
}

/// Records when an image is built.
fn bare() -> Test {
    let test = ready();
    test.hook("packer", r#"[ "$1" = build ] && touch "$STATE/building""#);
    test
}

#[test]
fn images_are_built_beside_the_review_of_a_bare_cluster() {
    let test = bare();
    test.hook("terraform", NETWORK_WAITS);
    let done = test.run(RUN).exits(0).err("image-master started, during the review").err("network: 1 to add");
    let seen = |verb: &str| done.stderr.contains(&format!(" {verb} built: the master has no image yet"));
    assert!(seen("is being") || seen("was"), "{}", done.stderr);
    assert_eq!(test.calls_of("packer build -").len(), 3);
    test.run(RUN).exits(0).err("image-master unchanged").err("network unchanged");
    assert_eq!(test.calls_of("packer build -").len(), 3);
}

#[test]
fn a_failing_review_lets_the_builds_end_and_fails() {
    let test = bare();
    test.hook("packer", r#"[ "$1" = build ] && { touch "$STATE/building"; sleep 0.5; }"#);
    test.hook(
        "terraform",
        &format!(
            "{NETWORK_WAITS}\n{}",
            r#"case "$*" in *network*" plan "*) echo "Error: no such region"; exit 1 ;; esac"#
        ),
    );
    test.run(RUN).exits(1).err("no such region").err("image-slave done");
    assert_eq!(test.calls_of(" apply "), [""; 0]);
}

#[test]
fn a_failing_build_stops_what_needs_it() {
    let test = bare();
    test.hook("packer", r#"case "$*" in build*slave_temp*) echo "apt: no space left"; exit 9 ;; esac"#);
    let done = test.run(RUN).exits(1).err("apt: no space left").err("slaves skipped image-slave did not succeed");
    done.err("a stage failed").err("master done").err("haproxy done");
}

/// Each of these could make the review refuse something, or leaves no slot for it.
#[test]
fn nothing_is_built_before_the_review_is_over() {
    let first = |test: &Test, what: &str| test.calls().iter().position(|call| call.contains(what)).unwrap();
    let plan_first = |test: &Test| assert!(first(test, "terraform_network plan") < first(test, "packer build -"));
    let test = bare();
    test.run(&[RUN, &["--jobs", "3"]].concat()).exits(0);
    plan_first(&test);
    // Something was created before.
    let test = bare();
    test.write("generated/herd/db_config/terraform_slave/terraform.tfstate", "{}");
    test.run(RUN).exits(0);
    plan_first(&test);
    // The state is elsewhere, and may contain anything.
    let state = "state {\n    s3 {\n      bucket = \"states-of-ours\"\n      key_prefix = \"herd\"\n    }\n  }\n";
    let blueprint = Herd::healthy().blueprint();
    let at = blueprint.rfind('}').unwrap();
    let test = bare();
    test.write("blueprints/herd.hcl", &format!("{}  {state}{}", &blueprint[..at], &blueprint[at..]));
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    plan_first(&test);
    // All images exist: nothing is started early.
    let test = bare();
    test.run(&[RUN, &["--only", "image-master,image-slave,image-haproxy"]].concat()).exits(0);
    let done = test.run(RUN).exits(0);
    assert!(!done.stderr.contains("during the review"), "{}", done.stderr);
    // There is nothing to do.
    let test = bare();
    test.run(&["run", "blueprints/herd.hcl", "--plan-only"]).exits(3);
    assert_eq!(test.calls_of("packer build -"), [""; 0]);
    assert!(fs::exists(test.state("calls")).unwrap());
}

#[test]
fn modules_are_planned_beside_what_they_need() {
    let test = ready();
    test.run(RUN).exits(0);
    // The network's plan ends when another's has begun.
    test.hook(
        "terraform",
        r#"case "$*" in
        *terraform_network*" plan "*) i=0; while [ ! -f "$STATE/beside" ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done ;;
        *terraform_slave*" plan "*) touch "$STATE/beside" ;; esac"#,
    );
    let done = test.run(RUN).exits(0).err("slaves unchanged planned: nothing changes");
    assert_eq!(done.stderr.matches("slaves ").count(), 2, "begun and unchanged, once: {}", done.stderr);
    // Until the network exists, they cannot be planned, which is not a failure.
    fs::remove_file(test.state("made-terraform_network")).unwrap();
    test.hook(
        "terraform",
        r#"[ -f "$STATE/made-terraform_network" ] || case "$*" in *terraform_slave*" plan "*) echo "Error: no VPC"; exit 1 ;; esac"#,
    );
    let done = test
        .run(RUN)
        .exits(0)
        .err("slaves: will be planned once network exists")
        .err("slaves unchanged nothing to change");
    assert!(!done.stderr.contains("no VPC"), "{}", done.stderr);
    // Nothing changes in the network, so this is a failure, and is reported once.
    test.hook("terraform", r#"case "$*" in *terraform_slave*" plan "*) echo "Error: no role"; exit 1 ;; esac"#);
    let done = test.run(RUN).exits(1).err("terraform plan of db_config/terraform_slave failed");
    assert_eq!(done.stderr.matches("no role").count(), 1, "{}", done.stderr);
}

#[test]
fn everything_is_reviewed_before_anything_is_done() {
    let test = ready();
    let done =
        test.run(RUN).exits(0).err("network: 1 to add, 0 to change, 0 to destroy").err("+ aws_thing.terraform_network");
    let at = |text: &str| done.stderr.find(text).unwrap_or_else(|| panic!("{text} is not in {}", done.stderr));
    assert!(at("built: the slave has no image yet") < at("1 added"), "{}", done.stderr);
    assert!(at("+ aws_thing.terraform_network") < at("1 added"), "{}", done.stderr);
    let quiet = test.run(&["run", "blueprints/herd.hcl", "--yes", "--quiet"]).exits(0);
    assert_eq!(quiet.stderr, "");
}
