//! Two clusters of one name in two regions of one account, with one bucket for their states, do not affect each other. The real Terraform
//! on moto.

use std::collections::BTreeMap;
use std::fs;

use crate::real::world::World;
use crate::support::Done;
use serde_json::Value;

const IRELAND: &str = "eu-west-1";
const VIRGINIA: &str = "us-east-1";

fn blueprint(region: &str) -> String {
    format!(
        "cluster \"herd\" {{\n  region = \"{region}\"\n  slaves {{\n    count = 0\n  }}\n  state {{\n    s3 {{\n      bucket = \"states\"\n      \
         region = \"{IRELAND}\"\n    }}\n  }}\n}}\n"
    )
}

/// Runs a verb on the network of a region's cluster. Each cluster has its own folder.
fn pgherd(world: &World, verb: &str, region: &str, more: &[&str]) -> Done {
    let blueprint = format!("blueprints/{region}.hcl");
    world.test.run(&[&[verb, &blueprint, "--out", region], more].concat())
}

const NETWORK: &[&str] = &["--yes", "--only", "network"];

/// Returns everything that belongs to a region's cluster, by kind and id. IAM's resources have the region in their names.
fn things(world: &World, region: &str) -> BTreeMap<String, String> {
    let mut answer = ureq::get(format!("{}/moto-api/data.json", world.moto.endpoint())).call().unwrap();
    let data: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    let mut found = BTreeMap::new();
    for (service, models) in data.as_object().unwrap() {
        for (kind, list) in models.as_object().unwrap() {
            for one in list.as_array().unwrap() {
                let text = one.to_string();
                let ours = text.contains(&format!("herd/{region}"))
                    || service == "iam" && text.contains(&format!("herd-{region}-"));
                if ours {
                    found.insert(
                        format!("{service} {kind} {}", one["id"].as_str().or(one["name"].as_str()).unwrap_or(&text)),
                        text,
                    );
                }
            }
        }
    }
    found
}

#[test]
fn clusters_of_one_name_in_two_regions_are_two() {
    let world = World::of(&blueprint(IRELAND));
    world.moto.make_bucket(IRELAND, "states");
    fs::remove_file(world.test.path("blueprints/herd.hcl")).unwrap();
    for region in [IRELAND, VIRGINIA] {
        world.test.write(&format!("blueprints/{region}.hcl"), &blueprint(region));
        pgherd(&world, "gen", region, &[]).exits(0);
        let done = pgherd(&world, "run", region, NETWORK).exits(0).err("network done");
        assert!(!done.stderr.contains("adopting"), "{region} took something of the other's: {}", done.stderr);
    }
    // Each response ends with the id of its request.
    let role = |name: &str| world.moto.role(name)?.split("<ResponseMetadata>").next().map(String::from);
    let roles = |region: &str| ["database", "haproxy"].map(|kind| role(&format!("herd-{region}-{kind}")));
    let (ireland, theirs) = (roles(IRELAND), things(&world, IRELAND));
    assert!(ireland.iter().chain(&roles(VIRGINIA)).all(Option::is_some), "each region has its own roles");
    assert!(theirs.len() > 5 && things(&world, VIRGINIA).len() == theirs.len(), "{theirs:#?}");

    // A fresh checkout adopts what belongs to its cluster, and nothing else.
    let key = |region: &str| format!("states/pgherd/herd/{region}/terraform_network.tfstate");
    world.moto.delete(IRELAND, &key(VIRGINIA));
    for forgotten in [".pgherd", "network/terraform_network/.terraform"] {
        fs::remove_dir_all(world.test.path(VIRGINIA).join("herd").join(forgotten)).unwrap();
    }
    pgherd(&world, "run", VIRGINIA, NETWORK).exits(0).err("2 aws_iam_role").err("1 aws_vpc");
    let state = world.moto.object(IRELAND, &key(VIRGINIA));
    assert!(!state.contains(&format!("herd-{IRELAND}-")), "it took up the other's roles");

    // One is destroyed, and the other is unaffected.
    pgherd(&world, "destroy", VIRGINIA, &["--yes"]).exits(0);
    assert_eq!((roles(IRELAND), things(&world, IRELAND)), (ireland, theirs));
    assert!(roles(VIRGINIA).iter().all(Option::is_none));
    pgherd(&world, "run", IRELAND, NETWORK).exits(0).err("network unchanged");
    pgherd(&world, "destroy", IRELAND, &["--yes"]).exits(0);
    assert!(roles(IRELAND).iter().all(Option::is_none));
    for region in [IRELAND, VIRGINIA] {
        assert_eq!(world.moto.secrets(region), [""; 0], "secrets are left in {region}");
    }
}
