//! A run that would change which machines belong to a living cluster is refused, before anything is changed.

use std::fs;

use serde_json::json;

use crate::support::Test;
use crate::support::herd::Herd;

const BLUEPRINT: &str = "blueprints/herd.hcl";
const RUN: &[&str] = &["run", BLUEPRINT, "--yes"];

/// The blueprint with so many slaves.
fn with_slaves(herd: &Herd, count: u8) -> String {
    let blueprint = herd.blueprint();
    blueprint.replacen("  haproxy {", &format!("  slaves {{\n    count = {count}\n  }}\n  haproxy {{"), 1)
}

/// EC2 lists these machines. They were created for a master and two slaves.
fn exist(test: &Test, machines: &[&str]) {
    let instance = |name: &&str| {
        let tags = [("machine", *name), ("databases", "master slave1 slave2"), ("etcd", "master slave1 slave2")];
        let tags = tags.map(|(key, value)| json!({"Key": format!("pgherd:{key}"), "Value": value}));
        json!({"InstanceId": format!("i-{name}"), "ImageId": "ami-0", "Tags": tags})
    };
    let instances: Vec<_> = machines.iter().map(instance).collect();
    let answer = json!({"Reservations": [{"Instances": instances}]});
    fs::write(test.state("describe-instances"), answer.to_string()).unwrap();
    // Without a state here, a run asks for the tags first.
    let tag =
        json!({"ResourceId": "i-1", "ResourceType": "instance", "Key": "pgherd:cluster", "Value": "herd/eu-west-1"});
    fs::write(test.state("describe-tags"), json!({"Tags": [tag]}).to_string()).unwrap();
}

fn of(herd: &Herd, slaves: u8, machines: &[&str]) -> Test {
    let test = Test::with_tools(&with_slaves(herd, slaves));
    test.run(&["gen"]).exits(0);
    exist(&test, machines);
    test
}

const ALL: &[&str] = &["master", "slave1", "slave2", "haproxy"];

#[test]
fn another_number_of_slaves_changes_nothing() {
    let herd = Herd::healthy();
    for (slaves, why) in [
        (0, "slave1, slave2 would leave the databases"),
        (1, "slave2 would leave the databases; haproxy would join etcd's members, and slave2 would leave"),
        (3, "slave3 would join the databases"),
    ] {
        let test = of(&herd, slaves, ALL);
        for more in [&[][..], &["--confirm", "master"], &["--plan-only"], &["--only", "master"], &["--only", "network"]]
        {
            let args = if more == ["--plan-only"] { [&RUN[..2], more].concat() } else { [RUN, more].concat() };
            let done = test.run(&args).exits(1).err("this would change which machines belong to the living cluster");
            let done =
                done.err(why).err("it can lose its majority").err("may be the primary").err("Nothing was changed");
            done.err("set `slaves { count = 2 }` in the blueprint again");
        }
        assert_eq!(test.calls_of("packer build -"), [""; 0], "{slaves}: no image is built beside such a review");
        assert_eq!(test.calls_of(" apply "), [""; 0], "{slaves}");
        // An image belongs to no machine yet.
        test.run(&[RUN, &["--only", "image-master"]].concat()).exits(0);
        test.run(&["destroy", BLUEPRINT, "--yes"]).exits(0);
    }
}

#[test]
fn a_founding_is_resumed_and_a_machine_is_created_again() {
    let herd = Herd::healthy();
    for machines in [&["master"][..], &["master", "slave1"], &["slave2", "haproxy"]] {
        let test = of(&herd, 2, machines);
        test.run(RUN).exits(0);
        assert_eq!(test.calls_of(" apply ").len(), 4, "{machines:?}");
    }
}

#[test]
fn without_an_answer_nothing_is_changed() {
    let test = of(&Herd::healthy(), 1, ALL);
    for hook in [r#"*describe-instances*) echo throttled >&2; exit 254 ;;"#, "*describe-instances*) echo '{}'; exit ;;"]
    {
        test.hook("aws", &format!("case \"$*\" in {hook} esac"));
        test.run(RUN).exits(1).err("members failed").err("ec2:DescribeInstances");
    }
    assert_eq!(test.calls_of(" apply "), [""; 0]);
}

#[test]
fn a_state_is_not_moved_either() {
    let herd = Herd::healthy();
    let test = of(&herd, 2, ALL);
    test.run(RUN).exits(0);
    let (blueprint, applied) = (with_slaves(&herd, 1), test.calls_of(" apply ").len());
    let at = blueprint.rfind('}').unwrap();
    let state = "  state {\n    s3 {\n      bucket = \"states-of-ours\"\n    }\n  }\n}\n";
    test.write(BLUEPRINT, &format!("{}{state}", &blueprint[..at]));
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(1).err("slave2 would leave the databases");
    assert_eq!(test.calls_of("-migrate-state"), [""; 0]);
    assert_eq!(test.calls_of(" apply ").len(), applied);
}
