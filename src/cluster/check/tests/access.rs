//! Who may come in, and AWS's limits on that.

use super::*;

#[test]
fn who_may_come_in_is_told() {
    let told = |text: &str| -> Vec<(String, u16, String, Option<&str>)> {
        checked(text).access.into_iter().map(|door| (door.what, door.port, door.from.join(" "), door.closed)).collect()
    };
    let row = |what: &str, port, from: &str, closed| (what.to_string(), port, from.to_string(), closed);
    let nobody = "network.admins and key_name are not set; adding key_name later replaces the machine";
    assert_eq!(
        told(""),
        [
            row("write", 5000, "10.20.0.0/16", None),
            row("read", 5001, "10.20.0.0/16", None),
            row("stats", 7000, "10.20.0.0/16", None),
            row("SSH, master, slaves and haproxy", 22, "", Some(nobody)),
            // Whoever runs Packer may be anywhere.
            row("SSH, builder of images", 22, "0.0.0.0/0", None),
        ]
    );
    let some = told("network {\n admins = [\"203.0.113.0/24\"]\n}\nmaster {\n key_name = \"dba\"\n}");
    assert_eq!(
        some[2..],
        [
            row("stats", 7000, "10.20.0.0/16 203.0.113.0/24", None),
            row("SSH, master", 22, "203.0.113.0/24", None),
            row(
                "SSH, slaves and haproxy",
                22,
                "203.0.113.0/24",
                Some("key_name is not set; adding it later replaces the machine")
            ),
            row("SSH, builder of images", 22, "203.0.113.0/24", None),
        ]
    );
    let inside = told("network {\n admins = [\"10.20.1.0/24\"]\n}");
    assert_eq!(inside[2], row("stats", 7000, "10.20.0.0/16", None), "the wider range says it");
    // A builder is reached by its public address: who comes by VPN would lock Packer out.
    let from = |admins: &str| {
        let doors = told(&format!("network {{\n admins = [{admins}]\n}}"));
        doors.into_iter().find(|door| door.0 == "SSH, builder of images").map(|door| door.2)
    };
    assert_eq!(from("\"10.9.0.0/16\", \"100.64.3.0/24\"").as_deref(), Some("0.0.0.0/0"));
    assert_eq!(from("\"10.9.0.0/16\", \"203.0.113.0/24\"").as_deref(), Some("203.0.113.0/24"));
}

#[test]
fn who_has_private_addresses_alone_is_told_so() {
    let ssh = |more: &str, admin: &str| -> Vec<Option<String>> {
        let machine = |name: &str| format!("{name} {{\n key_name = \"dba\"\n{more}\n}}\n");
        let haproxy = "haproxy {\n key_name = \"dba\"\n elastic_ip = true\n}\n";
        let network = format!("network {{\n admins = [\"{admin}\"]\n}}\n");
        let found = checked(&format!("{network}{}{}{haproxy}", machine("master"), machine("slaves")));
        found.access.into_iter().filter(|door| door.what == "SSH, master, slaves and haproxy").map(|d| d.only).collect()
    };
    let told = "by VPN or peering, because master and slaves have no elastic_ip";
    assert_eq!(ssh("", "203.0.113.0/24"), [Some(told.to_string())]);
    assert_eq!(ssh(" elastic_ip = true", "203.0.113.0/24"), [None]);
    assert_eq!(ssh("", "10.9.0.0/16"), [None], "they are in another network of ours");
}

/// From the first rule too many, and not before; each list has its own ports.
#[test]
fn rules_beyond_a_quota_are_said_from_the_first_one_on() {
    let ranges =
        |count: u32| (0..count).map(|n| format!("\"10.77.{}.{}/32\"", n / 256, n % 256)).collect::<Vec<_>>().join(", ");
    let said = |list: &str, count: u32| {
        let found = checked(&format!(
            "network {{\n{list} = [{}]\n}}\naccept \"PGH050\" {{ reason = \"a test\" }}",
            ranges(count)
        ));
        let of_quotas = |finding: &&Finding| finding.rule.code.starts_with("PGH31");
        let findings = found.findings.iter().filter(of_quotas);
        findings.map(|finding| format!("{} {}", finding.rule.code, finding.problem)).collect::<Vec<_>>()
    };
    // HAProxy's: the network's own to the stats page, and each client to two ports, or each admin to two.
    let haproxy = "PGH311 inbound rules of security groups: HAProxy 61";
    assert_eq!((said("clients", 29), said("clients", 30)), (vec![], vec![haproxy.to_string()]));
    assert_eq!((said("admins", 28), said("admins", 29)), (vec![], vec![haproxy.to_string()]));
    let both = "inbound rules of security groups: Secrets Manager's endpoint 501, HAProxy 999";
    assert_eq!(said("clients", 499), [format!("PGH311 {both}")]);
    assert!(said("admins", 500).iter().any(|said| said.starts_with("PGH312")));
}

#[test]
fn a_prefix_list_may_weigh_more_than_one_rule() {
    let help = |more: &str| {
        let ranges: Vec<String> = (0..31).map(|n| format!("\"10.77.0.{n}/32\"")).collect();
        let found = checked(&format!(
            "network {{\nclients = [{}{more}]\n}}\naccept \"PGH050\" {{ reason = \"a test\" }}",
            ranges.join(", ")
        ));
        found.findings.iter().find(|finding| finding.rule.code == "PGH311").expect("31 clients are many").help.clone()
    };
    assert!(!help("").contains("prefix list"), "{}", help(""));
    let of_lists = help(", \"pl-0123456789abcdef0\"");
    for words in
        ["counts as one here", "describe-managed-prefix-lists", "--prefix-list-ids pl-0123456789abcdef0", "MaxEntries"]
    {
        assert!(of_lists.contains(words), "{of_lists}");
    }
}

#[test]
fn groups_and_prefix_lists_come_in_as_ranges_do() {
    let network = "network {\nclients = [\"sg-0123456789abcdef0\", \"pl-0123456789abcdef0\"]\n\
                   admins = [\"123456789012/sg-0a1b2c3d\"]\n}\nmaster { key_name = \"dba\" }\nslaves { key_name = \"dba\" }\n\
                   haproxy { key_name = \"dba\" }";
    let found = checked(network);
    let from = |what: &str| {
        let door = found.access.iter().find(|door| door.what.contains(what));
        door.unwrap_or_else(|| panic!("no {what}: {:?}", found.access)).from.join(", ")
    };
    assert_eq!(from("write"), "sg-0123456789abcdef0, pl-0123456789abcdef0");
    assert_eq!(from("SSH, master"), "123456789012/sg-0a1b2c3d");
    assert_eq!(from("builder"), "0.0.0.0/0", "Packer knows neither groups nor lists");
}
