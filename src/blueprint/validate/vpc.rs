//! Reads the part of `network { … }` that describes an existing VPC.

use std::ops::Range;

use ipnet::Ipv4Net;

use serde::Serialize;

use super::range::range;
use super::{BlockReader, Reading, Refusal, aws, doc, is};

/// The most zones of a cluster. No region has more: us-east-1 has six
/// (2026-11: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>).
pub const MOST_ZONES: usize = 6;
/// The longest prefix of a subnet that holds a zone's machines. AWS reserves 5 addresses, databases use the 16 from
/// offset 16 on, and HAProxy the 16 from offset 32 on.
pub const SMALLEST_PART: u8 = 26;

/// An existing VPC. pgherd does not modify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExistingVpc {
    /// Its id, such as `vpc-0123456789abcdef0`.
    pub vpc_id: String,
    /// One subnet for each zone, in the order of [`super::network::Network::zones`].
    pub subnets: Vec<ExistingSubnet>,
    /// Whether to create a Secrets Manager endpoint in it. Otherwise, its existing one is used.
    pub secrets_endpoint: bool,
}

/// An existing subnet: `subnet "<zone>" { … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExistingSubnet {
    /// Its id, such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// Its range.
    pub cidr: Ipv4Net,
    /// The offset of the cluster's 32 addresses in the subnet.
    pub offset: u32,
}

/// The number of addresses that the cluster takes in a subnet: 16 for databases and 16 for HAProxy.
const TAKEN: u32 = 32;
/// The alignment of the two blocks. Each is a /28, which starts at a multiple of 16.
const STEP: u32 = 16;

/// The description of an existing VPC in the blueprint, before it is checked.
pub struct Existing {
    pub vpc_id: Reading<Option<String>>,
    subnets: Vec<DescribedSubnet>,
    secrets_endpoint: Reading<bool>,
}

struct DescribedSubnet {
    zone: Option<String>,
    label_at: Range<usize>,
    id: Reading<String>,
    cidr: Reading<Ipv4Net>,
    offset: Reading<u32>,
}

/// Reads the attributes and the `subnet` blocks.
pub fn read(r: &BlockReader, region: &Reading<String>) -> Existing {
    let vpc_id =
        doc("vpc_id", "A VPC that exists already, for the cluster to move into. pgherd neither changes nor tags it.")
            .by_default("none: pgherd creates a VPC");
    let vpc_id = r.optional(vpc_id, |text| aws::id(text, "vpc"));
    let secrets_endpoint = doc(
        "secrets_endpoint",
        "Whether pgherd creates an endpoint for Secrets Manager in the existing VPC. `false` uses the one that the VPC has.",
    )
    .by_default("`true`; required with `vpc_id`");
    let secrets_endpoint = r.boolean(secrets_endpoint, true);
    let mut subnets = vec![];
    let subnet = doc("subnet", "A subnet of the existing VPC; the label is its zone. One block for each zone.");
    r.labelled(subnet, "zone", "eu-west-1a", |r, label, label_at| {
        let zone = if region.is_refused() { Ok(label.to_string()) } else { aws::zone(label, &region.value) };
        let zone = zone.map_err(|refusal| r.source.refused(&label_at, refusal)).ok();
        let id = doc("id", "The subnet's id.");
        let cidr = doc("cidr", "The subnet's range. The machines' addresses are planned from it.");
        let offset = doc(
            "offset",
            "Where in the subnet the cluster's 32 addresses begin, a multiple of 16: 16 for databases, then 16 for HAProxy. Nothing else may use them.",
        );
        subnets.push(DescribedSubnet {
            zone,
            label_at,
            id: r.required(id, "subnet-0123456789abcdef0", |text| aws::id(text, "subnet")),
            cidr: r.required(cidr, "10.1.4.0/24", range),
            offset: r.integer(offset, STEP, STEP..=65536 - TAKEN, ""),
        });
    });
    Existing { vpc_id, subnets, secrets_endpoint }
}

impl Existing {
    /// Returns whether the blueprint names an existing VPC, valid or not.
    pub fn is_meant(&self) -> bool {
        !self.vpc_id.is_default()
    }

    /// Returns the zones of its subnets in their order in the blueprint.
    pub fn zones(&self) -> Vec<String> {
        self.subnets.iter().filter_map(|subnet| subnet.zone.clone()).collect()
    }

    /// Checks the description for consistency with itself and with the rest of `network`. Returns the VPC if there is one.
    pub fn check(
        self,
        r: &BlockReader,
        cidr: &Reading<Ipv4Net>,
        zones: &Reading<Option<Vec<Reading<String>>>>,
    ) -> Option<ExistingVpc> {
        if !self.is_meant() {
            self.check_absent(r);
            return None;
        }
        self.check_described(r, cidr, zones);
        for (i, subnet) in self.subnets.iter().enumerate() {
            subnet.check_room(r);
            subnet.check_place(r, cidr, &self.subnets[..i]);
        }
        let subnet = |s: DescribedSubnet| ExistingSubnet { id: s.id.value, cidr: s.cidr.value, offset: s.offset.value };
        Some(ExistingVpc {
            vpc_id: self.vpc_id.value.unwrap_or_default(),
            subnets: self.subnets.into_iter().filter(|s| s.zone.is_some()).map(subnet).collect(),
            secrets_endpoint: self.secrets_endpoint.value,
        })
    }

