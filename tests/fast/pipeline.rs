//! The pipeline as data: what waits for what, and what is run.

use std::collections::BTreeMap;

use pgherd::blueprint::model::Blueprint;
use pgherd::cluster::{Role, resolve};
use pgherd::fileset::{FileSet, ImageId, RelPath};
use pgherd::pipeline::{Pipeline, Platform, Selection, Stage, Target, Toolbox, pipeline};

#[test]
fn a_plan_knows_the_load_balancers_by_their_role() {
    assert_eq!(pgherd::tools::plan::BALANCER, Role::Haproxy.name());
}

/// A blueprint that sets nothing but its name and region.
fn smallest() -> Blueprint {
    pgherd::blueprint::parse("herd.hcl", "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n").unwrap()
}

fn made(slaves: u8) -> Pipeline {
    let cluster = resolve(&Blueprint { slave_count: slaves, ..smallest() });
    let mut set = FileSet::new();
    for role in cluster.roles() {
        let (role, hash) = (role.name().to_string(), "0123456789ab".to_string());
        let template = RelPath::new(format!("packer_templates/{role}_temp.json"));
        set.images.push(ImageId {
            name: format!("herd-{role}-{hash}"),
            role,
            hash,
            template,
            contents: Default::default(),
        });
    }
    let target = Target {
        platform: Platform::Aws,
        root: "/out/herd".into(),
        command_prefix: vec![],
        environment: BTreeMap::new(),
        packer_vars: BTreeMap::new(),
        private_addresses: false,
        advice: Default::default(),
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
            "slaves <- network image-slave",
            "haproxy <- network image-haproxy",
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
        ["haproxy <- ", "slaves <- ", "master <- slaves haproxy", "network <- master slaves haproxy",]
    );
}

fn chosen(only: &[&str], from: &[&str], skip: &[&str]) -> Result<Vec<String>, String> {
    let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    let selection = Selection { only: words(only), from: words(from), skip: words(skip) };
    Ok(needs(&made(2).select(&selection)?.stages))
}

#[test]
fn stages_are_chosen_and_those_left_out_still_order_the_rest() {
    assert_eq!(chosen(&["image-slave", "network"], &[], &[]).unwrap(), ["network <- ", "image-slave <- "]);
    assert_eq!(
        chosen(&[], &["image-slave"], &[]).unwrap(),
        ["image-slave <- ", "slaves <- image-slave", "verify <- slaves"]
    );
    assert_eq!(chosen(&["network", "verify"], &[], &[]).unwrap(), ["network <- ", "verify <- network"]);
    let skipped = chosen(&[], &["network", "image-master"], &["master", "slaves", "haproxy"]).unwrap();
    assert_eq!(skipped, ["network <- ", "image-master <- ", "verify <- network image-master"]);
    assert_eq!(chosen(&[], &[], &[]).unwrap(), needs(&made(2).stages));
}

#[test]
fn a_stage_that_is_not_there_is_refused_with_the_nearest() {
    let refused = chosen(&["slave"], &[], &[]).unwrap_err();
    assert_eq!(refused, "there is no stage `slave`; did you mean `slaves`?");
    let refused = chosen(&[], &[], &["everything"]).unwrap_err();
    assert!(refused.ends_with(
        "the stages are network, image-master, image-slave, image-haproxy, master, slaves, haproxy, verify"
    ));
    assert_eq!(
        chosen(&["master"], &[], &["master"]).unwrap_err(),
        "no stage is left to run: --only, --from and --skip exclude all of them"
    );
}

#[test]
fn the_graph_is_drawn() {
    let graph = made(0).mermaid();
    assert!(graph.starts_with("flowchart LR\n  network[\"network\\nterraform\"]\n"), "{graph}");
    assert!(graph.contains("\n  network --> master\n") && graph.contains("\n  image-master --> master\n"), "{graph}");
}

#[test]
fn plans_are_saved_in_the_private_folder_whatever_module_they_are_of() {
    let pipeline = made(2);
    let (_, module) = pipeline.modules().next().unwrap();
    assert_eq!(module.plan_file, "../../.pgherd/plans/network.tfplan");
    assert!(module.plan.args.contains(&"-out=../../.pgherd/plans/network.tfplan".to_string()));
}

#[test]
fn the_settings_that_are_compared_are_those_that_are_generated() {
    let cluster = resolve(&smallest());
    let set = pgherd::generate::generate(&cluster);
    let patroni = &set.get("db_config/patroni.yml").unwrap().text;
    let dcs = &patroni[patroni.find("  dcs:").unwrap()..patroni.find("  initdb:").unwrap()];
    let lines: Vec<&str> = dcs.lines().map(str::trim).collect();
    let settings = made(2).expected.settings;
    assert!(settings.len() > 30, "{settings:#?}");
    for (name, value) in settings {
        let (plain, quoted) = (format!("{name}: {value}"), format!("{name}: \"{value}\""));
        assert!(lines.contains(&plain.as_str()) || lines.contains(&quoted.as_str()), "{plain} is not in {dcs}");
    }
}
