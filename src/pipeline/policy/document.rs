//! Turns rights into statements, and statements into policy documents that AWS accepts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::modules::Modules;
use super::rights::Resources;
use crate::cluster::{Cluster, Partition};
use crate::tools::lock;

/// The greatest length of a managed policy in characters, without white space
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const LONGEST: usize = 6144;

/// What a statement requires, and its condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// Nothing beyond the resource, which has a name of its own.
    Named(Named),
    /// The request is for the cluster's region.
    InRegion,
    /// The request sets the cluster's tag.
    Tagging,
    /// The resource has the cluster's tag.
    Tagged,
    /// The resource has no cluster's tag.
    Loose,
    /// The request sets the cluster's tag on a resource that has no cluster's.
    Adopting,
    /// Tags are set by the call that creates the resource.
    Creating(BTreeSet<String>),
    /// The image belongs to this publisher.
    PublishedBy(String),
    /// The role is passed to EC2.
    ForMachines,
    /// EC2 or Secrets Manager uses the key on behalf of the caller.
    ByServices,
}

/// What a resource is that a statement names, and with it why the statement is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    /// The VPC and the subnets of the blueprint, which exist already.
    ExistingNetwork,
    /// What bears no tag of the cluster's when it is used, or goes with something that does.
    Untagged,
    /// The EC2 key pairs of the blueprint.
    KeyPairs,
    /// The roles and instance profiles of the cluster's machines.
    MachineRoles,
    /// The network load balancer in front of HAProxy.
    Balancer,
    /// AWS's own role for load balancers.
    ServiceRole,
    /// The passwords of the cluster.
    Passwords,
    /// The passwords of the cluster's users.
    PasswordsOfUsers,
    /// The KMS key of the blueprint.
    Key,
    /// The hosted zone of an endpoint's private names.
    PrivateNames,
    /// The bucket of Terraform's states.
    StateBucket,
    /// Terraform's states.
    States,
    /// Where earlier versions of pgherd kept the states: they are looked for there, and copied.
    FormerStates,
    /// The locks of the states.
    StateLocks,
}

impl When {
    /// Returns the begin of a statement's `Sid`, which says why it is there. AWS takes letters and digits
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>).
    fn sid(&self) -> &'static str {
        match self {
            When::Named(Named::ExistingNetwork) => "UseTheExistingNetwork",
            When::Named(Named::Untagged) => "UseWhatHasNoTagsYet",
            When::Named(Named::KeyPairs) => "UseTheKeyPairs",
            When::Named(Named::MachineRoles) => "ReadTheRolesOfMachines",
            When::Named(Named::Balancer) => "KeepTheLoadBalancer",
            When::Named(Named::ServiceRole) => "LetAwsRunLoadBalancers",
            When::Named(Named::Passwords) => "KeepPasswords",
            When::Named(Named::PasswordsOfUsers) => "UsePasswordsOfUsers",
            When::Named(Named::Key) => "ReadTheKmsKey",
            When::Named(Named::PrivateNames) => "GiveTheEndpointPrivateNames",
            When::Named(Named::StateBucket) => "FindStates",
            When::Named(Named::States) => "KeepStates",
            When::Named(Named::FormerStates) => "CopyStatesOfEarlierVersions",
            When::Named(Named::StateLocks) => "LockStates",
            When::InRegion => "LookInTheRegion",
            When::Tagging => "CreateWithTheTag",
            When::Tagged => "ChangeWhatHasTheTag",
            When::Loose => "UseWhatHasNoClustersTag",
            When::Adopting => "TagWhatHasNoClustersTag",
            When::Creating(_) => "TagWhatIsCreated",
            When::PublishedBy(_) => "StartFromTheBaseImage",
            When::ForMachines => "PassRolesToMachines",
            When::ByServices => "EncryptThroughServices",
        }
    }
}

/// Statements in the making.
pub struct Statements<'a> {
    cluster: &'a Cluster,
    modules: &'a Modules,
    partition: &'static str,
    /// The resources of each action, by condition.
    all: BTreeMap<When, BTreeMap<String, BTreeSet<String>>>,
    /// The calls that create tagged resources, and what they create.
    made: BTreeSet<(String, String)>,
}

