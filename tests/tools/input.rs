//! What Terraform plans for every kind of blueprint, including those with an existing VPC and key.

use crate::real::moto::Moto;
use crate::real::terraform::Terraform;
use crate::support::generated::{Generated, run, succeeds};
use pgherd::fileset::FileSet;
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";
const NETWORK: &str = "network/terraform_network";
const STATE: &str = "terraform.tfstate";

#[test]
fn a_vpc_that_exists_is_moved_into_and_left_as_it_is() {
    let text = std::fs::read_to_string("tests/blueprints/vpc.hcl").expect("the blueprint is in the repo");
    // Images do not contain ids, so the blueprint with moto's ids has the same images as the original.
    let vpc = Generated::from_text("vpc.hcl", &text);
    let moto = Moto::with_images(vpc.cluster.tag(), &vpc.files);
    let (ids, text) = make_what_exists(&moto, text);
    let key = make_key(&moto);
    let generated = Generated::from_text("vpc.hcl", &text);
    let terraform = Terraform::against(&moto.endpoint());
    let versions = &generated.files.get("network/terraform_network/versions.tf").expect("the module").text;
    let data = terraform.initialised(versions);
    let on = |module: &str, args: &[&str]| terraform.sharing(&data, &generated.path(module), args);
    let apply = ["apply", "-input=false", "-auto-approve"];

    // Terraform compares the VPC with the blueprint's description.
    for (says, lies, complaint) in [
        ("10.1.4.0/24", "10.1.6.0/24", "Correct its block in the blueprint"),
        ("10.1.0.0/16", "10.1.0.0/20", "Correct network.cidr in the blueprint"),
    ] {
        let wrong = Generated::from_text("vpc.hcl", &text.replacen(says, lies, 1));
        let output = run(&mut terraform.sharing(&data, &wrong.path(NETWORK), &["plan", "-input=false", "-no-color"]));
        let message = words(&output);
        assert!(!output.status.success() && message.contains(complaint), "{message}");
    }
    let early = run(&mut on("db_config/terraform_master", &["plan", "-input=false", "-no-color"]));
    let message = words(&early);
    assert!(!early.status.success() && message.contains("Apply network/terraform_network first"), "{message}");

    let tags = moto.ec2(REGION, "DescribeTags");
    succeeds(&mut on(NETWORK, &apply));
    let modules = generated.modules();
    let machines = &modules[1..];
    side_by_side(machines, |module| {
        succeeds(&mut on(module, &apply));
    });
    side_by_side(&modules, |module| {
        let again = run(&mut on(module, &["plan", "-input=false", "-no-color", "-detailed-exitcode"]));
        assert_eq!(again.status.code(), Some(0), "{module}: {}", String::from_utf8_lossy(&again.stdout));
    });

    let keyed = Generated::from_text(
        "vpc.hcl",
        &text.replace("nlb = \"internal\"", "nlb = \"internal\"\n    key_name = \"dba\""),
    );
    let module = "load_balancer/terraform_haproxy";
    std::fs::copy(generated.path(module).join(STATE), keyed.path(module).join(STATE)).expect("its state");
    let plan = succeeds(&mut terraform.sharing(&data, &keyed.path(module), &["plan", "-input=false", "-no-color"]));
    assert!(plan.lines().any(|line| line.contains("key_name") && line.contains("# forces replacement")), "{plan}");

    let now = moto.ec2(REGION, "DescribeTags");
    for id in &ids {
        assert_eq!(tags.matches(id.as_str()).count(), now.matches(id.as_str()).count(), "{id} is tagged: {now}");
    }
    let instances = moto.ec2(REGION, "DescribeInstances");
    for machine in &generated.cluster.machines {
        assert!(instances.contains(&format!(">{}<", machine.address)), "{} is not at its address", machine.name);
    }
    everything_is_encrypted_with(&key, &generated, &moto);

    side_by_side(machines, |module| {
        succeeds(&mut on(module, &["destroy", "-input=false", "-auto-approve"]));
    });
    succeeds(&mut on(NETWORK, &["destroy", "-input=false", "-auto-approve"]));
    let left = moto.ec2(REGION, "DescribeSubnets");
    assert!(ids[1..].iter().all(|id| left.contains(id)), "{left}");
}

