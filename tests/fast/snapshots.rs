//! Snapshots of generated files, from a few blueprints that differ in kind.
//!
//! The files of the shipped blueprints are in `generated/`. For the others, `snapshots/` has the files that differ from the smallest
//! blueprint's file at the same path.

use std::collections::BTreeSet;
use std::path::Path;

use pgherd::fileset::FileSet;

fn generated(path: &str) -> FileSet {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    of_text(path, &std::fs::read_to_string(file).expect("the blueprint is in the repo"))
}

fn of_text(path: &str, text: &str) -> FileSet {
    let blueprint = pgherd::blueprint::parse(path, text).unwrap_or_else(|problems| panic!("{path}: {problems:#?}"));
    pgherd::generate::generate(&pgherd::cluster::resolve(&blueprint))
}

/// Snapshots the files of a blueprint that differ from the smallest blueprint's, and finds snapshots that no file has any more.
fn hold(kind: &str, files: &FileSet) {
    let smallest = generated("blueprints/minimal.hcl");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(kind);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut expected = BTreeSet::new();
    settings.bind(|| {
        for (path, file) in files.iter() {
            if smallest.get(path.as_str()).is_some_and(|other| other == file) {
                continue;
            }
            let name = path.as_str().replace('/', "__");
            expected.insert(format!("{name}.snap"));
            insta::assert_snapshot!(name, file.text);
        }
    });
    let found: BTreeSet<String> = std::fs::read_dir(&folder)
        .expect("the snapshots' folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".snap"))
        .collect();
    assert_eq!(found, expected, "snapshots/{kind}: left is on disk, right is generated");
}

/// Compares `generated/` with what `gen` writes, and finds files that are no longer generated.
#[test]
fn the_shipped_blueprints_have_their_files_in_generated() {
    for name in ["herd", "minimal"] {
        let files = generated(&format!("blueprints/{name}.hcl"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated").join(name);
        for (path, file) in files.iter() {
            let text = std::fs::read_to_string(folder.join(path.as_str())).unwrap_or_default();
            assert_eq!(text, file.text, "generated/{name}/{path}: write it with `pgherd gen`", path = path.as_str());
        }
        let mut expected: BTreeSet<String> = files.iter().map(|(path, _)| path.as_str().to_string()).collect();
        // The manifest is derived from the others, and `gen --check` checks it.
        expected.insert("pgherd.json".into());
        assert_eq!(committed(&folder, &folder), expected, "generated/{name}: left is on disk, right is generated");
    }
}

/// Returns the files below a folder that git tracks, or would track: none of pgherd's notes, and none of Terraform's files.
fn committed(top: &Path, folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(top).unwrap().display().to_string();
        let ignored = [".pgherd", ".terraform", ".tfstate", ".tfplan"].iter().any(|word| name.contains(word));
        if path.is_dir() && !ignored {
            found.extend(committed(top, &path));
        } else if !ignored {
            found.insert(name);
        }
    }
    found
}

#[test]
fn two_databases_have_etcds_third_member_on_haproxy() {
    hold("pair", &generated("tests/blueprints/pair.hcl"));
}

#[test]
fn a_master_alone() {
    hold("alone", &generated("tests/blueprints/alone.hcl"));
}

#[test]
fn everything_at_its_largest() {
    hold("largest", &generated("tests/blueprints/largest.hcl"));
}

#[test]
fn a_vpc_and_a_key_that_exist_already() {
    hold("vpc", &generated("tests/blueprints/vpc.hcl"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(generated("tests/blueprints/largest.hcl"), generated("tests/blueprints/largest.hcl"));
}

/// Text about synchronous replication appears only for clusters that have it.
#[test]
fn an_asynchronous_cluster_is_told_of_nothing_synchronous() {
    let with = |synchronous| {
        let failover = format!("failover {{\n synchronous = {synchronous}\n}}");
        of_text("a.hcl", &format!("cluster \"herd\" {{\nregion = \"eu-west-1\"\n{failover}\n}}"))
    };
    let told = |files: FileSet| {
        let words = [" synchronous ", "commits", "a commit"];
        let lines =
            files.iter().flat_map(|(_, file)| file.text.lines()).filter(|l| words.iter().any(|w| l.contains(w)));
        lines.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(told(with(false)), Vec::<String>::new());
    assert!(told(with(true)).len() > 5);
}
