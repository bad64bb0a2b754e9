//! The parts of `network { … }` that describe a VPC which exists already.

use std::ops::Range;

use ipnet::Ipv4Net;

use super::network::{MOST_ZONES, SMALLEST_PART, range};
use super::{BlockReader, Reading, Refusal, aws, doc, is};

/// A VPC that exists already. pgherd changes nothing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingVpc {
    /// Its id, such as `vpc-0123456789abcdef0`.
    pub vpc_id: String,
    /// One subnet for each zone, in the order of [`super::network::Network::zones`].
    pub subnets: Vec<ExistingSubnet>,
    /// Whether to make a Secrets Manager endpoint in it, rather than use the one that it has.
    pub secrets_endpoint: bool,
}

/// `subnet "<zone>" { … }`: a subnet that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingSubnet {
    /// Its id, such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// Its range.
    pub cidr: Ipv4Net,
    /// Where in it the cluster's 32 addresses begin.
    pub offset: u32,
}

/// Addresses of a subnet that are the cluster's: the databases' block of 16 and HAProxy's.
const TAKEN: u32 = 32;
/// The blocks are /28, which start at multiples of 16.
const STEP: u32 = 16;

/// What the blueprint says of an existing VPC.
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
            .by_default("none: pgherd makes a VPC");
    let vpc_id = r.optional(vpc_id, |text| aws::id(text, "vpc"));
    let secrets_endpoint = doc(
        "secrets_endpoint",
        "Whether pgherd makes an endpoint for Secrets Manager in the existing VPC. `false` uses the one that the VPC has.",
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
    /// Whether the cluster moves into a VPC that is there, be it described right or not.
    pub fn is_meant(&self) -> bool {
        !self.vpc_id.is_default()
    }

    /// The zones of its subnets, in the order written.
    pub fn zones(&self) -> Vec<String> {
        self.subnets.iter().filter_map(|subnet| subnet.zone.clone()).collect()
    }

    /// The VPC, when all that is said of it has been held against each other and against the rest of `network`.
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
                "write vpc_id = \"vpc-…\", the VPC that they are in, or leave them out: pgherd then makes its own";
            report(r, "subnet", &subnet.label_at, "subnets are named, and no VPC", help);
        }
        if self.secrets_endpoint.is_set() && !self.secrets_endpoint.value {
            let problem = "a VPC that pgherd makes has no other endpoint, and machines could not read their passwords";
            report(r, "secrets_endpoint", &self.secrets_endpoint.at, problem, "leave it out");
        }
    }

    fn check_described(&self, r: &BlockReader, cidr: &Reading<Ipv4Net>, zones: &Reading<Option<Vec<Reading<String>>>>) {
        let missing = |name: &str, help: &str| {
            let problem = format!("`network.{name}` is missing, which an existing VPC must come with");
            r.source.report(&is::MISSING, &self.vpc_id.at, problem, help);
        };
        if self.subnets.is_empty() {
            missing(
                "subnet",
                "write subnet \"<zone>\" { … } for each zone, with a line id = \"subnet-…\" and a line cidr = \"…\" in it",
            );
        }
        if cidr.is_default() {
            missing("cidr", "write cidr = \"10.1.0.0/16\", the range of the VPC that its subnets lie in");
        }
        if self.secrets_endpoint.is_default() {
            let help =
                "write secrets_endpoint = true to have one made, or false where the VPC has one for Secrets Manager";
            missing("secrets_endpoint", help);
        }
        if zones.is_set() {
            let help = "leave `zones` out: the labels of the subnets name them";
            report(r, "zones", &zones.at, "the zones of an existing VPC are those of its subnets", help);
        }
        if let Some(subnet) = self.subnets.get(MOST_ZONES) {
            let problem = format!("{} zones", self.subnets.len());
            let refusal = Refusal { rule: &is::ZONES, problem, help: format!("name 1 to {MOST_ZONES} subnets") };
            r.report("subnet", &subnet.label_at, refusal);
        }
    }
}

impl DescribedSubnet {
    /// The cluster's blocks must lie inside, where blocks can start.
    fn check_room(&self, r: &BlockReader) {
        let cidr = &self.cidr;
        let size = 1u64 << (32 - cidr.value.prefix_len());
        if !cidr.is_refused() && cidr.value.prefix_len() > SMALLEST_PART {
            let problem = format!("a /{} does not hold the machines of a zone", cidr.value.prefix_len());
            let help = format!("name a subnet of /{SMALLEST_PART} or larger");
            return report_subnet(r, "cidr", &cidr.at, problem, help);
        }
        let offset = &self.offset;
        if offset.is_refused() {
            return;
        }
        if !offset.value.is_multiple_of(STEP) {
            let below = offset.value - offset.value % STEP;
            let problem = format!("a /28 starts at a multiple of {STEP}, and {} is none", offset.value);
            report_subnet(r, "offset", &offset.at, problem, format!("write {below} or {}", below + STEP));
        } else if !cidr.is_refused() && u64::from(offset.value + TAKEN) > size {
            let problem = format!("{TAKEN} addresses from {} on do not fit into {}", offset.value, cidr.value);
            report_subnet(r, "offset", &offset.at, problem, format!("write {} at most", size - u64::from(TAKEN)));
        }
    }

    /// Inside the VPC, and apart from the other subnets.
    fn check_place(&self, r: &BlockReader, vpc: &Reading<Ipv4Net>, before: &[DescribedSubnet]) {
        let twice = |at: &Range<usize>, name: &str, what: &str| {
            let problem = format!("`{what}` is listed twice");
            r.report(name, at, Refusal { rule: &is::REPEATED, problem, help: "name another, or leave one out".into() });
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
            let problem = format!("{} and {} overlap, which no two subnets do", cidr.value, other.cidr.value);
            report_subnet(r, "cidr", &cidr.at, problem, "write each subnet's range as the VPC's console shows it");
        } else if vpc.is_set() && !vpc.value.contains(&cidr.value) {
            let problem = format!("{} is not in `network.cidr`, which is {}", cidr.value, vpc.value);
            report_subnet(
                r,
                "cidr",
                &cidr.at,
                problem,
                "write as `network.cidr` the VPC's range that its subnets lie in",
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
