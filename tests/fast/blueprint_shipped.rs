//! The blueprints that come with pgherd.

use pgherd::blueprint::{self, Blueprint};

const HERD: &str = include_str!("../../blueprints/herd.hcl");
const MINIMAL: &str = include_str!("../../blueprints/minimal.hcl");

fn parse(text: &str) -> Blueprint {
    blueprint::parse("shipped.hcl", text)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
}

/// Returns the text with every `#name` line uncommented. Prose has one space after its `#`, and a separate example has more than two.
fn uncommented(text: &str) -> String {
    let option = |line: &&str| {
        line.strip_prefix('#').is_some_and(|rest| {
            let rest = rest.strip_prefix("  ").unwrap_or(rest);
            rest.starts_with(|c: char| c != ' ')
        })
    };
    text.lines()
        .map(str::trim_start)
        .map(|line| Some(line).filter(option).map_or(line, |line| &line[1..]).to_string() + "\n")
        .collect()
}

/// A blueprint that sets nothing but its name and region.
fn smallest(name: &str) -> Blueprint {
    parse(&format!("cluster \"{name}\" {{\n  region = \"eu-west-1\"\n}}\n"))
}

#[test]
fn minimal_is_the_smallest() {
    assert_eq!(parse(MINIMAL), smallest("minimal"));
}

/// The seed's system: an Elastic IP for each of its four machines, and defaults for everything else.
#[test]
fn herd_is_the_smallest_with_elastic_ips_and_an_application() {
    let mut expected = smallest("herd");
    for machine in [&mut expected.master, &mut expected.slaves, &mut expected.haproxy.machine] {
        machine.elastic_ip = true;
    }
    let application = r#"cluster "herd" {
        region = "eu-west-1"
        postgres {
            users = ["app"]
            databases = { app = "app" }
        }
    }"#;
    expected.postgres = parse(application).postgres;
    assert_eq!(parse(HERD), expected);
}

/// What herd.hcl shows as a default is the default, and what it shows as an example is valid.
#[test]
fn herd_says_the_truth_about_what_it_leaves_out() {
    let written = parse(HERD);
    let all = parse(&uncommented(HERD));
    assert_eq!(all.network.cidr, written.network.cidr);
    assert_eq!(all.network.zones, written.network.zones);
    assert_eq!(all.image.base, written.image.base);
    assert_eq!(all.image.max_age_days, written.image.max_age_days);
    assert_eq!(all.image.builder_instance_type.as_deref(), Some("t3.medium"));
    assert_eq!((written.image.builder_subnet_id.is_some(), all.image.builder_subnet_id.is_some()), (false, true));
    assert_eq!(all.master.disk, written.master.disk);
    assert_eq!(all.master.instance_type, written.master.instance_type);
    assert_eq!(all.slave_count, written.slave_count);
    assert_eq!(all.slaves.disk, written.slaves.disk);
    assert_eq!(all.slaves.instance_type, written.slaves.instance_type);
    assert_eq!(all.haproxy.machine.disk, written.haproxy.machine.disk);
    assert_eq!(all.haproxy.machine.instance_type, written.haproxy.machine.instance_type);
    let ports = |b: &Blueprint| (b.haproxy.write_port, b.haproxy.read_port, b.haproxy.primary_serves_reads);
    assert_eq!(ports(&all), ports(&written));
    assert_eq!(all.haproxy.stats, written.haproxy.stats);
    assert_eq!(all.failover, written.failover);
    // Examples.
    assert_eq!(all.postgres.settings.len(), 3);
    assert_eq!(all.tags.len(), 2);
    assert_ne!(all.state, written.state);
    assert!(all.network.clients.is_some() && !all.network.admins.is_empty() && all.master.key_name.is_some());
}

/// The existing VPC cannot be combined with the defaults, so it has its own example.
#[test]
fn herd_shows_a_valid_example_of_an_existing_vpc() {
    let example: String = HERD
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("#     "))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!("cluster \"herd\" {{\nregion = \"eu-west-1\"\nnetwork {{\n{example}}}\n}}\n");
    let vpc = parse(&text).network.existing.expect("a VPC that exists");
    assert_eq!((vpc.vpc_id.as_str(), vpc.subnets.len(), vpc.subnets[0].offset), ("vpc-0a1b2c3d4e5f60718", 1, 16));
}
