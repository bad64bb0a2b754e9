//! Packer accepts every template, and an image's hash covers its contents.

use std::collections::BTreeSet;
use std::process::Command;

use crate::real::moto::Moto;
use crate::support::generated::{Generated, KINDS, run, succeeds};
use pgherd::fileset::contents;
use pgherd::tools::aws;
use serde_json::Value;

/// Returns Packer as a person runs it, without those variables of the caller's environment that a template reads.
fn packer(generated: &Generated, args: &[&str]) -> Command {
    let mut command = Command::new("packer");
    command.args(args).current_dir(generated.path(".")).env("CHECKPOINT_DISABLE", "1").env_remove("AWS_ENDPOINT_URL");
    command
}

#[test]
fn every_template_is_valid() {
    // Since 1.7 the plugin is not part of Packer.
    if Command::new("packer").args(["plugins", "installed"]).output().is_ok_and(|output| output.status.success()) {
        succeeds(Command::new("packer").args(["plugins", "install", "github.com/hashicorp/amazon"]));
    }
    for kind in KINDS {
        let generated = Generated::of(kind);
        for image in &generated.files.images {
            succeeds(&mut packer(&generated, &["validate", image.template.as_str()]));
        }
    }
}

#[test]
fn a_person_may_say_where_and_how_to_build() {
    let generated = Generated::of("blueprints/minimal.hcl");
    let vars = [
        "endpoint=http://192.0.2.1",
        "vpc_id=vpc-0123456789abcdef0",
        "subnet_id=subnet-0123456789abcdef0",
        "ssh_interface=private_ip",
        "ssh_source_cidrs=198.51.100.7/32,203.0.113.0/24",
        "http_proxy=http://192.0.2.2:3128",
        "instance_type=t3.large",
    ];
    let mut args = vec!["validate"];
    for var in &vars {
        args.extend(["-var", var]);
    }
    args.push("packer_templates/master_temp.json");
    succeeds(&mut packer(&generated, &args));
    // The same with one changed name. It shows that Packer reads the template and does not skip parts of it.
    args[2] = "ssh_interface=carrier_pigeon";
    args[8] = "endpoint=";
    assert!(!run(&mut packer(&generated, &args)).status.success());
}

#[test]
fn an_image_is_named_and_tagged_by_what_is_in_it() {
    let generated = Generated::of("blueprints/herd.hcl");
    let roles: Vec<&str> = generated.files.images.iter().map(|image| image.role.as_str()).collect();
    assert_eq!(roles, ["master", "slave", "haproxy"]);
    for image in &generated.files.images {
        let template: Value =
            serde_json::from_str(&generated.files.get(image.template.as_str()).expect("the template").text)
                .expect("JSON");
        let builder = &template["builders"][0];
        assert_eq!(image.name, format!("herd-{}-{}", image.role, image.hash));
        assert!(image.hash.len() == 12 && image.hash.chars().all(|c| c.is_ascii_hexdigit()), "{}", image.hash);
        assert_eq!(builder["ami_name"], image.name.as_str());
        for tags in ["tags", "snapshot_tags"] {
            assert_eq!(builder[tags]["pgherd:content"], image.hash.as_str());
            assert_eq!(builder[tags]["pgherd:cluster"], format!("herd/{}", generated.cluster.region));
        }
        let terraform = match image.role.as_str() {
            "haproxy" => "load_balancer/terraform_haproxy/cluster.tf".to_string(),
            role => format!("db_config/terraform_{role}/cluster.tf"),
        };
        let looked_up = &generated.files.get(&terraform).expect("the module").text;
        assert!(looked_up.contains(&format!("\"{}\"", image.hash)), "{terraform} boots another image");
    }
}