impl<'a> Statements<'a> {
    pub fn new(cluster: &'a Cluster, modules: &'a Modules) -> Self {
        let partition = cluster.partition.name();
        Statements { cluster, modules, partition, all: BTreeMap::new(), made: BTreeSet::new() }
    }

    pub fn add_all(&mut self, rights: &[(&str, &[Resources])]) {
        for (action, on) in rights {
            self.add(action, on);
        }
    }

    /// Allows an action on each of these.
    pub fn add(&mut self, action: &str, on: &[Resources]) {
        for one in on {
            let (when, resources) = self.scope(action, *one);
            if let Resources::New(kind) = one {
                self.made.insert((action.to_string(), self.ec2(kind, "*")));
            }
            self.allow(when, action, resources);
        }
    }

    fn allow(&mut self, when: When, action: &str, resources: Vec<String>) {
        self.all.entry(when).or_default().entry(action.to_string()).or_default().extend(resources);
    }

    fn scope(&self, action: &str, on: Resources) -> (When, Vec<String>) {
        let one = |arn: String| vec![arn];
        let network = &self.cluster.network;
        let verb = action.split_once(':').map_or(action, |(_, verb)| verb);
        match on {
            Resources::Any => (When::InRegion, one("*".into())),
            Resources::New(kind) => (When::Tagging, one(self.ec2(kind, "*"))),
            // What exists already does not have the cluster's tag; the blueprint names it.
            Resources::Ours("vpc") if network.vpc_id.is_some() => {
                (When::Named(Named::ExistingNetwork), network.vpc_id.iter().map(|id| self.ec2("vpc", id)).collect())
            }
            Resources::Ours("subnet") if network.vpc_id.is_some() => {
                let ids = network.subnets.iter().filter_map(|subnet| subnet.id.as_ref());
                (When::Named(Named::ExistingNetwork), ids.map(|id| self.ec2("subnet", id)).collect())
            }
            Resources::Ours(kind) => (When::Tagged, one(self.ec2(kind, "*"))),
            Resources::Untagged(kind) => (When::Adopting, one(self.ec2(kind, self.usual(kind)))),
            Resources::Loose(kind) => (When::Loose, one(self.ec2(kind, "*"))),
            Resources::Bare(kind) => (When::Named(Named::Untagged), one(self.ec2(kind, self.usual(kind)))),
            Resources::Base => (When::PublishedBy(self.cluster.image_owner().into()), one(self.ec2("image", "*"))),
            Resources::KeyPair => {
                let names: BTreeSet<&String> =
                    self.cluster.machines.iter().filter_map(|m| m.block.key_name.as_ref()).collect();
                (When::Named(Named::KeyPairs), names.into_iter().map(|name| self.ec2("key-pair", name)).collect())
            }
            Resources::Role | Resources::Profile => {
                let kind = if on == Resources::Role { "role" } else { "instance-profile" };
                let names = self.cluster.kinds_with_rights().into_iter().map(|kind| self.cluster.machine_role(kind));
                let arns = names.map(|name| format!("arn:{}:iam::*:{kind}/{name}", self.partition)).collect();
                let when = match verb {
                    "PassRole" => When::ForMachines,
                    _ if verb.starts_with("Get") || verb.starts_with("List") => When::Named(Named::MachineRoles),
                    _ if verb.starts_with("Create") || verb.starts_with("Tag") => When::Tagging,
                    _ => When::Tagged,
                };
                (when, arns)
            }
            Resources::Balancer => (When::Named(Named::Balancer), self.balancer()),
            Resources::ServiceRole => {
                let service = format!("elasticloadbalancing.{}", Partition::Commercial.domain());
                let role = format!("aws-service-role/{service}/AWSServiceRoleForElasticLoadBalancing");
                (When::Named(Named::ServiceRole), one(format!("arn:{}:iam::*:role/{role}", self.partition)))
            }
            Resources::Secret => (When::Named(Named::Passwords), one(self.secrets("*"))),
            Resources::SecretOfUser => (When::Named(Named::PasswordsOfUsers), one(self.secrets("user/*"))),
            Resources::Key => (When::Named(Named::Key), self.key()),
            Resources::Zone => {
                (When::Named(Named::PrivateNames), one(format!("arn:{}:route53:::hostedzone/*", self.partition)))
            }
        }
    }

