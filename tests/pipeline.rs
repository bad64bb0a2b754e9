//! The pipeline as data: what waits for what, and what is run.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use pgherd::blueprint::model::Blueprint;
use pgherd::cluster::resolve;
use pgherd::fileset::{FileSet, ImageId, RelPath};
use pgherd::pipeline::{Pipeline, Stage, Target, Toolbox, pipeline};

fn made(slaves: u8) -> Pipeline {
    let cluster = resolve(&Blueprint { slave_count: slaves, ..Blueprint::smallest("herd", "eu-west-1") });
    let mut set = FileSet::new();
    for role in cluster.roles() {
        let (role, hash) = (role.name().to_string(), "0123456789ab".to_string());
        let template = RelPath::new(format!("packer_templates/{role}_temp.json"));
        set.images.push(ImageId { name: format!("herd-{role}-{hash}"), role, hash, template });
    }
    let target = Target {
        name: "aws".into(),
        root: "/out/herd".into(),
        command_prefix: vec![],
        environment: BTreeMap::new(),
        packer_vars: BTreeMap::new(),
        private_addresses: false,
    };
    pipeline(&cluster, &set, &target, &Toolbox { terraform: "terraform".into() })
}

fn needs(stages: &[Stage]) -> Vec<String> {
    stages.iter().map(|s| format!("{} <- {}", s.id, s.needs.join(" "))).collect()
}

#[test]
fn images_wait_for_nothing_and_machines_for_what_they_are_made_of() {
    assert_eq!(
        needs(&made(2).stages),
        [
            "network <- ",
            "image-master <- ",
            "image-slave <- ",
            "image-haproxy <- ",
            "master <- network image-master",
            "slaves <- master image-slave",
            "haproxy <- master image-haproxy",
            "verify <- network master slaves haproxy",
        ]
    );
}

#[test]
fn a_cluster_without_slaves_has_no_stage_for_them() {
    assert!(made(0).stages.iter().all(|s| !s.id.contains("slave")));
}

#[test]
fn teardown_is_the_reverse() {
    assert_eq!(
        needs(&made(2).teardown()),
        ["haproxy <- ", "slaves <- ", "master <- slaves haproxy", "network <- master",]
    );
}

#[test]
fn plans_are_saved_in_the_private_folder_whatever_module_they_are_of() {
    let pipeline = made(2);
    let (_, module) = pipeline.modules().next().unwrap();
    assert_eq!(module.plan_file, ".pgherd/plans/network.tfplan");
    assert!(module.plan.args.contains(&"-out=../../.pgherd/plans/network.tfplan".to_string()));
}