/// Returns Terraform's error without its line breaks.
fn words(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Creates a VPC with three subnets and an endpoint. Returns their ids, and the blueprint that contains them.
fn make_what_exists(moto: &Moto, text: String) -> (Vec<String>, String) {
    let made = |request: &str, tag: &str| {
        let xml = moto.ec2(REGION, request);
        let id = xml.split(&format!("<{tag}>")).nth(1).and_then(|rest| rest.split('<').next());
        id.unwrap_or_else(|| panic!("no {tag} in {xml}")).to_string()
    };
    let vpc = made("CreateVpc&CidrBlock=10.1.0.0/16", "vpcId");
    moto.ec2(REGION, &format!("ModifyVpcAttribute&VpcId={vpc}&EnableDnsHostnames.Value=true"));
    let mut text = text.replace("vpc-0a1b2c3d4e5f60718", &vpc);
    let mut ids = vec![vpc.clone()];
    for (zone, cidr) in [("a", "10.1.4.0/24"), ("b", "10.1.5.0/24"), ("c", "10.1.8.0/26")] {
        let request = format!("CreateSubnet&VpcId={vpc}&CidrBlock={cidr}&AvailabilityZone={REGION}{zone}");
        let id = made(&request, "subnetId");
        text = text.replace(&format!("subnet-0a1b2c3d4e5f6071{zone}"), &id);
        ids.push(id);
    }
    let service = format!("ServiceName=com.amazonaws.{REGION}.secretsmanager");
    let request = format!("CreateVpcEndpoint&VpcId={vpc}&VpcEndpointType=Interface&PrivateDnsEnabled=true&{service}");
    moto.ec2(REGION, &format!("{request}&SubnetId.1={}", ids[1]));
    (ids, text)
}

/// Creates a key with the blueprint's alias, and returns its ARN.
fn make_key(moto: &Moto) -> String {
    let kms = |action: &str, request: &Value| moto.json(REGION, "kms", &format!("TrentService.{action}"), request);
    let key = kms("CreateKey", &json!({ "KeyUsage": "ENCRYPT_DECRYPT" }));
    kms("CreateAlias", &json!({ "AliasName": "alias/databases", "TargetKeyId": key["KeyMetadata"]["KeyId"] }));
    key["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_string()
}

fn everything_is_encrypted_with(key: &str, generated: &Generated, moto: &Moto) {
    let volumes = moto.ec2(REGION, "DescribeVolumes");
    let machines = generated.cluster.machines.len();
    assert_eq!(volumes.matches(&format!("<kmsKeyId>{key}</kmsKeyId>")).count(), machines, "{volumes}");
    for secret in &generated.cluster.secrets {
        let request = json!({ "SecretId": secret.name });
        let told = moto.json(REGION, "secretsmanager", "secretsmanager.DescribeSecret", &request);
        assert_eq!(told["KmsKeyId"], key, "{told}");
    }
    // Machines may use it only to decrypt their own passwords, through Secrets Manager.
    let state = std::fs::read_to_string(generated.path(NETWORK).join(STATE)).expect("the state");
    let state: Value = serde_json::from_str(&state).expect("JSON");
    let resources = state["resources"].as_array().expect("resources");
    let policies = resources.iter().filter(|r| r["type"] == "aws_iam_role_policy" && r["name"] == "decrypt_secrets");
    let instances = policies.flat_map(|policy| policy["instances"].as_array().expect("instances"));
    let mut roles = 0;
    for instance in instances {
        let policy = instance["attributes"]["policy"].as_str().expect("a policy");
        let policy: Value = serde_json::from_str(policy).expect("JSON");
        let statement = &policy["Statement"][0];
        assert_eq!((&statement["Action"], &statement["Resource"]), (&json!("kms:Decrypt"), &json!(key)));
        let only = &statement["Condition"]["StringEquals"];
        assert_eq!(only["kms:ViaService"], "secretsmanager.eu-west-1.amazonaws.com");
        assert!(only["kms:EncryptionContext:SecretARN"].to_string().contains(":secret:vpc/"), "{only}");
        roles += 1;
    }
    assert_eq!(roles, 2);
}

/// Blueprints beyond name and region, and the number of resources of their master, slaves and HAProxy.
const INPUT: &[(&str, &str, [usize; 3])] = &[
    (
        "no slave, the largest disk that gp3 has",
        "slaves {\n count = 0\n}\nmaster {\n disk {\n size = 65536\n iops = 80000\n throughput = 2000\n}\n}",
        [1, 0, 2],
    ),
    ("one HAProxy", "haproxy {\n count = 1\n}", [1, 2, 1]),
    ("one slave", "slaves {\n count = 1\n}", [1, 1, 2]),
    // Each machine has an Elastic IP and its association.
    ("fifteen slaves", "slaves {\n count = 15\n elastic_ip = true\n}", [1, 45, 2]),
    ("Debian 12, an old major of PGDG", "image {\n base = \"debian-12\"\n}\npostgres {\n version = 13\n}", [1, 2, 2]),
    ("Ubuntu 24.04, a new major", "image {\n base = \"ubuntu-24.04\"\n}\npostgres {\n version = 18\n}", [1, 2, 2]),
    (
        "Graviton",
        "master {\n instance_type = \"m7g.large\"\n}\nslaves {\n instance_type = \"m7g.large\"\n}\nhaproxy {\n \
         instance_type = \"t4g.small\"\n}",
        [1, 2, 2],
    ),
    ("a key", "kms_key_id = \"alias/databases\"", [1, 2, 2]),
];

#[test]
fn every_kind_of_input_is_planned() {
    let all: Vec<Generated> = INPUT.iter().map(|(_, more, _)| kind(more)).collect();
    let files: Vec<&FileSet> = all.iter().map(|generated| &generated.files).collect();
    let moto = Moto::with_images_of(all[0].cluster.tag(), &files);
    make_key(&moto);
    let terraform = Terraform::against(&moto.endpoint());
    let data = terraform.initialised(&files[0].get("network/terraform_network/versions.tf").expect("it").text);
    succeeds(&mut terraform.sharing(&data, &all[0].path(NETWORK), &["apply", "-input=false", "-auto-approve"]));
    // All use the existing network, apart from the key of its secrets.
    let plan = |generated: &Generated, module: &str, vars: &[String]| {
        let mut args = vec!["plan", "-input=false", "-no-color"];
        args.extend(vars.iter().map(String::as_str));
        let printed = succeeds(&mut terraform.sharing(&data, &generated.path(module), &args));
        let added = printed.split("Plan: ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::parse::<usize>);
        added.unwrap_or_else(|| panic!("{module}: {printed}")).expect("a number")
    };
    side_by_side(&INPUT.iter().zip(&all).collect::<Vec<_>>(), |((name, _, expected), generated)| {
        for module in generated.modules() {
            let kind = module.rsplit('_').next().unwrap_or_default();
            match ["master", "slave", "haproxy"].iter().position(|role| *role == kind) {
                Some(role) => assert_eq!(plan(generated, module, &[]), expected[role], "{name}: {module}"),
                None if name == &"a key" => assert!(plan(generated, module, &[]) > 0),
                None => {}
            }
        }
    });

    // An existing Elastic IP is passed in, not created.
    let address = moto.ec2(REGION, "AllocateAddress&Domain=vpc");
    let address = address.split("<publicIp>").nth(1).and_then(|rest| rest.split('<').next()).expect("an address");
    for (module, name, expected) in [
        ("db_config/terraform_master", "master", 2),
        ("load_balancer/terraform_haproxy", "haproxy", 3),
        ("load_balancer/terraform_haproxy", "haproxy2", 3),
    ] {
        assert_eq!(plan(&all[0], module, &[format!("-var={name}_eip={address}")]), expected, "{module}");
    }
    assert_eq!(plan(&all[3], "db_config/terraform_slave", &[format!("-var=slave9_eip={address}")]), 44);
}

fn kind(more: &str) -> Generated {
    Generated::from_text("kinds.hcl", &format!("cluster \"kinds\" {{\n  region = \"{REGION}\"\n{more}\n}}\n"))
}

/// Two run at the same time: one waits for the API while the other computes.
fn side_by_side<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let (left, right) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        for half in [left, right] {
            scope.spawn(|| half.iter().for_each(&work));
        }
    });
}
