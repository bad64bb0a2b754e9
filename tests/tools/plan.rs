//! A real Terraform over moto: what destroys or stops a database machine is decided from the plan itself, whatever the environment
//! makes Terraform print.

use std::fs;

use crate::real::moto::Moto;
use crate::real::world::World;
use crate::support::Done;
use pgherd::fileset::FileSet;

const REGION: &str = "eu-west-1";
const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes", "--only", "master"];

fn blueprint(master: &str) -> String {
    format!("cluster \"herd\" {{\n  region = \"{REGION}\"\n  master {{\n    {master}\n  }}\n}}\n")
}

fn files(blueprint: &str) -> FileSet {
    let blueprint = pgherd::blueprint::parse("herd.hcl", blueprint).unwrap();
    pgherd::generate::generate(&pgherd::cluster::resolve(&blueprint))
}

/// Id, type and state of each machine, as moto has them.
fn machines(moto: &Moto) -> Vec<[String; 3]> {
    let xml = moto.ec2(REGION, "DescribeInstances");
    let of = |text: &str, tag: &str| {
        let rest = text.split_once(&format!("<{tag}>")).unwrap().1;
        rest.split_once('<').unwrap().0.to_string()
    };
    let each = xml.split("<instanceId>").skip(1).map(|text| {
        let state = of(text.split_once("<instanceState>").unwrap().1, "name");
        [text.split_once('<').unwrap().0.to_string(), of(text, "instanceType"), state]
    });
    each.collect()
}

#[test]
fn what_destroys_or_stops_a_database_is_agreed_to_by_name() {
    let plain = blueprint("instance_type = \"m6i.large\"");
    let keyed = blueprint("key_name = \"dba\"");
    let larger = blueprint("instance_type = \"m6i.xlarge\"");
    let moto = Moto::with_images_of(&format!("herd/{REGION}"), &[&files(&plain), &files(&larger)]);
    moto.ec2(REGION, "CreateKeyPair&KeyName=dba");
    let World { test, moto, terraform: _config } = World::over(moto, &plain);
    test.run(&["gen"]).exits(0);
    let both = ["run", "blueprints/herd.hcl", "--yes", "--only", "network,master"];
    test.run(&both).exits(0).err("AWS_ENDPOINT_URL is set");
    let before = machines(&moto);
    assert_eq!((before.len(), before[0][1].as_str()), (1, "m6i.large"));
    let with = |name: &str, value: &str| -> Done { test.command(RUN).env(name, value).output().unwrap().into() };

    // Another key pair replaces the machine. Whatever the environment makes Terraform print or do, the plan's file shows it.
    test.write("blueprints/herd.hcl", &keyed);
    test.run(&["gen"]).exits(0);
    let module = "generated/herd/db_config/terraform_master";
    let stray = test.write(&format!("{module}/dba.auto.tfvars"), "master_eip = \"\"\n");
    let done = with("TF_CLI_ARGS_plan", "-json").exits(1).err("TF_CLI_ARGS_plan is ignored");
    let done = done.err("this would destroy the data of master").err("--confirm master");
    done.err("dba.auto.tfvars was not generated");
    fs::remove_file(stray).unwrap();
    assert_eq!(machines(&moto), before);

    // A variable that selects another state or other resources is refused by name before anything is planned.
    with("TF_WORKSPACE", "prod").exits(2).err("TF_WORKSPACE is set").err("unset it");
    for (name, text, complaint) in [
        (
            "dba_override.tf",
            "resource \"aws_instance\" \"master\" {\n  monitoring = true\n}\n",
            "overrides generated resources",
        ),
        (".terraform/environment", "prod", "selects another workspace"),
    ] {
        let stray = test.write(&format!("{module}/{name}"), text);
        test.run(RUN).exits(2).err(&format!("db_config/terraform_master/{name}")).err(complaint);
        fs::remove_file(stray).unwrap();
    }

    // Another instance type stops the machine.
    test.write("blueprints/herd.hcl", &larger);
    test.run(&["gen"]).exits(0);
    let done = test.run(RUN).exits(1).err("this would stop master and start it again").err("add --confirm-stop master");
    done.err("STOPS AND STARTS master to change instance_type");
    assert_eq!(machines(&moto), before);
    let [id, _, state] = before[0].clone();
    test.run(&[RUN, &["--confirm-stop", "master"]].concat()).exits(0).err("0 added, 1 changed, 0 destroyed");
    assert_eq!(machines(&moto), [[id, "m6i.xlarge".into(), state]]);
}
