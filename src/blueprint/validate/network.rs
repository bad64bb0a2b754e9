//! `network { … }`

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::vpc::{self, ExistingVpc};
use super::{BlockReader, Presence, Reading, Refusal, aws, doc, is, refuse};
use crate::blueprint::form::Doc;
use crate::blueprint::peer::Peer;
use crate::blueprint::regions;

/// `network { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The VPC's addresses. A VPC that pgherd makes is cut into one subnet for each zone.
    pub cidr: Ipv4Net,
    /// Full names of availability zones, such as `eu-west-1a`.
    pub zones: Vec<String>,
    /// The VPC that the cluster moves into; `None` makes one.
    pub existing: Option<ExistingVpc>,
    /// Who may reach HAProxy's write and read ports; `None` means the network's own addresses.
    pub clients: Option<Vec<Peer>>,
    /// Who may reach SSH and the stats page. Empty: nobody.
    pub admins: Vec<Peer>,
}

/// No region has more zones: us-east-1 has six
/// (2026-11: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>).
pub const MOST_ZONES: usize = 6;
/// Smallest part of the network that holds a zone's machines: AWS keeps 5 addresses, databases have the 16 from
/// offset 16 on, HAProxy the 16 from offset 32 on.
pub const SMALLEST_PART: u8 = 26;
/// Widest range that may come in: more than a /8 is no longer somebody.
const WIDEST_ALLOWED: u8 = 8;

/// Reads the block.
pub fn read(r: &BlockReader, region: &Reading<String>) -> Network {
    let cidr = doc(
        "cidr",
        "The VPC's range. A VPC that pgherd makes is cut into one subnet for each zone: choose a private range that no network connected to it uses. It cannot change later.",
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
        let help = "leave `clients` out to let the network's own addresses in";
        r.report(
            "clients",
            &clients.at,
            Refusal { rule: &is::TOO_OPEN, problem: "nobody could reach HAProxy".into(), help: help.into() },
        );
    }
    let admins = doc(
        "admins",
        "Who may reach SSH (which also needs `key_name`) and the stats page. The same kinds of entries as in `clients`.",
    )
    .by_default("nobody");
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
    Network { cidr: cidr.value, zones, existing, clients: clients.value, admins }
}

/// The zones of a VPC that is made, in full.
fn zones(
    r: &BlockReader,
    region: &Reading<String>,
    written: &Reading<Option<Vec<Reading<String>>>>,
) -> Reading<Vec<String>> {
    // In some regions each account has other zones. A blueprint must name them there, and is refused if it does not.
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
                "no zones are set, and which of {} an account has in {} differs",
                letters.join(", "),
                region.value
            );
            let help = format!(
                "write network {{ zones = {:?} }}, or the others that `aws ec2 describe-availability-zones --region {}` lists",
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
        let problem = format!("{} zones", value.len());
        r.report(
            "zones",
            &written.at,
            Refusal { rule: &is::ZONES, problem, help: format!("name 1 to {MOST_ZONES} zones") },
        );
        return Reading { value: default(), at, presence: Presence::Refused };
    }
    Reading { value, at, presence: written.presence }
}

/// A list of ranges that may come in.
fn allowed(r: &BlockReader, doc: Doc) -> Reading<Option<Vec<Peer>>> {
    let Reading { value, at, presence } = r.list(doc, peer);
    if let Some(ranges) = &value {
        report_repeated(r, doc.name, ranges);
    }
    Reading { value: value.map(|ranges| ranges.into_iter().map(|range| range.value).collect()), at, presence }
}

/// The range of a VPC that is made is nobody else's. What exists already is its owner's to judge.
fn check_private(r: &BlockReader, cidr: &mut Reading<Ipv4Net>) {
    /// RFC 1918, and RFC 6598 for those who have used that up.
    const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let inside = |private: &&str| private.parse::<Ipv4Net>().is_ok_and(|private| private.contains(&cidr.value));
    if cidr.is_set() && !PRIVATE.iter().any(inside) {
        let net = cidr.value;
        let problem = format!("`{net}` is not private: its owners on the internet could not be reached from inside");
        let help = format!("take a part of {}", PRIVATE.join(", "));
        r.report("cidr", &cidr.at, Refusal { rule: &is::VPC, problem, help });
        cidr.presence = Presence::Refused;
    }
}

