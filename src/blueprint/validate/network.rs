//! Reads the `network { … }` block.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use serde::Serialize;

use super::range::range;
use super::vpc::{self, ExistingVpc, MOST_ZONES, SMALLEST_PART};
use super::{BlockReader, Presence, Reading, Refusal, aws, doc, is, refuse};
use crate::blueprint::form::Doc;
use crate::blueprint::peer::Peer;
use crate::blueprint::regions;

/// The `network { … }` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkBlock {
    /// The VPC's addresses. A VPC that pgherd makes is cut into one subnet for each zone.
    pub cidr: Ipv4Net,
    /// Full names of availability zones, such as `eu-west-1a`.
    pub zones: Vec<String>,
    /// The existing VPC that the cluster uses; `None` if pgherd creates one.
    pub existing: Option<ExistingVpc>,
    /// Who may reach HAProxy's write and read ports; `None` means the network's own addresses.
    pub clients: Option<Vec<Peer>>,
    /// Who may reach SSH and the stats page. If empty, both are closed.
    pub admins: Vec<Peer>,
}

/// The shortest prefix of an allowed source. A wider range than a /8 is most likely a mistake.
const WIDEST_ALLOWED: u8 = 8;

/// Reads the block.
pub(super) fn read(r: &BlockReader, region: &Reading<String>) -> NetworkBlock {
    let cidr = doc(
        "cidr",
        "The VPC's range. A VPC that pgherd creates is divided into one subnet for each zone. Choose a private range that no connected network uses: it cannot change later.",
    )
    .by_default("`\"10.20.0.0/16\"`; required with `vpc_id`");
    let mut cidr = r.parsed(cidr, Ipv4Net::new_assert(Ipv4Addr::new(10, 20, 0, 0), 16), vpc_range);
    let zones_doc = doc(
        "zones",
        "The availability zones that machines are distributed over, in full (`eu-west-1a`) or by letter (`a`). With three, any one may fail and the other two still elect a primary.",
    )
    .by_default("three that every account has: a, b and c in most regions");
    let written =
        r.list(zones_doc, |zone| if region.is_refused() { Ok(zone.into()) } else { aws::zone(zone, &region.value) });
    let clients = doc(
        "clients",
        "Who may reach HAProxy's write and read ports: ranges, security groups (`sg-…`, also of a peered VPC; `<account>/sg-…`) and prefix lists (`pl-…`).",
    )
    .by_default("the network's own addresses");
    let clients = allowed(r, clients);
    if let (Some([]), true) = (clients.value.as_deref(), clients.is_set()) {
        let help = "list at least one range, or remove `clients` to allow the network's own addresses";
        r.report(
            "clients",
            &clients.at,
            Refusal {
                rule: &is::TOO_OPEN,
                problem: "an empty list lets no client reach HAProxy".into(),
                help: help.into(),
            },
        );
    }
    let admins = doc(
        "admins",
        "Who may reach SSH (which also needs `key_name`) and the stats page. The same kinds of entries as in `clients`.",
    )
    .by_default("none: both are closed");
    let admins = allowed(r, admins);
    let existing = vpc::read(r, region);
    let zones = if existing.is_meant() {
        existing.zones()
    } else {
        let zones = zones(r, region, &written);
        check_private(r, &mut cidr);
        check_room(r, &cidr, &zones);
        zones.value
    };
    let existing = existing.check(r, &cidr, &written);
    let admins = admins.value.unwrap_or_default();
    NetworkBlock { cidr: cidr.value, zones, existing, clients: clients.value, admins }
}

/// Returns the full names of the zones of a VPC that pgherd creates.
fn zones(
    r: &BlockReader,
    region: &Reading<String>,
    written: &Reading<Option<Vec<Reading<String>>>>,
) -> Reading<Vec<String>> {
    // In some regions the zones differ by account, and the blueprint must name them. The two here only let reading continue.
    let default = || {
        let [a, b] = ["a", "b"].map(|letter| format!("{}{letter}", region.value));
        regions::default_zones(&region.value).unwrap_or_else(|| vec![a, b])
    };
    let at = written.at.clone();
    let Some(zones) = &written.value else {
        if regions::default_zones(&region.value).is_none() && written.presence == Presence::Default {
            let letters: Vec<String> =
                regions::zones(&region.value).unwrap_or_default().chars().map(String::from).collect();
            let problem = format!(
                "`zones` is not set, and each account has only some of the zones {} in {}",
                letters.join(", "),
                region.value
            );
            let help = format!(
                "write network {{ zones = {:?} }}, or the zones that `aws ec2 describe-availability-zones --region {}` lists",
                &letters[..letters.len() - 1],
                region.value
            );
            r.source.report(&is::ZONES, &region.at, problem, help);
        }
        return Reading { value: default(), at, presence: written.presence };
    };
    report_repeated(r, "zones", zones);
    let value: Vec<String> = zones.iter().map(|zone| zone.value.clone()).collect();
    if !(1..=MOST_ZONES).contains(&value.len()) && written.is_set() {
        let problem = format!("the list has {} zones", value.len());
        r.report(
            "zones",
            &written.at,
            Refusal { rule: &is::ZONES, problem, help: format!("name 1 to {MOST_ZONES} zones") },
        );
        return Reading { value: default(), at, presence: Presence::Refused };
    }
    Reading { value, at, presence: written.presence }
}

