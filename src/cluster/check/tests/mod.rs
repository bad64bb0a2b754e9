mod access;
mod budget;
mod faults;
mod rules;

use super::*;
use crate::blueprint::model::Blueprint;
use crate::cluster::resolve;

/// A blueprint's block, behind the smallest one's region.
fn checked(text: &str) -> Check {
    check(&resolve(&parsed(text)))
}

fn parsed(text: &str) -> Blueprint {
    let text = format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n{text}\n}}\n");
    crate::blueprint::parse("herd.hcl", &text).unwrap_or_else(|problems| panic!("{text}{problems:#?}"))
}

fn codes(check: &Check) -> Vec<&'static str> {
    check.findings.iter().map(|finding| finding.rule.code).collect()
}

/// Master and slaves of one type, with a disk of these attributes.
fn both(instance_type: &str, disk: &str) -> String {
    let kind = format!("{{\n instance_type = \"{instance_type}\"\n disk {{\n {disk}\n}}\n}}");
    format!("master {kind}\nslaves {kind}")
}