/// The network must give each zone a part that holds its machines.
fn check_room(r: &BlockReader, cidr: &Reading<Ipv4Net>, zones: &Reading<Vec<String>>) {
    if cidr.is_refused() || zones.is_refused() {
        return;
    }
    let parts = zones.value.len().next_power_of_two();
    let longest = SMALLEST_PART - parts.trailing_zeros() as u8;
    if cidr.value.prefix_len() > longest {
        let (name, at) = if cidr.is_set() { ("cidr", &cidr.at) } else { ("zones", &zones.at) };
        let problem = format!(
            "{} cannot hold {} zones: it is cut into {parts} parts, and the machines of a zone need a /{SMALLEST_PART}",
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
                help: format!("write {wide} or wider (a /16 is usual), or name fewer zones"),
            },
        );
    }
}

fn report_repeated<T: Hash + Eq + Display>(r: &BlockReader, name: &str, items: &[Reading<T>]) {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(&item.value) {
            let problem = format!("`{}` is listed twice", item.value);
            r.report(name, &item.at, Refusal { rule: &is::REPEATED, problem, help: "leave the second one out".into() });
        }
    }
}

/// An IPv4 range, host bits zero.
pub fn range(text: &str) -> Result<Ipv4Net, Refusal> {
    let (address, length) = text.split_once('/').unwrap_or((text, "32"));
    let octets: Vec<&str> = address.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let padded = |part: &&str| part.len() > 1 && part.starts_with('0');
    // inet_aton(3) reads octal after a 0, and others read decimals.
    if octets.iter().all(is_number) && octets.iter().any(padded) {
        let plain: Vec<&str> = octets.iter().map(|octet| octet.trim_start_matches('0')).collect();
        let plain: Vec<&str> = plain.into_iter().map(|octet| if octet.is_empty() { "0" } else { octet }).collect();
        let help = format!("write it in decimals, without zeros in front: \"{}/{length}\"", plain.join("."));
        return refuse(
            &is::RANGE,
            format!("`{text}` has a 0 in front of a number, which some programs read as octal"),
            help,
        );
    }
    if let Ok(net) = text.parse::<Ipv4Net>() {
        if net.addr() == net.network() {
            return Ok(net);
        }
        return refuse(
            &is::RANGE,
            format!("`{text}` is an address within a network"),
            format!("write the network: \"{}\"", net.trunc()),
        );
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return refuse(&is::RANGE, format!("`{text}` is an address, not a range"), format!("write \"{text}/32\""));
    }
    if text.parse::<ipnet::Ipv6Net>().is_ok() || text.parse::<std::net::Ipv6Addr>().is_ok() {
        return refuse(
            &is::RANGE,
            format!("`{text}` is IPv6"),
            "write an IPv4 range: the cluster's network is IPv4 only",
        );
    }
    refuse(
        &is::RANGE,
        format!("`{text}` is not an IPv4 range"),
        "write address and prefix length, such as \"10.20.0.0/16\"",
    )
}

/// A VPC's range: what AWS takes (2026-11: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>).
fn vpc_range(text: &str) -> Result<Ipv4Net, Refusal> {
    let net = range(text)?;
    if !(16..=28).contains(&net.prefix_len()) {
        return refuse(
            &is::VPC,
            format!("AWS makes no VPC of a /{}", net.prefix_len()),
            "write a /16 to /28, such as \"10.20.0.0/16\"",
        );
    }
    Ok(net)
}

/// Who may come in: a range, a security group or a prefix list.
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
        let help = format!("write \"{group}\", or the account's 12 digits before the slash");
        return refuse(&is::AWS_ID, format!("`{account}` is not an account"), help);
    }
    aws::id(group, "sg").map(|_| Peer::Group(text.into()))
}

/// A range that may come in.
fn source_range(text: &str) -> Result<Ipv4Net, Refusal> {
    let net = range(text)?;
    if net.prefix_len() == 0 {
        return refuse(
            &is::TOO_OPEN,
            "no port is opened to the world",
            "name the ranges that need it, such as \"203.0.113.0/24\"",
        );
    }
    if net.prefix_len() < WIDEST_ALLOWED {
        let help = format!("name ranges of /{WIDEST_ALLOWED} or less, such as \"10.0.0.0/8\"");
        return refuse(&is::TOO_OPEN, format!("`{text}` is a large part of the internet"), help);
    }
    Ok(net)
}
