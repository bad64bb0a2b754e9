//! Every type of resource that a module creates is found if its state is lost, or is known to be harmless if it is created again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::generated::{Generated, KINDS};
use pgherd::tools::adopt::{self, MADE_AGAIN, PlannedResource};
use serde_json::json;

/// Returns each type of resource, and a module that creates it.
fn types() -> BTreeMap<String, String> {
    let mut types = BTreeMap::new();
    for kind in KINDS {
        let generated = Generated::of(kind);
        for (path, file) in generated.files.iter().filter(|(path, _)| path.as_str().ends_with(".tf")) {
            let body: hcl_edit::structure::Body = file.text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
            for block in body.get_blocks("resource") {
                types.insert(block.labels[0].as_str().to_string(), path.to_string());
            }
        }
    }
    // A template may be used only by other kinds of blueprints, and what is committed may be older than the templates.
    for root in ["src/generate/templates", "generated", "snapshots"] {
        in_files(Path::new(root), &mut types);
    }
    types
}

/// Every `resource "TYPE"` at the beginning of a line of the files in a folder, including templates and snapshots.
fn in_files(folder: &Path, types: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            in_files(&path, types);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap_or_default().lines() {
            if let Some((kind, _)) = line.strip_prefix("resource \"").and_then(|rest| rest.split_once('"')) {
                types.entry(kind.to_string()).or_insert_with(|| path.display().to_string());
            }
        }
    }
}

#[test]
fn every_type_is_adopted_or_made_again_for_a_reason() {
    let types = types();
    assert!(types.len() > 15, "{types:#?}");
    let made_again: BTreeSet<&str> = MADE_AGAIN.iter().map(|(kind, _)| *kind).collect();
    // The attributes that a plan knows, which are enough for every question.
    let attributes = json!({"name": "herd", "subnet_id": "subnet-1", "load_balancer_arn": "arn:1", "tags_all": {"pgherd:cluster": "herd/eu-west-1"}});
    for (kind, path) in &types {
        let wanted = PlannedResource {
            address: format!("{kind}.it"),
            kind: kind.clone(),
            attributes: attributes.as_object().unwrap().clone(),
        };
        let asked = !adopt::questions("eu-west-1", "herd/eu-west-1", &[wanted]).is_empty();
        assert!(
            asked != made_again.contains(kind.as_str()),
            "{kind} ({path}): a run whose state is lost would make it a second time. Ask AWS for it in tools/adopt.rs, or say in MADE_AGAIN \
             why it does no harm; not both"
        );
    }
    let gone: Vec<&&str> = made_again.iter().filter(|kind| !types.contains_key(**kind)).collect();
    assert!(gone.is_empty(), "no module makes these any more: {gone:?}");
}
