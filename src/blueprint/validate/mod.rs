//! The document as a [`Blueprint`]: one file a block, each a list of its attributes with what they may hold.

mod accept;
mod aws;
mod failover;
mod haproxy;
mod image;
mod machine;
mod names;
mod network;
mod postgres;
mod processor;
mod settings;
mod state;
mod tags;
mod vpc;

use std::collections::BTreeMap;

use hcl_edit::structure::{Block, Body};

use processor::InstanceTypes;

pub use aws::is_graviton;

use super::diagnostic::{Refusal, SourceText, refuse};
use super::document;
use super::expression::Evaluator;
use super::model::Blueprint;
use super::reader::{BlockReader, Presence, Reading};
use super::tree::{self, span};
use super::value::Evaluated;
use super::variable;
use super::vocabulary::{Word, nearest};
use crate::blueprint::rules::language as is;

/// Reads the file's one cluster block. What is wrong in it is reported to `source`, and reading goes on with the default.
/// `given` is what the variables are set to from outside.
pub(super) fn cluster(source: &SourceText, document: &Body, given: &BTreeMap<String, String>) -> Option<Blueprint> {
    let block = only_cluster(source, document);
    let variables: BTreeMap<String, Evaluated> = variable::read(source, document, given);
    let block = block?;
    let name = cluster_name(source, block);
    let body = tree::Body::evaluate(&block.body, &Evaluator::new(source, &variables));
    let blueprint = BlockReader::cluster(source, &body, span(&block.ident), |r| blueprint(r, &name));
    if let (Some(label), Err(refusal)) = (block.labels.first(), names::fits_region(&name, &blueprint.region)) {
        source.refused(&span(label), refusal);
    }
    Some(blueprint)
}

/// Every name of the language, in the order of reading.
pub(super) fn words() -> Vec<Word> {
    // Blocks that hold required attributes are asked for those only where they are.
    const FULLEST: &str = r#"cluster "herd" {
        region = "eu-west-1"
        accept "PGH003" { reason = "an example" }
        state {
            s3 { bucket = "states" }
        }
    }"#;
    let source = SourceText::new("", FULLEST);
    let Some(document) = document::parse(&source) else { return vec![] };
    let Some(block) = document.blocks().next() else { return vec![] };
    let none = BTreeMap::new();
    let body = tree::Body::evaluate(&block.body, &Evaluator::new(&source, &none));
    BlockReader::words(&source, &body, |r| drop(blueprint(r, "<cluster>")))
}

fn blueprint(r: &BlockReader, name: &str) -> Blueprint {
    let region = r.required("region", "eu-west-1", aws::region);
    let default = Blueprint::smallest(name, &region.value);
    let network = r.block("network", |r| network::read(r, &region, default.network));
    let (image, builder) = r.block("image", |r| image::read(r, &region, default.image));
    let (master, master_type) = r.block("master", |r| machine::read(r, default.master));
    let (slave_count, (slaves, slaves_type)) = r.block("slaves", |r| {
        let count = r.integer("count", default.slave_count.into(), 0..=15, "");
        (count.value, machine::read(r, default.slaves))
    });
    let (haproxy, haproxy_type) = r.block("haproxy", |r| haproxy::read(r, default.haproxy));
    let slaves_type = (slave_count > 0).then_some(slaves_type);
    let types = InstanceTypes { builder, master: master_type, slaves: slaves_type, haproxy: haproxy_type };
    processor::check(r, &types);
    let (failover, budget) = r.block("failover", |r| failover::read(r, default.failover));
    let postgres = r.block("postgres", |r| {
        let own_major = image.base.own_postgres();
        let context =
            postgres::Context { synchronous: failover.synchronous, own_major, slaves: slave_count, logical_slots: 0 };
        postgres::read(r, default.postgres, &context)
    });
    let tags = tags::read(r);
    let key_region = (!region.is_refused()).then_some(region.value.as_str());
    let kms_key_id = r.optional("kms_key_id", |text| aws::kms_key(text, key_region)).value;
    let state = r.block("state", |r| state::read(r, &region.value));
    Blueprint {
        name: name.into(),
        region: region.value,
        network,
        image,
        postgres,
        master,
        slave_count: slave_count as u8,
        slaves,
        haproxy,
        failover,
        budget,
        accepted: accept::read(r),
        tags,
        state,
        kms_key_id,
    }
}

/// Blocks that people may expect from Terraform.
const TERRAFORM: [&str; 8] = ["data", "locals", "module", "moved", "output", "provider", "resource", "terraform"];

/// The file's one block; everything else at its top level is reported.
fn only_cluster<'a>(source: &SourceText, document: &'a Body) -> Option<&'a Block> {
    const HELP: &str = "write everything inside one `cluster \"<name>\" { … }`";
    for attribute in document.attributes() {
        let problem = format!("`{}` stands outside of the cluster", attribute.key.as_str());
        source.report(&is::ONE_CLUSTER, &span(&attribute.key), problem, HELP);
    }
    let mut found: Option<&Block> = None;
    for block in document.blocks() {
        let (name, at) = (block.ident.as_str(), span(&block.ident));
        if name == "variable" {
            // Its own reader's.
        } else if TERRAFORM.contains(&name) {
            let problem =
                format!("`{name}` is Terraform's: a blueprint says what to build, and pgherd writes the Terraform");
            source.report(
                &is::ONE_CLUSTER,
                &at,
                problem,
                "leave it out; a value of its own is a `variable \"<name>\" { default = … }`",
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
                "a second cluster in this file",
                "write one cluster a file: move this one to another",
            );
        } else {
            found = Some(block);
        }
    }
    if document.attributes().next().is_none() && document.blocks().all(|block| block.ident.as_str() == "variable") {
        source.report(
            &is::ONE_CLUSTER,
            &(0..0),
            "there is no cluster in this file",
            "write cluster \"herd\" { region = \"eu-west-1\" }",
        );
    }
    found
}

/// The cluster's name, from the block's only label.
fn cluster_name(source: &SourceText, block: &Block) -> String {
    const FALLBACK: &str = "herd";
    let at = span(&block.ident);
    let [label, more @ ..] = block.labels.as_slice() else {
        source.report(&is::LABEL, &at, "the cluster has no name", "write cluster \"herd\" { … }");
        return FALLBACK.into();
    };
    if let Some(second) = more.first() {
        source.report(&is::LABEL, &span(second), "a cluster has one name", "write cluster \"herd\" { … }");
    }
    match names::cluster(label.as_str()) {
        Ok(name) => name,
        Err(refusal) => {
            source.refused(&span(label), refusal);
            FALLBACK.into()
        }
    }
}
