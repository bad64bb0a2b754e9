//! A state moves to where the blueprint puts it, and nothing is created a second time. With the real Terraform and moto's S3.

use std::fs;

use crate::real::world::World;
use serde_json::Value;

const REGION: &str = "eu-west-1";
const LOCAL: &str = "generated/herd/network/terraform_network/terraform.tfstate";
const FIRST: &str = "first/pgherd/herd/eu-west-1/terraform_network.tfstate";
const SECOND: &str = "second/dba/herd/eu-west-1/terraform_network.tfstate";
const THIRD: &str = "third/pgherd/herd/eu-west-1/terraform_network.tfstate";
/// Where the state was when keys had no region.
const FORMER: &str = "second/dba/herd/terraform_network.tfstate";

/// A cluster with its state in a bucket, or beside the modules.
fn blueprint(region: &str, state: &str) -> String {
    let state =
        if state.is_empty() { String::new() } else { format!("  state {{\n    s3 {{\n      {state}\n    }}\n  }}\n") };
    format!("cluster \"herd\" {{\n  region = \"{region}\"\n{state}}}\n")
}

fn lineage(state: &str) -> String {
    let state: Value = serde_json::from_str(state).unwrap();
    assert!(state["resources"].as_array().unwrap().len() > 10, "{state}");
    state["lineage"].as_str().unwrap().to_string()
}

#[test]
fn a_state_moves_and_nothing_is_made_twice() {
    let world = World::of(&blueprint(REGION, ""));
    for bucket in ["first", "second", "third"] {
        world.moto.make_bucket(REGION, bucket);
    }
    let s3 = |more: &str| world.generate(&blueprint(REGION, more));
    let object = |path: &str| world.moto.object(REGION, path);
    let unchanged = |moved: &str| {
        let done = world.run().exits(0).err("network unchanged").out(moved);
        assert!(!(done.stdout + &done.stderr).contains("-reconfigure"), "that begins with an empty state");
    };
    world.test.run(&["gen"]).exits(0);
    world.run().exits(0);
    let known = lineage(&world.test.read(LOCAL));

    // From beside the module into a bucket. `--plan-only` reports the move, and nothing moves.
    s3("bucket = \"first\"");
    let look = world.test.run(&["run", "blueprints/herd.hcl", "--plan-only", "--only", "network"]).exits(3);
    look.out("network: the state will move from network/terraform_network/terraform.tfstate to s3://first/pgherd/herd/eu-west-1/");
    assert!(world.test.path(LOCAL).exists());
    // Somebody applied by hand during the question, so what was confirmed is no longer the newest state.
    let (old, serial) = (world.test.read(LOCAL), r#""serial": "#);
    let newer = old.replacen(serial, r#""serial": 9"#, 1);
    world.test.write("newer.tfstate", &newer);
    let real = which::which("aws").unwrap();
    let applies = |meanwhile: &str| {
        world.test.program(
            "aws",
            &format!("echo \"aws $*\" >>\"$STATE/calls\"\n{meanwhile}\nexec {} \"$@\"", real.display()),
        );
    };
    let (from, to) = (world.test.path("newer.tfstate"), world.test.path(LOCAL));
    applies(&format!(
        "case \"$*\" in *list-objects*terraform_network*) cp {} {} ;; esac",
        from.display(),
        to.display()
    ));
    world.run().exits(1).err("has changed since it was confirmed. Nothing was changed");
    assert_eq!(world.test.read(LOCAL), newer);
    applies("");
    world.test.write(LOCAL, &old);
    unchanged(
        "the state will move from network/terraform_network/terraform.tfstate to s3://first/pgherd/herd/eu-west-1/",
    );
    assert_eq!(lineage(&object(FIRST)), known);
    assert!(!world.test.path(LOCAL).exists());

    // To another bucket and prefix. The old copy stays. A move that was interrupted after the copy is completed.
    s3("bucket = \"second\"\n      key_prefix = \"dba\"");
    unchanged(
        "the state will move from s3://first/pgherd/herd/eu-west-1/terraform_network.tfstate (eu-west-1) to s3://second/dba/",
    );
    assert_eq!(object(SECOND), object(FIRST));
    s3("bucket = \"third\"");
    world.moto.put(REGION, THIRD, &object(SECOND));
    let done = world.run().exits(0).err("network unchanged");
    assert!(!done.stdout.contains("the state will move"), "the same one is there: {}", done.stdout);

    // A fresh checkout, with the state at a key of an earlier version of pgherd.
    s3("bucket = \"second\"\n      key_prefix = \"dba\"");
    let newest = object(THIRD);
    world.moto.put(REGION, FORMER, &newest);
    world.moto.delete(REGION, SECOND);
    for forgotten in [".pgherd", "network/terraform_network/.terraform"] {
        fs::remove_dir_all(world.test.path("generated/herd").join(forgotten)).unwrap();
    }
    unchanged(
        "the state will move from s3://second/dba/herd/terraform_network.tfstate (eu-west-1) to s3://second/dba/herd/eu-west-1/",
    );
    assert_eq!((lineage(&object(SECOND)), object(FORMER)), (known.clone(), newest));

    // Both places have a state: nothing is done until a person has decided.
    s3("bucket = \"first\"\n      key_prefix = \"other\"");
    const OTHER: &str = "first/other/herd/eu-west-1/terraform_network.tfstate";
    let other = object(SECOND).replace(&known, "11111111-2222-3333-4444-555555555555");
    world.moto.put(REGION, OTHER, &other);
    let calls = world.test.calls().len();
    world.run().exits(1).err("both hold a state").err("Nothing was changed");
    assert_eq!(object(OTHER), other);
    // Nor if somebody is using it, or it cannot be read.
    world.moto.delete(REGION, OTHER);
    world.moto.put(REGION, &format!("{SECOND}.tflock"), "{}");
    world.run().exits(1).err("is locked");
    world.moto.delete(REGION, &format!("{SECOND}.tflock"));
    s3("bucket = \"nowhere\"");
    world.run().exits(1).err("cannot read the state at s3://nowhere/").err("Nothing was planned or built");
    // Nor if the blueprint's region has changed.
    world.generate(&blueprint(
        "us-east-1",
        "bucket = \"second\"\n      key_prefix = \"dba\"\n      region = \"eu-west-1\"",
    ));
    world.run().exits(1).err("describes a cluster in eu-west-1, but the blueprint's region is us-east-1");
    let since = world.test.calls().split_off(calls);
    assert!(!since.iter().any(|call| call.starts_with("terraform ")), "refused before anything is begun: {since:#?}");

    // Back beside the module.
    s3("");
    unchanged(
        "the state will move from s3://second/dba/herd/eu-west-1/terraform_network.tfstate (eu-west-1) to terraform.tfstate",
    );
    assert_eq!((lineage(&world.test.read(LOCAL)), lineage(&object(SECOND))), (known.clone(), known));
    world.generate(&blueprint("us-east-1", ""));
    world.run().exits(1).err("describes a cluster in eu-west-1");
}