    /// Returns the ids of what is not recognised by its tag.
    fn usual(&self, kind: &str) -> &'a str {
        match (kind, &self.cluster.blueprint.image.builder_subnet_id) {
            // Packer's own names begin so.
            ("key-pair", _) => "packer_*",
            ("subnet", Some(id)) => id,
            _ => "*",
        }
    }

    fn ec2(&self, kind: &str, id: &str) -> String {
        // The ARNs of images and snapshots have no account.
        let account = if ["image", "snapshot"].contains(&kind) { "" } else { "*" };
        format!("arn:{}:ec2:{}:{account}:{kind}/{id}", self.partition, self.cluster.region)
    }

    /// Returns the ARNs of the network load balancer, its listeners and its target groups, whose names begin with its own.
    fn balancer(&self) -> Vec<String> {
        let arn = |name: &String, kind: &str, rest: &str| {
            format!("arn:{}:elasticloadbalancing:{}:*:{kind}/{name}{rest}", self.partition, self.cluster.region)
        };
        let kinds = [("loadbalancer/net", "/*"), ("listener/net", "/*"), ("targetgroup", "-*")];
        let name = self.cluster.nlb_name();
        name.iter().flat_map(|name| kinds.map(|(kind, rest)| arn(name, kind, rest))).collect()
    }

    fn secrets(&self, name: &str) -> String {
        let Cluster { name: cluster, region, .. } = self.cluster;
        format!("arn:{}:secretsmanager:{region}:*:secret:{cluster}/{name}", self.partition)
    }

    /// Returns the ARN of the KMS key. For an alias AWS checks the key behind it, whose id only AWS knows.
    fn key(&self) -> Vec<String> {
        let key = self.cluster.blueprint.kms_key_id.as_deref();
        let arn = |id: &str| match id {
            _ if id.starts_with("arn:") && !id.contains(":alias/") => id.to_string(),
            _ if id.contains("alias/") => format!("arn:{}:kms:{}:*:key/*", self.partition, self.cluster.region),
            _ => format!("arn:{}:kms:{}:*:key/{id}", self.partition, self.cluster.region),
        };
        key.map(arn).into_iter().collect()
    }

    /// Allows to change other tags, those of the blueprint's `tags`, on what has the cluster's.
    pub fn retag(&mut self) {
        let made: Vec<String> = self.made.iter().map(|(_, arn)| arn.clone()).collect();
        for action in ["ec2:CreateTags", "ec2:DeleteTags"] {
            self.allow(When::Tagged, action, made.clone());
        }
    }

    /// Allows what EC2 and Secrets Manager do with the key in the caller's name, if the cluster has a key of its own.
    pub fn encrypt(&mut self, actions: &[&str]) {
        for action in actions.iter().filter(|_| self.cluster.blueprint.kms_key_id.is_some()) {
            self.allow(When::ByServices, action, self.key());
        }
    }

    /// Allows to read, and to write, the states if they are in a bucket.
    pub fn state(&mut self, written: bool) {
        let Some((bucket, keys)) = &self.modules.states else { return };
        let bucket = format!("arn:{}:s3:::{bucket}", self.partition);
        let states: Vec<String> = keys.iter().map(|key| format!("{bucket}/{key}")).collect();
        let locks: Vec<String> = states.iter().map(|state| format!("{state}{}", lock::SUFFIX)).collect();
        self.allow(When::Named(Named::StateBucket), "s3:ListBucket", vec![bucket.clone()]);
        self.allow(When::Named(Named::States), "s3:GetObject", states.clone());
        if written {
            let former = self.cluster.modules().flat_map(|module| self.cluster.former_state_keys(module));
            let former = former.map(|key| format!("{bucket}/{key}")).collect();
            self.allow(When::Named(Named::FormerStates), "s3:GetObject", former);
            for action in ["s3:GetBucketLocation", "s3:GetBucketVersioning"] {
                self.allow(When::Named(Named::StateBucket), action, vec![bucket.clone()]);
            }
            self.allow(When::Named(Named::States), "s3:PutObject", states);
            for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
                self.allow(When::Named(Named::StateLocks), action, locks.clone());
            }
        }
    }

    /// Returns the documents: as few as hold all statements.
    pub fn documents(mut self) -> Vec<String> {
        let made = std::mem::take(&mut self.made);
        if !made.is_empty() {
            let actions = made.iter().map(|(action, _)| action.trim_start_matches("ec2:").to_string()).collect();
            self.allow(When::Creating(actions), "ec2:CreateTags", made.into_iter().map(|(_, arn)| arn).collect());
        }
        let mut documents: Vec<Vec<Value>> = vec![];
        for statement in self.statements() {
            let fits = |document: &Vec<Value>| {
                print(&[document.as_slice(), std::slice::from_ref(&statement)].concat()).1 <= LONGEST
            };
            match documents.last_mut().filter(|document| fits(document)) {
                Some(document) => document.push(statement),
                None => documents.push(vec![statement]),
            }
        }
        documents.iter().map(|statements| print(statements).0).collect()
    }

    fn statements(&self) -> Vec<Value> {
        let mut statements = vec![];
        for (when, actions) in &self.all {
            // With a tag the condition is enough: AWS knows which actions apply to which of the resources. Otherwise each action has its own.
            let mut groups: BTreeMap<BTreeSet<&String>, BTreeSet<&String>> = BTreeMap::new();
            let every: BTreeSet<&String> = actions.values().flatten().collect();
            for (action, resources) in actions {
                let own = resources.iter().collect();
                let resources = if matches!(when, When::Named(_) | When::Loose) { own } else { every.clone() };
                groups.entry(resources).or_default().insert(action);
            }
            let count = groups.len();
            for (i, (resources, actions)) in groups.into_iter().enumerate() {
                let mut statement = Map::new();
                let number = if count > 1 { (i + 1).to_string() } else { String::new() };
                statement.insert("Sid".into(), format!("{}{number}", when.sid()).into());
                statement.insert("Effect".into(), "Allow".into());
                statement.insert("Action".into(), json!(actions));
                statement.insert("Resource".into(), json!(resources));
                if let Some(condition) = self.condition(when) {
                    statement.insert("Condition".into(), condition);
                }
                statements.push(Value::Object(statement));
            }
        }
        statements
    }

    fn condition(&self, when: &When) -> Option<Value> {
        let tag = self.cluster.tag();
        let (request, resource) = ("aws:RequestTag/pgherd:cluster", "aws:ResourceTag/pgherd:cluster");
        let dns = self.cluster.partition.domain();
        Some(match when {
            When::Named(_) => return None,
            When::InRegion => json!({ "StringEquals": { "aws:RequestedRegion": self.cluster.region } }),
            When::Tagging => json!({ "StringEquals": { request: tag } }),
            When::Tagged => json!({ "StringEquals": { resource: tag } }),
            When::Loose => json!({ "Null": { resource: "true" } }),
            When::Adopting => json!({ "StringEquals": { request: tag }, "Null": { resource: "true" } }),
            When::Creating(actions) => json!({ "StringEquals": { request: tag, "ec2:CreateAction": actions } }),
            When::PublishedBy(owner) => json!({ "StringEquals": { "ec2:Owner": owner } }),
            When::ForMachines => json!({ "StringEquals": { "iam:PassedToService": format!("ec2.{dns}") } }),
            When::ByServices => {
                // In China services call each other by either name, as kms.tf has it.
                let suffixes = BTreeSet::from([Partition::Commercial.domain(), dns]);
                let services = ["ec2", "secretsmanager"].into_iter().flat_map(|name| {
                    suffixes.iter().map(move |suffix| format!("{name}.{}.{suffix}", self.cluster.region))
                });
                let services: Vec<String> = services.collect();
                json!({ "StringEquals": { "kms:ViaService": services } })
            }
        })
    }
}

/// Returns a document's text, and its length as AWS counts it.
fn print(statements: &[Value]) -> (String, usize) {
    let text = format!("{:#}", json!({ "Version": "2012-10-17", "Statement": statements }));
    let length = text.chars().filter(|c| !c.is_whitespace()).count();
    (text, length)
}