/// Reads a list of allowed sources.
fn allowed(r: &BlockReader, doc: Doc) -> Reading<Option<Vec<Peer>>> {
    let Reading { value, at, presence } = r.list(doc, peer);
    if let Some(ranges) = &value {
        report_repeated(r, doc.name, ranges);
    }
    Reading { value: value.map(|ranges| ranges.into_iter().map(|range| range.value).collect()), at, presence }
}

/// Checks that the range of a VPC that pgherd creates is private. The range of an existing VPC is its owner's decision.
fn check_private(r: &BlockReader, cidr: &mut Reading<Ipv4Net>) {
    /// RFC 1918, and RFC 6598 for networks that have used up the former.
    const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let inside = |private: &&str| private.parse::<Ipv4Net>().is_ok_and(|private| private.contains(&cidr.value));
    if cidr.is_set() && !PRIVATE.iter().any(inside) {
        let net = cidr.value;
        let problem = format!(
            "`{net}` is not a private range, so hosts on the internet with these addresses would be unreachable from the cluster"
        );
        let help = format!("use a range within {}", PRIVATE.join(", "));
        r.report("cidr", &cidr.at, Refusal { rule: &is::VPC, problem, help });
        cidr.presence = Presence::Refused;
    }
}

/// Checks that each zone's subnet is large enough for its machines.
fn check_room(r: &BlockReader, cidr: &Reading<Ipv4Net>, zones: &Reading<Vec<String>>) {
    if cidr.is_refused() || zones.is_refused() {
        return;
    }
    let parts = zones.value.len().next_power_of_two();
    let longest = SMALLEST_PART - parts.trailing_zeros() as u8;
    if cidr.value.prefix_len() > longest {
        let (name, at) = if cidr.is_set() { ("cidr", &cidr.at) } else { ("zones", &zones.at) };
        let problem = format!(
            "{} is too small for {} zones: it is divided into {parts} subnets, and each zone needs at least a /{SMALLEST_PART}",
            cidr.value,
            zones.value.len()
        );
        let wide = Ipv4Net::new(cidr.value.addr(), longest).map(|net| net.trunc().to_string()).unwrap_or_default();
        r.report(
            name,
            at,
            Refusal {
                rule: &is::VPC,
                problem,
                help: format!("write {wide} or a wider range (a /16 is usual), or use fewer zones"),
            },
        );
    }
}

fn report_repeated<T: Hash + Eq + Display>(r: &BlockReader, name: &str, items: &[Reading<T>]) {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(&item.value) {
            let problem = format!("`{}` is listed twice", item.value);
            r.report(name, &item.at, Refusal { rule: &is::REPEATED, problem, help: "remove one of the two".into() });
        }
    }
}

/// Parses a VPC's range and checks that AWS allows its size (2026-11: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>).
fn vpc_range(text: &str) -> Result<Ipv4Net, Refusal> {
    let net = range(text)?;
    if !(16..=28).contains(&net.prefix_len()) {
        return refuse(
            &is::VPC,
            format!("AWS does not allow a VPC of /{}", net.prefix_len()),
            "write a range of /16 to /28, such as \"10.20.0.0/16\"",
        );
    }
    Ok(net)
}

/// Parses an allowed source: a range, a security group or a prefix list.
fn peer(text: &str) -> Result<Peer, Refusal> {
    if text.starts_with("pl-") {
        return aws::id(text, "pl").map(Peer::PrefixList);
    }
    let (account, group) = text.split_once('/').unwrap_or(("", text));
    if !group.starts_with("sg-") {
        return source_range(text).map(Peer::Range);
    }
    let is_account = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    if !is_account && text.contains('/') {
        let help = format!("write \"{group}\", or put the 12 digits of the account before the slash");
        return refuse(&is::AWS_ID, format!("`{account}` is not an AWS account id"), help);
    }
    aws::id(group, "sg").map(|_| Peer::Group(text.into()))
}

/// Parses an allowed range and checks that it is not too wide.
fn source_range(text: &str) -> Result<Ipv4Net, Refusal> {
    let net = range(text)?;
    if net.prefix_len() == 0 {
        return refuse(
            &is::TOO_OPEN,
            "this would open a port to the whole internet",
            "list only the ranges that need access, such as \"203.0.113.0/24\"",
        );
    }
    if net.prefix_len() < WIDEST_ALLOWED {
        let help = format!("list ranges no wider than /{WIDEST_ALLOWED}, such as \"10.0.0.0/8\"");
        return refuse(&is::TOO_OPEN, format!("`{text}` covers a large part of the internet"), help);
    }
    Ok(net)
}
