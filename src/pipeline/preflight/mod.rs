//! Finds out before a run begins what AWS would refuse in the middle of it: zones, instance types, quotas, and what the blueprint names.
//!
//! This layer is pure: it makes the questions and judges the answers, and `run` asks. A question that the credentials may not ask is
//! reported and does not count against the cluster. Quotas that a cluster never comes near (2,500 security groups, 500,000 secrets a
//! region) are left out.

mod judge;
mod processors;
pub mod region;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{Cluster, State};
use crate::tools::aws::args;

pub use judge::judge;
pub use processors::Class;

/// The subject of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The region's zones.
    Zones,
    /// The zones that offer each instance type.
    Offerings,
    /// Elastic IPs.
    Addresses,
    /// The quota of Elastic IPs.
    AddressQuota,
    /// The machines that run.
    Machines,
    /// The quota of processors of a class.
    ProcessorQuota(Class),
    /// VPCs.
    Vpcs,
    /// The quota of VPCs.
    VpcQuota,
    /// The subnets that the blueprint names.
    Subnets,
    /// The key pairs that the blueprint names.
    KeyPairs,
    /// The KMS key that the blueprint names.
    Key,
    /// The bucket of Terraform's states.
    Bucket,
    /// Whether that bucket keeps old versions.
    Versioning,
}

/// A question to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub of: Subject,
    /// The AWS CLI's arguments.
    pub args: Vec<String>,
}

/// What a question led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// AWS's response; null if the command prints none.
    Json(Value),
    /// The credentials lack the right.
    Forbidden,
    /// It does not exist.
    Missing,
    /// The command failed, with its message.
    Failed(String),
}

/// Something that is missing, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What is missing, with numbers.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// The judgement on all answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreflightVerdict {
    /// What makes a run fail.
    pub lacks: Vec<Lack>,
    /// What could not be checked, and what may fail.
    pub notices: Vec<String>,
}

/// The quota of VPCs a region (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const VPC_QUOTA: &str = "L-F678F1CE";
/// The quota of Elastic IPs (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const ADDRESS_QUOTA: &str = "L-0263D0A3";

/// Returns the questions for a cluster. `has_quotas` says whether the platform knows quotas: the lab's moto does not.
pub fn questions(cluster: &Cluster, has_quotas: bool) -> Vec<Question> {
    let region = cluster.region.as_str();
    let mut asked = vec![];
    let mut ask = |of: Subject, region: &str, words: &[&str]| asked.push(Question { of, args: args(region, words) });
    ask(Subject::Zones, region, &["ec2", "describe-availability-zones"]);
    let types = format!("Name=instance-type,Values={}", listed(&types(cluster)));
    let place = ["--location-type", "availability-zone", "--filters", &types];
    ask(Subject::Offerings, region, &[&["ec2", "describe-instance-type-offerings"], &place[..]].concat());
    if cluster.machines.iter().any(|machine| machine.block.elastic_ip) {
        ask(Subject::Addresses, region, &["ec2", "describe-addresses"]);
        let name = ["--attribute-names", "vpc-max-elastic-ips"];
        ask(Subject::AddressQuota, region, &[&["ec2", "describe-account-attributes"], &name[..]].concat());
    }
    let quota =
        |service, code| ["service-quotas", "get-service-quota", "--service-code", service, "--quota-code", code];
    if has_quotas {
        let shape = "Reservations[].Instances[].{type:InstanceType,spot:InstanceLifecycle,cpu:CpuOptions,tags:Tags}";
        let running = ["--filters", "Name=instance-state-name,Values=pending,running", "--query", shape];
        ask(Subject::Machines, region, &[&["ec2", "describe-instances"], &running[..]].concat());
        for class in processors::classes(cluster) {
            ask(Subject::ProcessorQuota(class), region, &quota("ec2", class.quota()));
        }
    }
    ask(Subject::Vpcs, region, &["ec2", "describe-vpcs"]);
    if has_quotas && cluster.network.vpc_id.is_none() {
        ask(Subject::VpcQuota, region, &quota("vpc", VPC_QUOTA));
    }
    let subnets: BTreeSet<&str> = subnets(cluster).collect();
    if !subnets.is_empty() {
        let ids = format!("Name=subnet-id,Values={}", listed(&subnets));
        ask(Subject::Subnets, region, &["ec2", "describe-subnets", "--filters", &ids]);
    }
    let keys = key_pairs(cluster);
    if !keys.is_empty() {
        let names = format!("Name=key-name,Values={}", listed(&keys));
        ask(Subject::KeyPairs, region, &["ec2", "describe-key-pairs", "--filters", &names]);
    }
    if let Some(key) = &cluster.blueprint.kms_key_id {
        ask(Subject::Key, region, &["kms", "describe-key", "--key-id", key]);
    }
    if let State::S3 { bucket, region, .. } = &cluster.blueprint.state {
        ask(Subject::Bucket, region, &["s3api", "head-bucket", "--bucket", bucket]);
        ask(Subject::Versioning, region, &["s3api", "get-bucket-versioning", "--bucket", bucket]);
    }
    asked
}

/// Returns every instance type that a run starts, those of builders included.
fn types(cluster: &Cluster) -> BTreeSet<&str> {
    let machines = cluster.machines.iter().map(|machine| machine.block.instance_type.as_str());
    machines.chain(builders(cluster).into_iter().map(|(_, kind)| kind)).collect()
}

/// Returns the role of each image, and the instance type that it is built on.
fn builders(cluster: &Cluster) -> Vec<(&'static str, &str)> {
    let of = |role| {
        let machine = cluster.machine_of(role)?;
        let default = machine.arch.builder();
        Some((role.name(), cluster.blueprint.image.builder_instance_type.as_deref().unwrap_or(default)))
    };
    cluster.roles().filter_map(of).collect()
}

fn subnets(cluster: &Cluster) -> impl Iterator<Item = &str> {
    let zones = cluster.network.subnets.iter().filter_map(|subnet| subnet.id.as_deref());
    zones.chain(cluster.blueprint.image.builder_subnet_id.as_deref())
}

fn key_pairs(cluster: &Cluster) -> BTreeSet<&str> {
    cluster.machines.iter().filter_map(|machine| machine.block.key_name.as_deref()).collect()
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(",")
}
