//! The real Terraform over moto: what tells a cluster that is founded, or whose machine is created again, from one whose number of
//! slaves changes.

use pgherd::fileset::FileSet;
use serde_json::Value;

use crate::real::moto::Moto;
use crate::real::world::World;

const REGION: &str = "eu-west-1";

fn blueprint(slaves: u8) -> String {
    format!("cluster \"herd\" {{\n  region = \"{REGION}\"\n  slaves {{\n    count = {slaves}\n  }}\n}}\n")
}

fn files(blueprint: &str) -> FileSet {
    let blueprint = pgherd::blueprint::parse("herd.hcl", blueprint).unwrap();
    pgherd::generate::generate(&pgherd::cluster::resolve(&blueprint))
}

/// The living machines: each name, its id, and what its tags say.
fn living(moto: &Moto) -> Vec<[String; 4]> {
    let query = "Reservations[].Instances[].[Tags[?Key=='pgherd:machine']|[0].Value, InstanceId, \
        Tags[?Key=='pgherd:databases']|[0].Value, Tags[?Key=='pgherd:etcd']|[0].Value]";
    let found = moto.aws(
        REGION,
        &[
            "ec2",
            "describe-instances",
            "--filters",
            "Name=instance-state-name,Values=pending,running",
            "--query",
            query,
        ],
    );
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let one = |machine: &Value| [0, 1, 2, 3].map(|n| text(&machine[n]));
    let mut all: Vec<_> = found.as_array().unwrap().iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn the_number_of_slaves_of_a_living_cluster_stays() {
    let (one, two) = (blueprint(1), blueprint(2));
    let moto = Moto::with_images_of(&format!("herd/{REGION}"), &[&files(&one), &files(&two)]);
    let world = World::over(moto, &two);
    world.test.run(&["gen"]).exits(0);
    let run = |only: &str| world.test.run(&["run", "blueprints/herd.hcl", "--yes", "--only", only]);
    let names = || living(&world.moto).into_iter().map(|[name, ..]| name).collect::<Vec<_>>();

    // The founding ends half-way, and is resumed.
    run("network,master").exits(0);
    run("slaves").exits(0);
    let founded = living(&world.moto);
    assert_eq!(names(), ["master", "slave1", "slave2"]);
    for [_, _, databases, etcd] in &founded {
        assert_eq!((databases.as_str(), etcd.as_str()), ("master slave1 slave2", "master slave1 slave2"));
    }

    world.generate(&one);
    for only in ["slaves", "master", "network,master,slaves,haproxy"] {
        let done = run(only).exits(1).err("slave2 would leave the databases; haproxy would join etcd's members");
        done.err("set `slaves { count = 2 }`");
    }
    assert_eq!(living(&world.moto), founded, "not even a tag has changed");

    // A machine that is gone is created again.
    world.generate(&two);
    world.moto.ec2(REGION, &format!("TerminateInstances&InstanceId.1={}", founded[1][1]));
    assert_eq!(names(), ["master", "slave2"]);
    run("slaves").exits(0).err("slave1");
    assert_eq!(names(), ["master", "slave1", "slave2"]);

    // The whole cluster may go, whatever the blueprint says by now.
    world.generate(&one);
    world.test.run(&["destroy", "blueprints/herd.hcl", "--yes"]).exits(0);
    assert_eq!(names(), [""; 0]);
}
