//! Terraform accepts the modules, and a second plan changes nothing: checked with the real provider, and moto as the AWS API.

use std::process::Command;

use crate::real::moto::Moto;
use crate::real::terraform::Terraform;
use crate::support::generated::{Generated, KINDS, run, succeeds};
use pgherd::cluster::Creator;

/// `plan -detailed-exitcode` found nothing to change.
const NO_CHANGE: Option<i32> = Some(0);

#[test]
fn every_module_is_formatted_and_valid() {
    let terraform = Terraform::new();
    for kind in KINDS {
        let generated = Generated::of(kind);
        succeeds(&mut terraform.command(&generated.path("."), &["fmt", "-check", "-diff", "-recursive"]));
        // The other kinds differ only in values. The seed's own system is applied below.
        if !["blueprints/minimal.hcl", "tests/blueprints/largest.hcl", "tests/blueprints/alone.hcl"].contains(&kind) {
            continue;
        }
        for module in generated.modules() {
            let folder = generated.path(module);
            succeeds(&mut terraform.command(&folder, &["init", "-input=false", "-backend=false"]));
            succeeds(&mut terraform.command(&folder, &["validate"]));
        }
    }
}

#[test]
fn a_cluster_without_slaves_has_no_module_of_slaves() {
    assert!(!Generated::of("tests/blueprints/alone.hcl").modules().contains(&"db_config/terraform_slave"));
}

#[test]
fn a_cluster_is_made_stays_and_goes() {
    let generated = Generated::of("blueprints/herd.hcl");
    let moto = Moto::with_images(generated.cluster.tag(), &generated.files);
    let terraform = Terraform::against(&moto.endpoint());
    let modules = generated.modules();
    let on = |module: &str, args: &[&str]| terraform.command(&generated.path(module), args);
    for module in &modules {
        succeeds(&mut on(module, &["init", "-input=false"]));
    }

    // In the wrong order, the message says what must come first, and nothing is created.
    let early = run(&mut on("db_config/terraform_master", &["apply", "-no-color", "-input=false", "-auto-approve"]));
    let message = String::from_utf8_lossy(&early.stderr).replace('\n', " ");
    assert!(!early.status.success() && message.contains("Apply network/terraform_network first"), "{message}");

    let (network, machines) = modules.split_first().expect("a network");
    let apply = |module: &&str| {
        succeeds(&mut on(module, &["plan", "-input=false", "-out=saved.tfplan"]));
        succeeds(&mut on(module, &["apply", "-input=false", "saved.tfplan"]));
    };
    apply(network);
    side_by_side(machines, apply);
    side_by_side(&modules, |module| {
        let again = run(&mut on(module, &["plan", "-input=false", "-no-color", "-detailed-exitcode"]));
        assert_eq!(again.status.code(), NO_CHANGE, "{module}: {}", String::from_utf8_lossy(&again.stdout));
    });

    no_secret_is_left(&generated, &moto);
    instances_are_as_the_cluster_has_them(&generated, &moto);

    // A machine that is replaced has the address that all others know.
    let slave = "-replace=aws_instance.slave[\"slave1\"]";
    succeeds(&mut on("db_config/terraform_slave", &["apply", "-input=false", "-auto-approve", slave]));

    let destroy = |module: &&str| {
        succeeds(&mut on(module, &["destroy", "-input=false", "-auto-approve"]));
    };
    side_by_side(machines, destroy);
    destroy(network);
}

