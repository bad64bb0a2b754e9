//! Parses IPv4 ranges.

use ipnet::Ipv4Net;

use super::{Refusal, is, refuse};

/// Parses an IPv4 range and checks that its host bits are zero.
pub fn range(text: &str) -> Result<Ipv4Net, Refusal> {
    let (address, length) = text.split_once('/').unwrap_or((text, "32"));
    let octets: Vec<&str> = address.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let padded = |part: &&str| part.len() > 1 && part.starts_with('0');
    // inet_aton(3) reads a number with a leading 0 as octal; other parsers read it as decimal.
    if octets.iter().all(is_number) && octets.iter().any(padded) {
        let plain: Vec<&str> = octets.iter().map(|octet| octet.trim_start_matches('0')).collect();
        let plain: Vec<&str> = plain.into_iter().map(|octet| if octet.is_empty() { "0" } else { octet }).collect();
        let help = format!("write it without leading zeros: \"{}/{length}\"", plain.join("."));
        return refuse(
            &is::RANGE,
            format!("`{text}` contains a leading zero, and some programs read such a number as octal"),
            help,
        );
    }
    if let Ok(net) = text.parse::<Ipv4Net>() {
        if net.addr() == net.network() {
            return Ok(net);
        }
        return refuse(
            &is::RANGE,
            format!("`{text}` has bits set after its prefix"),
            format!("write the network address: \"{}\"", net.trunc()),
        );
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return refuse(&is::RANGE, format!("`{text}` is an address, not a range"), format!("write \"{text}/32\""));
    }
    if text.parse::<ipnet::Ipv6Net>().is_ok() || text.parse::<std::net::Ipv6Addr>().is_ok() {
        return refuse(
            &is::RANGE,
            format!("`{text}` is an IPv6 range, and the cluster's network is IPv4 only"),
            "write an IPv4 range, such as \"10.20.0.0/16\"",
        );
    }
    refuse(
        &is::RANGE,
        format!("`{text}` is not an IPv4 range"),
        "write an address and a prefix length, such as \"10.20.0.0/16\"",
    )
}
