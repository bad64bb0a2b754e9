//! Judges what AWS returned: what would fail in a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ADDRESS_QUOTA, Answer, Lack, PreflightVerdict, Question, Subject, builders, key_pairs, processors, subnets,
};
use crate::cluster::{Cluster, State};

/// Returns what would fail, and what could not be checked.
pub fn judge(cluster: &Cluster, answers: &[(Question, Answer)]) -> PreflightVerdict {
    let mut court = Court { cluster, answers, verdict: PreflightVerdict::default() };
    court.unasked();
    court.zones();
    court.offerings();
    court.addresses();
    court.processors();
    court.vpcs();
    court.subnets();
    court.key_pairs();
    court.key();
    court.bucket();
    court.verdict
}

struct Court<'a> {
    cluster: &'a Cluster,
    answers: &'a [(Question, Answer)],
    verdict: PreflightVerdict,
}

impl<'a> Court<'a> {
    fn lack(&mut self, what: String, help: impl Into<String>) {
        self.verdict.lacks.push(Lack { what, help: help.into() });
    }

    fn answer(&self, of: Subject) -> Option<&'a Answer> {
        self.answers.iter().find(|(question, _)| question.of == of).map(|(_, answer)| answer)
    }

    fn json(&self, of: Subject) -> Option<&'a Value> {
        match self.answer(of)? {
            Answer::Json(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the list of this name in an answer; `None` if AWS did not return it.
    fn list(&self, of: Subject, name: &str) -> Option<&'a Vec<Value>> {
        self.json(of)?.get(name)?.as_array()
    }

    /// Reports once what could not be asked, with the commands.
    fn unasked(&mut self) {
        let mut forbidden = BTreeSet::new();
        for (question, answer) in self.answers {
            let command = question.args.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
            match answer {
                Answer::Forbidden if question.of != Subject::Bucket => drop(forbidden.insert(command)),
                Answer::Failed(why) => {
                    self.verdict.notices.push(format!("aws {command} failed, so its result was not checked: {why}"))
                }
                _ => {}
            }
        }
        if !forbidden.is_empty() {
            let commands = forbidden.into_iter().collect::<Vec<_>>().join(", ");
            let text = format!(
                "these credentials lack the rights for {commands}. These checks were skipped; `pgherd policy` prints the rights"
            );
            self.verdict.notices.push(text);
        }
    }

    fn zones(&mut self) {
        let Some(zones) = self.list(Subject::Zones, "AvailabilityZones") else { return };
        let available = |zone: &&Value| zone["State"].as_str().is_none_or(|state| state == "available");
        let names: BTreeSet<&str> =
            zones.iter().filter(available).filter_map(|zone| zone["ZoneName"].as_str()).collect();
        if names.is_empty() {
            return;
        }
        let wanted = self.cluster.network.subnets.iter().map(|subnet| subnet.zone.as_str());
        let missing: Vec<&str> = wanted.filter(|zone| !names.contains(zone)).collect();
        if !missing.is_empty() {
            let there = names.iter().filter(|zone| zone.starts_with(&self.cluster.region)).copied().collect::<Vec<_>>();
            let what = format!("this account has no availability zone {}", missing.join(", "));
            let help = format!("set network {{ zones = [ … ] }} to some of {}", there.join(", "));
            self.lack(what, help);
        }
    }

    fn offerings(&mut self) {
        let Some(offerings) = self.list(Subject::Offerings, "InstanceTypeOfferings") else { return };
        let mut zones: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for offering in offerings {
            if let (Some(kind), Some(zone)) = (offering["InstanceType"].as_str(), offering["Location"].as_str()) {
                zones.entry(kind).or_default().insert(zone);
            }
        }
        let mut wanted: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for machine in &self.cluster.machines {
            wanted.entry((&machine.block.instance_type, &machine.zone)).or_default().push(&machine.name);
        }
        let mut lacks = vec![];
        for ((kind, zone), machines) in wanted {
            let offered = zones.get(kind).cloned().unwrap_or_default();
            if !offered.contains(zone) {
                let what = format!("{zone} does not offer {kind}, the instance type of {}", machines.join(", "));
                lacks.push((what, offered_in(kind, &offered, &self.cluster.region)));
            }
        }
        let builder_zone = self
            .cluster
            .blueprint
            .image
            .builder_subnet_id
            .as_deref()
            .and_then(|id| self.subnet(id)?["AvailabilityZone"].as_str());
        for kind in builders(self.cluster).into_iter().map(|(_, kind)| kind).collect::<BTreeSet<_>>() {
            let offered = zones.get(kind).cloned().unwrap_or_default();
            if builder_zone.map_or(offered.is_empty(), |zone| !offered.contains(zone)) {
                let place = builder_zone.unwrap_or(&self.cluster.region);
                let help = format!(
                    "{}; set image.builder_instance_type to another type",
                    offered_in(kind, &offered, &self.cluster.region)
                );
                lacks
                    .push((format!("{place} does not offer {kind}, the instance type that images are built on"), help));
            }
        }
        lacks.into_iter().for_each(|(what, help)| self.lack(what, help));
    }

    fn addresses(&mut self) {
        let Some(there) = self.list(Subject::Addresses, "Addresses") else { return };
        let attributes = self.list(Subject::AddressQuota, "AccountAttributes");
        let most = attributes.into_iter().flatten().find(|one| one["AttributeName"] == "vpc-max-elastic-ips");
        let most = most.and_then(|one| one["AttributeValues"][0]["AttributeValue"].as_str()?.parse::<usize>().ok());
        let Some(most) = most else { return };
        let ours = there.iter().filter(|address| self.is_ours(&address["Tags"])).count();
        let wanted =
            self.cluster.machines.iter().filter(|machine| machine.block.elastic_ip).count().saturating_sub(ours);
        let (used, region) = (there.len(), &self.cluster.region);
        if used + wanted > most {
            let what = format!(
                "the quota of Elastic IPs in {region} is too low by {}: this cluster needs {wanted} more, and {used} of {most} are in use",
                used + wanted - most
            );
            let help = format!(
                "request an increase (`aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {ADDRESS_QUOTA} \
                 --desired-value {} --region {region}`), release some, or remove elastic_ip from the blueprint",
                used + wanted
            );
            self.lack(what, help);
        }
    }

    /// Returns the names of the cluster's machines that run.
    fn there(&self) -> BTreeSet<String> {
        let machines = self.json(Subject::Machines).and_then(Value::as_array);
        let ours = machines.into_iter().flatten().filter(|machine| self.is_ours(&machine["tags"]));
        ours.filter_map(|machine| tag(&machine["tags"], "pgherd:machine").map(str::to_string)).collect()
    }

    fn processors(&mut self) {
        let Some(machines) = self.json(Subject::Machines).and_then(Value::as_array) else { return };
        let there = self.there();
        let region = self.cluster.region.clone();
        for class in processors::classes(self.cluster) {
            let quota = self.json(Subject::ProcessorQuota(class)).and_then(|answer| answer["Quota"]["Value"].as_f64());
            let Some(most) = quota else { continue };
            let counted = machines.iter().filter(|machine| {
                let kind = machine["type"].as_str().unwrap_or_default();
                machine["spot"].as_str().is_none() && processors::Class::of(kind) == Some(class)
            });
            let processors = |machine: &Value| {
                machine["cpu"]["CoreCount"].as_u64().unwrap_or(1)
                    * machine["cpu"]["ThreadsPerCore"].as_u64().unwrap_or(1)
            };
            let used: u64 = counted.map(processors).sum();
            let (needed, building) = processors::needed(self.cluster, class, &there);
            // Quotas are whole numbers, which AWS prints as floats.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let most = most as u64;
            let free = most.saturating_sub(used);
            let name = class.name();
            if u64::from(needed) > free {
                let what = format!(
                    "the vCPU quota for {name} in {region} is too low by {}: the machines need {needed}, and {used} of {most} are in use",
                    u64::from(needed) - free
                );
                let help = format!(
                    "request an increase (`aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {} \
                     --desired-value {} --region {region}`), or choose smaller machines",
                    class.quota(),
                    used + u64::from(needed.max(building))
                );
                self.lack(what, help);
            } else if u64::from(needed + building) > free {
                self.verdict.notices.push(format!(
                    "{free} vCPUs of {name} are free in {region}. The machines ({needed}) and the builders of images ({building}) do not fit \
                     at the same time; `--jobs 1` builds one image after the other"
                ));
            }
        }
    }

    fn vpcs(&mut self) {
        let Some(vpcs) = self.list(Subject::Vpcs, "Vpcs") else { return };
        let (cluster, region) = (self.cluster, self.cluster.region.as_str());
        if let Some(id) = &cluster.network.vpc_id {
            match vpcs.iter().find(|vpc| vpc["VpcId"] == id.as_str()) {
                None => self.lack(
                    format!("there is no VPC {id} in {region}"),
                    "set network.vpc_id to one that `aws ec2 describe-vpcs` lists",
                ),
                Some(vpc) => {
                    let blocks: BTreeSet<&str> = std::iter::once(&vpc["CidrBlock"])
                        .chain(
                            vpc["CidrBlockAssociationSet"]
                                .as_array()
                                .into_iter()
                                .flatten()
                                .map(|one| &one["CidrBlock"]),
                        )
                        .filter_map(Value::as_str)
                        .collect();
                    if !blocks.is_empty() && !blocks.contains(cluster.network.cidr.to_string().as_str()) {
                        let blocks = blocks.into_iter().collect::<Vec<_>>().join(", ");
                        let what =
                            format!("the VPC {id} does not have the range {}; it has {blocks}", cluster.network.cidr);
                        self.lack(what, "set network.cidr to the VPC's own range");
                    }
                }
            }
        } else if !vpcs.iter().any(|vpc| self.is_ours(&vpc["Tags"]))
            && let Some(most) = self.json(Subject::VpcQuota).and_then(|answer| answer["Quota"]["Value"].as_f64())
            && vpcs.len() as f64 >= most
        {
            let what = format!("the quota of VPCs in {region} is used up: {} of {most} are in use", vpcs.len());
            self.lack(
                what,
                "request an increase (quota L-F678F1CE of the service vpc), remove one, or use an existing one with network.vpc_id",
            );
        }
        let has_default = vpcs.iter().any(|vpc| vpc["IsDefault"] == true);
        if cluster.blueprint.image.builder_subnet_id.is_none() && !has_default {
            self.verdict.notices.push(format!(
                "{region} has no default VPC for Packer to build in; set image.builder_subnet_id if an image has to be built"
            ));
        }
    }

    fn subnet(&self, id: &str) -> Option<&'a Value> {
        self.list(Subject::Subnets, "Subnets")?.iter().find(|subnet| subnet["SubnetId"] == id)
    }

    fn subnets(&mut self) {
        if self.list(Subject::Subnets, "Subnets").is_none() {
            return;
        }
        let (cluster, there) = (self.cluster, self.there());
        let mut lacks = vec![];
        for id in subnets(cluster).collect::<BTreeSet<_>>() {
            let Some(found) = self.subnet(id) else {
                let help = "use one that `aws ec2 describe-subnets` lists";
                lacks.push((format!("there is no subnet {id} in {}", cluster.region), help.to_string()));
                continue;
            };
            let free = found["AvailableIpAddressCount"].as_u64().unwrap_or(u64::MAX);
            let mut needed = 0;
            if let Some(subnet) = cluster.network.subnets.iter().find(|subnet| subnet.id.as_deref() == Some(id)) {
                let (zone, cidr) = (found["AvailabilityZone"].as_str(), found["CidrBlock"].as_str());
                if zone.is_some_and(|zone| zone != subnet.zone) {
                    let what = format!("the subnet {id} is in {}, not in {}", zone.unwrap_or_default(), subnet.zone);
                    lacks.push((what, "set the zone to the subnet's own".into()));
                }
                if cidr.is_some_and(|cidr| cidr != subnet.cidr.to_string()) {
                    let what =
                        format!("the subnet {id} has the range {}, not {}", cidr.unwrap_or_default(), subnet.cidr);
                    lacks.push((what, "set the range to the subnet's own".into()));
                }
                if found["VpcId"].as_str().is_some_and(|vpc| Some(vpc) != cluster.network.vpc_id.as_deref()) {
                    lacks.push((
                        format!("the subnet {id} is in another VPC, {}", found["VpcId"]),
                        "use subnets of the VPC in network.vpc_id".into(),
                    ));
                }
                let machines = cluster.machines.iter().filter(|machine| machine.zone == subnet.zone);
                needed += machines.filter(|machine| !there.contains(&machine.name)).count() as u64;
            }
            if cluster.blueprint.image.builder_subnet_id.as_deref() == Some(id) {
                needed += builders(cluster).len() as u64;
            }
            if needed > free && there.is_empty() {
                let what = format!(
                    "the subnet {id} has {} addresses too few: {needed} are needed, {free} are free",
                    needed - free
                );
                lacks.push((what, "free some, or use another subnet".into()));
            }
        }
        lacks.into_iter().for_each(|(what, help)| self.lack(what, help));
    }

    fn key_pairs(&mut self) {
        let Some(there) = self.list(Subject::KeyPairs, "KeyPairs") else { return };
        let names: BTreeSet<&str> = there.iter().filter_map(|key| key["KeyName"].as_str()).collect();
        let missing: Vec<&str> = key_pairs(self.cluster).into_iter().filter(|name| !names.contains(name)).collect();
        if !missing.is_empty() {
            let (missing, region) = (missing.join(", "), &self.cluster.region);
            let help = format!(
                "`aws ec2 import-key-pair --region {region} --key-name NAME --public-key-material fileb://FILE.pub` creates one"
            );
            self.lack(format!("there is no key pair {missing} in {region}"), help);
        }
    }

    fn key(&mut self) {
        let Some(id) = &self.cluster.blueprint.kms_key_id else { return };
        let region = &self.cluster.region;
        let help =
            "set kms_key_id to a key that is enabled, symmetric and for encryption; `aws kms list-keys` lists them";
        match self.answer(Subject::Key) {
            Some(Answer::Missing) => self.lack(format!("there is no KMS key {id} in {region}"), help),
            Some(Answer::Json(answer)) => {
                let key = &answer["KeyMetadata"];
                let state = key["KeyState"].as_str();
                if state.is_some_and(|state| state != "Enabled") {
                    self.lack(format!("the KMS key {id} is not enabled: {}", state.unwrap_or_default()), help);
                }
                let spec = key["KeySpec"].as_str().or(key["CustomerMasterKeySpec"].as_str());
                if spec.is_some_and(|spec| spec != "SYMMETRIC_DEFAULT") {
                    self.lack(format!("the KMS key {id} is not symmetric: {}", spec.unwrap_or_default()), help);
                }
            }
            _ => {}
        }
    }

    fn bucket(&mut self) {
        let State::S3 { bucket, region, .. } = &self.cluster.blueprint.state else { return };
        let make = format!(
            "`aws s3 mb s3://{bucket} --region {region}` and `aws s3api put-bucket-versioning --bucket {bucket} \
             --versioning-configuration Status=Enabled` create it, or set state.s3.bucket to another"
        );
        match self.answer(Subject::Bucket) {
            Some(Answer::Missing) => self.lack(format!("there is no bucket {bucket}"), make),
            Some(Answer::Forbidden) => {
                let what =
                    format!("the bucket {bucket} belongs to another account, or these credentials may not list it");
                self.lack(
                    what,
                    "Terraform needs s3:ListBucket on it, and must read and write the states in it; `pgherd policy` prints the rights",
                );
            }
            Some(Answer::Json(answer)) => {
                let there = answer["BucketRegion"].as_str();
                if there.is_some_and(|there| there != region) {
                    let what = format!("the bucket {bucket} is in {}, not in {region}", there.unwrap_or_default());
                    self.lack(what, "set state.s3.region to the bucket's region");
                }
            }
            _ => {}
        }
        if let Some(Answer::Json(answer)) = self.answer(Subject::Versioning)
            && answer["Status"] != "Enabled"
        {
            let text = format!(
                "the bucket {bucket} has no versioning: a state that is lost or damaged in it cannot be recovered"
            );
            self.verdict.notices.push(text);
        }
    }

    fn is_ours(&self, tags: &Value) -> bool {
        tag(tags, "pgherd:cluster") == Some(self.cluster.tag())
    }
}

fn offered_in(kind: &str, zones: &BTreeSet<&str>, region: &str) -> String {
    if zones.is_empty() {
        return format!("{region} does not offer {kind}; choose another instance type");
    }
    format!("{kind} is offered in {}", zones.iter().copied().collect::<Vec<_>>().join(", "))
}

fn tag<'a>(tags: &'a Value, key: &str) -> Option<&'a str> {
    tags.as_array()?.iter().find(|tag| tag["Key"] == key)?["Value"].as_str()
}
