//! Reads a [`Blueprint`] from the document, with one file for each block.
//!
//! A block's file holds its struct, the declaration of its attributes (name, meaning, values, default), and its rules.

mod accept;
mod aws;
pub mod cluster;
pub mod failover;
pub mod haproxy;
pub mod image;
pub mod machine;
mod names;
pub mod network;
pub mod postgres;
mod processor;
mod range;
mod settings;
pub mod state;
mod tags;
pub mod vpc;

use super::nearest::nearest;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use hcl_edit::structure::{Block, Body};

pub use aws::is_graviton;
use cluster::Blueprint;

use super::diagnostic::{Refusal, SourceText, refuse};
use super::document;
use super::expression::Evaluator;
use super::form::doc;
use super::reader::{BlockReader, unknown_choice};
use super::reading::{Presence, Reading};
use super::rules::language as is;
use super::span::span;
use super::tree;
use super::value::Evaluated;
use super::variable;
use super::vocabulary::{Word, report_unknown};

/// Every name of the language, in the order of reading.
pub(super) static LANGUAGE: LazyLock<Vec<Word>> = LazyLock::new(|| {
    // Labelled blocks, and those that hold required attributes, are read only where they are present.
    const FULLEST: &str = r#"cluster "herd" {
        region = "eu-west-1"
        network {
            subnet "a" {}
        }
        postgres {
            user "report" {}
            database "legacy" {}
        }
        accept "PGH003" {}
        state {
            s3 {}
        }
    }"#;
    let source = SourceText::new("", FULLEST);
    let Some(document) = document::parse(&source) else { return vec![] };
    let Some(block) = document.blocks().next() else { return vec![] };
    let none = BTreeMap::new();
    let body = tree::Body::evaluate(&block.body, &Evaluator::new(&source, &none));
    BlockReader::words(&source, &body, |r| drop(cluster::read(r, "herd")))
});

/// Reads the file's only cluster block. Reports every problem to `source` and continues with the default.
/// `given` holds the values passed with `--var`.
pub(super) fn blueprint(source: &SourceText, document: &Body, given: &BTreeMap<String, String>) -> Option<Blueprint> {
    let block = only_cluster(source, document);
    let variables: BTreeMap<String, Evaluated> = variable::read(source, document, given);
    let block = block?;
    let name = cluster_name(source, block);
    let body = tree::Body::evaluate(&block.body, &Evaluator::new(source, &variables));
    let blueprint = cluster::read(&BlockReader::cluster(source, &body, span(&block.ident)), &name);
    report_unknown(source, &body, "", &LANGUAGE);
    if let (Some(label), Err(refusal)) = (block.labels.first(), names::fits_region(&name, &blueprint.region)) {
        source.refused(&span(label), refusal);
    }
    Some(blueprint)
}

/// Terraform's top-level blocks, which people may try to use here.
const TERRAFORM: [&str; 8] = ["data", "locals", "module", "moved", "output", "provider", "resource", "terraform"];

/// Returns the file's only cluster block. Reports everything else at the top level.
fn only_cluster<'a>(source: &SourceText, document: &'a Body) -> Option<&'a Block> {
    const HELP: &str = "move it into the block `cluster \"<name>\" { … }`";
    for attribute in document.attributes() {
        let problem = format!("`{}` is outside the cluster block", attribute.key.as_str());
        source.report(&is::ONE_CLUSTER, &span(&attribute.key), problem, HELP);
    }
    let mut found: Option<&Block> = None;
    for block in document.blocks() {
        let (name, at) = (block.ident.as_str(), span(&block.ident));
        if name == "variable" {
            // `variable::read` reads these.
        } else if TERRAFORM.contains(&name) {
            let problem = format!(
                "`{name}` is a Terraform block; a blueprint describes the cluster, and pgherd generates the Terraform for it"
            );
            source.report(
                &is::ONE_CLUSTER,
                &at,
                problem,
                "remove it; for a reusable value, declare `variable \"<name>\" { default = … }`",
            );
        } else if name != "cluster" {
            let meant =
                nearest(name, ["cluster", "variable"].into_iter()).map(|meant| format!("did you mean `{meant}`?"));
            source.report(
                &is::ONE_CLUSTER,
                &at,
                format!("`{name}` is unknown here"),
                meant.unwrap_or_else(|| HELP.into()),
            );
        } else if found.is_some() {
            source.report(
                &is::ONE_CLUSTER,
                &at,
                "a file may hold only one cluster",
                "move this cluster to a file of its own",
            );
        } else {
            found = Some(block);
        }
    }
    if document.attributes().next().is_none() && document.blocks().all(|block| block.ident.as_str() == "variable") {
        source.report(
            &is::ONE_CLUSTER,
            &(0..0),
            "the file has no cluster block",
            "write cluster \"herd\" { region = \"eu-west-1\" }",
        );
    }
    found
}

/// Returns the cluster's name, which is the block's only label.
fn cluster_name(source: &SourceText, block: &Block) -> String {
    const FALLBACK: &str = "herd";
    let at = span(&block.ident);
    let [label, more @ ..] = block.labels.as_slice() else {
        source.report(&is::LABEL, &at, "the cluster has no name", "write cluster \"herd\" { … }");
        return FALLBACK.into();
    };
    if let Some(second) = more.first() {
        source.report(&is::LABEL, &span(second), "a cluster must have only one name", "write cluster \"herd\" { … }");
    }
    match names::cluster(label.as_str()) {
        Ok(name) => name,
        Err(refusal) => {
            source.refused(&span(label), refusal);
            FALLBACK.into()
        }
    }
}