#[test]
fn the_seeds_variables_may_be_there_or_empty() {
    let generated = Generated::of("tests/blueprints/alone.hcl");
    let moto = Moto::with_images(generated.cluster.tag(), &generated.files);
    let terraform = Terraform::against(&moto.endpoint());
    let on = |module: &str, args: &[&str]| terraform.command(&generated.path(module), args);
    for module in ["network/terraform_network", "db_config/terraform_master"] {
        succeeds(&mut on(module, &["init", "-input=false"]));
    }
    succeeds(&mut on("network/terraform_network", &["apply", "-input=false", "-auto-approve"]));
    let plan = |access: &str, secret: &str, region: &str, image: &str, ip: &str| {
        let vars = [
            ("access_key", access),
            ("secret_key", secret),
            ("region", region),
            ("ami_image_id", image),
            ("master_eip", ip),
        ];
        let vars = vars.map(|(name, value)| format!("-var={name}={value}"));
        let mut args = vec!["plan", "-input=false", "-no-color"];
        args.extend(vars.iter().map(String::as_str));
        let output = run(&mut on("db_config/terraform_master", &args));
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    };
    let (empty, text) = plan("", "", "", "", "");
    assert!(empty && text.contains("1 to add") && text.contains("ami-00000000000000001"), "{text}");
    let (given, text) = plan("AKIAEXAMPLE", "very-secret", "eu-central-1", "ami-0123456789abcdef0", "");
    assert!(given && text.contains("ami-0123456789abcdef0"), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
    for (region, image, ip, complaint) in [
        ("us-east-1", "", "", "is in eu-central-1"),
        ("", "latest", "", "An AMI id looks like"),
        ("", "", "master.example", "An Elastic IP is an IPv4 address"),
    ] {
        let (good, text) = plan("", "", region, image, ip);
        assert!(!good && text.contains(complaint), "{text}");
    }
}

#[test]
fn the_state_can_live_in_s3() {
    let blueprint = r#"cluster "cold" {
  region = "eu-west-1"
  slaves { count = 0 }
  state {
    s3 {
      bucket     = "states"
      key_prefix = "pg"
      region     = "eu-west-1"
    }
  }
}
"#;
    let generated = Generated::from_text("cold.hcl", blueprint);
    let moto = Moto::with_images(generated.cluster.tag(), &generated.files);
    moto.make_bucket("eu-west-1", "states");
    let terraform = Terraform::against(&moto.endpoint());
    let network = generated.path("network/terraform_network");
    succeeds(&mut terraform.command(&network, &["init", "-input=false"]));
    succeeds(&mut terraform.command(&network, &["apply", "-input=false", "-auto-approve"]));
    let state = moto.object("eu-west-1", "states/pg/cold/eu-west-1/terraform_network.tfstate");
    assert!(state.contains("aws_vpc_endpoint"), "{state}");
    for secret in &generated.cluster.secrets {
        assert!(!state.contains(&moto.secret("eu-west-1", &secret.name)), "{} is in the state", secret.name);
    }
    assert!(!network.join("terraform.tfstate").exists(), "state is beside the module as well");
}

/// The modules of machines need the network, not each other.
fn side_by_side(modules: &[&str], work: impl Fn(&&str) + Sync) {
    std::thread::scope(|scope| {
        for module in modules {
            scope.spawn(|| work(module));
        }
    });
}

/// Checks that no password is in a state, a plan, a log or a generated file. A saved plan is a zip file, and is unpacked.
fn no_secret_is_left(generated: &Generated, moto: &Moto) {
    let region = &generated.cluster.region;
    let folder = generated.path(".");
    for secret in generated.cluster.secrets.iter().filter(|secret| secret.creator == Creator::Terraform) {
        let password = moto.secret(region, &secret.name);
        assert_eq!(password.len(), 32, "{}", secret.name);
        assert!(password.chars().all(|c| c.is_ascii_alphanumeric()), "{} needs quoting somewhere", secret.name);
        let script = r#"import io, os, sys, zipfile
needle = sys.stdin.buffer.read()
for folder, _, names in os.walk(sys.argv[1]):
    if "providers" in folder.split(os.sep):
        continue
    for name in names:
        path = os.path.join(folder, name)
        data = open(path, "rb").read()
        if zipfile.is_zipfile(io.BytesIO(data)):
            archive = zipfile.ZipFile(io.BytesIO(data))
            data += b"".join(archive.read(member) for member in archive.namelist())
        if needle in data:
            sys.exit(f"a password is in {path}")
"#;
        let mut search = Command::new("python3");
        search.args(["-c", script]).arg(&folder).stdin(stdin_of(&password));
        succeeds(&mut search);
    }
}

fn stdin_of(text: &str) -> std::fs::File {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for it");
    file.rewind().expect("a file can be rewound");
    file
}

fn instances_are_as_the_cluster_has_them(generated: &Generated, moto: &Moto) {
    let xml = moto.ec2(&generated.cluster.region, "DescribeInstances");
    for machine in &generated.cluster.machines {
        for fact in [machine.hostname.clone(), machine.address.to_string(), machine.block.instance_type.clone()] {
            assert!(xml.contains(&format!(">{fact}<")), "{}: no {fact} in {xml}", machine.name);
        }
    }
    let count = |text: &str| xml.matches(text).count();
    let machines = generated.cluster.machines.len();
    assert_eq!(count("<httpTokens>required</httpTokens>"), machines, "IMDSv2 is not required everywhere");
    assert_eq!(count("<httpPutResponseHopLimit>1</httpPutResponseHopLimit>"), machines);
    let volumes = moto.ec2(&generated.cluster.region, "DescribeVolumes");
    assert_eq!(volumes.matches("<encrypted>true</encrypted>").count(), machines, "{volumes}");
    let rules = moto.ec2(&generated.cluster.region, "DescribeSecurityGroupRules");
    let open: Vec<&str> = rules.split("<item>").filter(|rule| rule.contains("0.0.0.0/0")).collect();
    let ours: Vec<&&str> = open.iter().filter(|rule| rule.contains("pgherd:cluster")).collect();
    assert!(ours.is_empty(), "a port is open to the world: {ours:?}");
}