#[test]
fn an_image_tells_what_it_is_made_of_within_the_limit_of_tags() {
    let tags: Vec<String> = (0..35).map(|i| format!("tag-{i} = \"x\"")).collect();
    let text = format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n  tags = {{\n{}\n}}\n}}\n", tags.join("\n"));
    let generated = Generated::from_text("tags.hcl", &text);
    for image in &generated.files.images {
        let template = &generated.files.get(image.template.as_str()).expect("the template").text;
        let template: Value = serde_json::from_str(template).expect("JSON");
        let tags = template["builders"][0]["tags"].as_object().expect("tags");
        // `run` adds one with the versions once the image exists.
        assert!(
            tags.len() < 50 && tags.values().all(|value| value.as_str().is_some_and(|v| v.len() <= 256)),
            "{tags:#?}"
        );
        assert_eq!(tags["pgherd:base"], "{{ .SourceAMI }} {{ .SourceAMIName }}");
        let told =
            tags.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_string())).collect();
        let told = pgherd::fileset::contents::of_tags(&told).expect("contents");
        let sources = template["provisioners"][1]["sources"].as_array().expect("uploads");
        assert_eq!(told.len(), sources.len() + 1, "the uploads, and the template");
        for path in sources.iter().filter_map(Value::as_str) {
            assert!(generated.files.get(path).expect("it").sha256.starts_with(&told[path]), "{path}");
        }
    }
}

/// The real Packer against moto, except for what happens inside the builder: no machine boots there.
#[test]
fn packer_tags_an_image_with_what_it_is_made_of_and_replaces_it_by_force() {
    let generated = Generated::of("blueprints/minimal.hcl");
    let image = &generated.files.images[2];
    let moto = Moto::with_base("136693071363", "debian-13-amd64-20251117-2299");
    let mut template: Value =
        serde_json::from_str(&generated.files.get(image.template.as_str()).expect("the template").text).expect("JSON");
    template["builders"][0]["communicator"] = "none".into();
    template.as_object_mut().expect("an object").remove("provisioners");
    std::fs::write(generated.path("bare.json"), template.to_string()).expect("written");
    let build = |flags: &[&str]| {
        let mut command = packer(&generated, &[&["build", "-color=false"], flags, &["bare.json"]].concat());
        command
            .env("AWS_ENDPOINT_URL", moto.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        run(&mut command)
    };
    let ours = || {
        let mut command = Command::new("aws");
        command.args(aws::images_of("eu-west-1", "minimal/eu-west-1")).args(["--endpoint-url", &moto.endpoint()]);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let mut found = aws::read_images(&succeeds(&mut command)).expect("images");
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    };
    assert!(build(&[]).status.success());
    let first = ours();
    assert_eq!(contents::of_tags(&first.tags).as_ref(), Some(&image.contents));
    assert_eq!(first.base(), Some(("ami-0000000000000ba5e", "debian-13-amd64-20251117-2299")));
    assert!(!build(&[]).status.success(), "an image of that name is there already");
    assert!(build(&["-force"]).status.success());
    assert_ne!(ours().id, first.id);
    let snapshots = moto.ec2("eu-west-1", "DescribeSnapshots&Owner.1=self");
    assert!(first.snapshots.iter().all(|snapshot| !snapshots.contains(snapshot.as_str())), "{snapshots}");
}

#[test]
fn a_hash_follows_what_goes_in_and_nothing_else() {
    let smallest = |more: &str| {
        let text = format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n{more}\n}}\n");
        let images = Generated::from_text("hash.hcl", &text).files.images;
        images.into_iter().map(|image| (image.role, image.hash)).collect::<Vec<_>>()
    };
    let plain = smallest("");
    assert_eq!(plain, smallest(""), "the same blueprint, another image");
    assert_eq!(plain.iter().map(|(_, hash)| hash).collect::<BTreeSet<_>>().len(), 3, "two roles share a hash");

    // It is part of machines, but not of images.
    assert_eq!(plain, smallest("master {\n  key_name = \"ops\"\n}"));

    let port = smallest("haproxy {\n  write_port = 6432\n}");
    assert_eq!(plain[0], port[0], "the master's image knows HAProxy's port");
    assert_ne!(plain[2], port[2], "HAProxy's image does not know its port");

    let base = smallest("image {\n  base = \"ubuntu-24.04\"\n}");
    assert!(plain.iter().zip(&base).all(|(a, b)| a.1 != b.1), "another base, the same image");
}