    fn check_absent(&self, r: &BlockReader) {
        if let Some(subnet) = self.subnets.first() {
            let help =
                "set vpc_id = \"vpc-…\" to the VPC of the subnets, or remove the subnets to let pgherd create a VPC";
            report(r, "subnet", &subnet.label_at, "a subnet requires `vpc_id`, which is not set", help);
        }
        if self.secrets_endpoint.is_set() && !self.secrets_endpoint.value {
            let problem = "a VPC that pgherd creates needs this endpoint, or the machines cannot read their passwords";
            report(r, "secrets_endpoint", &self.secrets_endpoint.at, problem, "remove the line");
        }
    }

    fn check_described(&self, r: &BlockReader, cidr: &Reading<Ipv4Net>, zones: &Reading<Option<Vec<Reading<String>>>>) {
        let missing = |name: &str, help: &str| {
            let problem = format!("`network.{name}` is missing; it is required with `vpc_id`");
            r.source.report(&is::MISSING, &self.vpc_id.at, problem, help);
        };
        if self.subnets.is_empty() {
            missing("subnet", "add a block subnet \"<zone>\" { … } for each zone, with the attributes id and cidr");
        }
        if cidr.is_default() {
            missing("cidr", "set cidr to the VPC's range that contains its subnets, such as cidr = \"10.1.0.0/16\"");
        }
        if self.secrets_endpoint.is_default() {
            let help = "write secrets_endpoint = true to create one, or false if the VPC already has an endpoint for Secrets Manager";
            missing("secrets_endpoint", help);
        }
        if zones.is_set() {
            let help = "remove `zones`; the labels of the `subnet` blocks name the zones";
            report(r, "zones", &zones.at, "`zones` cannot be set together with `vpc_id`", help);
        }
        if let Some(subnet) = self.subnets.get(MOST_ZONES) {
            let problem = format!("{} subnets are more than a cluster can use", self.subnets.len());
            let refusal = Refusal { rule: &is::ZONES, problem, help: format!("keep 1 to {MOST_ZONES} subnets") };
            r.report("subnet", &subnet.label_at, refusal);
        }
    }
}

impl DescribedSubnet {
    /// Checks that the cluster's blocks are aligned and fit into the subnet.
    fn check_room(&self, r: &BlockReader) {
        let cidr = &self.cidr;
        let size = 1u64 << (32 - cidr.value.prefix_len());
        if !cidr.is_refused() && cidr.value.prefix_len() > SMALLEST_PART {
            let problem = format!("a /{} is too small for the machines of a zone", cidr.value.prefix_len());
            let help = format!("use a subnet of /{SMALLEST_PART} or larger");
            return report_subnet(r, "cidr", &cidr.at, problem, help);
        }
        let offset = &self.offset;
        if offset.is_refused() {
            return;
        }
        if !offset.value.is_multiple_of(STEP) {
            let below = offset.value - offset.value % STEP;
            let problem = format!("the offset must be a multiple of {STEP}, and {} is not", offset.value);
            report_subnet(r, "offset", &offset.at, problem, format!("write {below} or {}", below + STEP));
        } else if !cidr.is_refused() && u64::from(offset.value + TAKEN) > size {
            let problem = format!("{TAKEN} addresses at offset {} do not fit into {}", offset.value, cidr.value);
            report_subnet(r, "offset", &offset.at, problem, format!("write at most {}", size - u64::from(TAKEN)));
        }
    }

    /// Checks that the subnet is in the VPC and does not overlap or repeat another subnet.
    fn check_place(&self, r: &BlockReader, vpc: &Reading<Ipv4Net>, before: &[DescribedSubnet]) {
        let twice = |at: &Range<usize>, name: &str, what: &str| {
            let problem = format!("`{what}` is listed twice");
            r.report(
                name,
                at,
                Refusal { rule: &is::REPEATED, problem, help: "change or remove one of the two".into() },
            );
        };
        for other in before {
            if self.zone.is_some() && self.zone == other.zone {
                return twice(&self.label_at, "subnet", self.zone.as_deref().unwrap_or_default());
            }
            if !self.id.is_refused() && self.id.value == other.id.value {
                return twice(&self.id.at, "subnet.id", &self.id.value);
            }
        }
        let cidr = &self.cidr;
        if cidr.is_refused() {
            return;
        }
        let overlaps = |other: &&DescribedSubnet| {
            let theirs = &other.cidr;
            !theirs.is_refused() && (theirs.value.contains(&cidr.value) || cidr.value.contains(&theirs.value))
        };
        if let Some(other) = before.iter().find(overlaps) {
            let problem = format!("{} and {} overlap, but subnets of a VPC never do", cidr.value, other.cidr.value);
            report_subnet(r, "cidr", &cidr.at, problem, "copy the range of each subnet from AWS");
        } else if vpc.is_set() && !vpc.value.contains(&cidr.value) {
            let problem = format!("{} is not in `network.cidr`, which is {}", cidr.value, vpc.value);
            report_subnet(
                r,
                "cidr",
                &cidr.at,
                problem,
                "set `network.cidr` to the VPC's range that contains its subnets",
            );
        }
    }
}

fn report(r: &BlockReader, name: &str, at: &Range<usize>, problem: &str, help: &str) {
    r.report(name, at, Refusal { rule: &is::EXISTING_VPC, problem: problem.into(), help: help.into() });
}

fn report_subnet(r: &BlockReader, name: &str, at: &Range<usize>, problem: String, help: impl Into<String>) {
    r.report(&format!("subnet.{name}"), at, Refusal { rule: &is::SUBNET, problem, help: help.into() });
}
