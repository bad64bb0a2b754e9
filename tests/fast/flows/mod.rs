//! Compares the generated files with the list of flows, in both directions: each port is open to exactly those who need it;
//! whatever is open or may log in is needed; and nothing listens without a flow.
//!
//! The files are read as text, as their programs read them. No code of `generate` is used.

mod judge;
mod read;

use judge::judge;
use pgherd::cluster::{self, Cluster};
use read::Files;

fn generated(path: &str) -> (Cluster, Files) {
    let text = std::fs::read_to_string(path).unwrap();
    generated_from(path, &text)
}

fn generated_from(path: &str, text: &str) -> (Cluster, Files) {
    let blueprint = pgherd::blueprint::parse(path, text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let cluster = cluster::resolve(&blueprint);
    let set = pgherd::generate::generate(&cluster);
    let files = set.iter().map(|(path, file)| (path.to_string(), file.text.to_string())).collect();
    (cluster, files)
}

fn blueprints() -> Vec<String> {
    let mut found = vec![];
    for folder in ["blueprints", "tests/blueprints"] {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|e| e == "hcl")));
    }
    found.sort();
    found.into_iter().map(|path| path.display().to_string()).collect()
}

#[test]
fn every_blueprints_files_hold_what_its_flows_say() {
    let blueprints = blueprints();
    assert!(blueprints.len() >= 5, "{blueprints:?}");
    for path in blueprints {
        let (cluster, files) = generated(&path);
        let wrong = judge(&cluster, &files);
        assert!(wrong.is_empty(), "{path}:\n  {}", wrong.join("\n  "));
    }
}

/// A group or a prefix list is in the argument that AWS has for it.
#[test]
fn groups_and_prefix_lists_come_in_as_the_flows_say() {
    let text = "cluster \"herd\" {\n region = \"eu-west-1\"\n network {\n clients = [\"sg-0123456789abcdef0\", \"10.9.0.0/16\"]\n \
                admins = [\"pl-0123456789abcdef0\", \"123456789012/sg-0a1b2c3d\"]\n }\n}\n";
    let (cluster, files) = generated_from("herd.hcl", text);
    assert_eq!(judge(&cluster, &files), Vec::<String>::new());
    // Each is in its own argument, and in no other.
    let traffic = &files["network/terraform_network/traffic.tf"];
    for (from, kind) in [
        ("sg-0123456789abcdef0", "group"),
        ("123456789012/sg-0a1b2c3d", "group"),
        ("pl-0123456789abcdef0", "prefix list"),
        ("10.9.0.0/16", "range"),
    ] {
        let rules: Vec<&str> = traffic.lines().filter(|line| line.contains(&format!("from = \"{from}\""))).collect();
        let fits = |line: &&str| line.contains(&format!("kind = \"{kind}\""));
        assert!(!rules.is_empty() && rules.iter().all(fits), "{from}: {rules:#?}");
    }
}

#[test]
fn so_do_the_committed_ones() {
    let (cluster, files) = generated("blueprints/herd.hcl");
    let committed: Files = (files.keys())
        .map(|path| (path.clone(), std::fs::read_to_string(format!("generated/herd/{path}")).unwrap()))
        .collect();
    assert_eq!(judge(&cluster, &committed), Vec::<String>::new());
}

/// Names that differ between AWS's partitions are right in every file.
#[test]
fn no_file_names_another_partitions_things() {
    for (region, owner, domain) in [
        ("cn-northwest-1", "837727238323", "amazonaws.com.cn"),
        ("us-gov-west-1", "513442679011", "amazonaws.com"),
        ("eu-west-1", "099720109477", "amazonaws.com"),
    ] {
        let rest = "kms_key_id = \"alias/databases\"\n image {\n base = \"ubuntu-24.04\"\n }\n";
        let (_, files) =
            generated_from("herd.hcl", &format!("cluster \"herd\" {{\n region = \"{region}\"\n {rest}}}\n"));
        assert!(files["packer_templates/master_temp.json"].contains(&format!("\"{owner}\"")), "{region}");
        let host = format!("\tsecretsmanager.{region}.{domain}\n");
        assert!(files["machine/hosts"].contains(&host), "{region}: {}", files["machine/hosts"]);
        for (path, text) in &files {
            for foreign in ["arn:aws:", "arn:aws-", "ec2.amazonaws.com", "service_name        = \"com", "099720109477"]
            {
                assert!(foreign == owner || !text.contains(foreign), "{region}: {foreign} is in {path}");
            }
        }
    }
}

/// The largest blueprint generates nothing that is longer than AWS accepts. One more attribute or character is refused.
#[test]
fn what_grows_with_the_blueprint_stays_within_awss_limits() {
    use pgherd::cluster::quotas;
    let tags: String = (0..35).map(|n| format!("    t{n:0>126} = \"{}\"\n", "v".repeat(256))).collect();
    let users: Vec<String> = (0..150).map(|n| format!("\"user_{n:0>58}\"")).collect();
    let text = format!(
        "cluster \"{}\" {{\n  region = \"ap-southeast-1\"\n  tags = {{\n{tags}  }}\n  slaves {{\n    count = 15\n  }}\n  postgres {{\n    \
         users = [{}]\n  }}\n}}\n",
        "h".repeat(40),
        users.join(", ")
    );
    let (cluster, files) = generated_from("largest.hcl", &text);
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("packer_templates/")) {
        let template: serde_json::Value = serde_json::from_str(text).unwrap();
        for tags in ["tags", "snapshot_tags", "run_tags", "run_volume_tags"] {
            let tags = template["builders"][0][tags].as_object().unwrap();
            assert!(tags.len() <= quotas::TAGS.most as usize, "{path}: {} tags", tags.len());
        }
    }
    for secret in &cluster.secrets {
        assert!(secret.name.len() <= quotas::SECRET_NAME.most as usize, "{}", secret.name);
    }
    let role = format!("{}-{}-database", cluster.name, cluster.region);
    assert!(role.len() <= quotas::ROLE_NAME.most as usize, "{role}");
    for line in files["network/terraform_network/traffic.tf"].lines().filter(|line| line.contains("description = ")) {
        let (_, description) = line.split_once("description = ").unwrap();
        assert!(description.len() - 4 <= quotas::RULE_DESCRIPTION.most as usize, "{line}");
    }
    let refused = |text: &str| pgherd::blueprint::parse("largest.hcl", text).is_err();
    assert!(refused(&text.replace(&"h".repeat(40), &"h".repeat(41))), "a role's name of 65 characters");
    assert!(refused(&text.replace("  tags = {\n", "  tags = {\n    more = \"v\"\n")), "36 tags");
}

/// The AWS provider may be 5.100 or any 6, and nothing is used that 6 removes, renames or deprecates in the resource types of the modules
/// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade>).
#[test]
fn provider_6_takes_the_files_as_5_does() {
    const GONE: &[&str] = &[
        "vpc =", // of aws_eip: domain
        "cpu_core_count",
        "cpu_threads_per_core",
        "network_interface {", // of aws_instance: primary_network_interface
        "data.aws_region",     // its name: region
    ];
    for path in blueprints() {
        let (_, files) = generated(&path);
        for (file, text) in files.iter().filter(|(file, _)| file.ends_with(".tf")) {
            let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let used: Vec<&&str> = GONE.iter().filter(|gone| spaced.contains(&format!(" {gone}"))).collect();
            assert!(used.is_empty(), "{path}: {file} has {used:?}");
            if file.ends_with("versions.tf") {
                assert!(text.contains("\">= 5.100.0, < 7.0.0\""), "{path}: {file}: {text}");
            }
        }
    }
}

/// A change by hand: the file, the old text and the new text, and part of the problem that must be found.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    // One rule too many, one too few, one for the wrong port, one for the wrong peer.
    (TRAFFIC, "port = 8008,", "port = 8009,", "shut, and a program connects"),
    (
        TRAFFIC,
        "from = \"haproxy\", to = \"database\", port = 5432",
        "from = \"haproxy\", to = \"database\", port = 5433",
        "shut, and a flow needs it",
    ),
    (
        TRAFFIC,
        "from = \"haproxy\", to = \"database\", port = 5432",
        "from = \"haproxy\", to = \"database\", port = 2380",
        "open, and no program connects",
    ),
    (
        TRAFFIC,
        "from = \"10.20.0.0/16\", to = \"haproxy\", port = 5000",
        "from = \"0.0.0.0/0\", to = \"haproxy\", port = 5000",
        "open from outside, and no flow needs it",
    ),
    (
        TRAFFIC,
        "from = \"10.20.0.0/16\", to = \"haproxy\", port = 5000",
        "from = \"10.20.0.0/16\", to = \"database\", port = 5432",
        "open from outside, and no flow needs it",
    ),
    (
        GROUPS,
        "to_port                      = each.value.port",
        "to_port                      = 65535",
        "let out, not let in",
    ),
    (
        GROUPS,
        "\"prefix list\" ? each.value.from : null\n  description                  = each.value.description\n  \
         ip_protocol                  = \"tcp\"\n  from_port                    = each.value.port\n  \
         to_port                      = each.value.port",
        "\"prefix list\" ? each.value.from : null\n  description                  = each.value.description\n  \
         ip_protocol                  = \"tcp\"\n  from_port                    = each.value.port\n  \
         to_port                      = each.value.port + 1",
        "open from outside, and no flow needs it",
    ),
    (GROUPS, "for_each = local.doors", "for_each = {}", "shut from outside, and a flow needs it"),
    (
        GROUPS,
        "resource \"aws_vpc_security_group_ingress_rule\" \"door\"",
        "resource \"aws_security_group_rule\" \"door\"",
        "of a kind that nobody reads",
    ),
    (
        "db_config/terraform_slave/cluster.tf",
        "group = \"database\"",
        "group = \"haproxy\"",
        "its machines are in haproxy",
    ),
    // Lines of pg_hba.conf: open to more, to fewer, by less.
    (HBA, "10.20.64.16/28", "10.20.64.0/18", "a line that no flow needs"),
    (
        HBA,
        "rewind_user      10.20.128.16/28    scram-sha-256\n",
        "rewind_user      10.20.0.16/28    scram-sha-256\n",
        "a login without its line",
    ),
    (HBA, "hostssl  all ", "host     all ", "a line that no flow needs"),
    (HBA, "10.20.0.32/28      scram-sha-256", "10.20.0.32/28      trust", "a line that no flow needs"),
    ("machine/machines.tsv", "10.20.64.16", "10.20.64.66", "10.20.64.66 (database) as replicauser: false"),
    // Programs that listen on another port or on more ports, or connect elsewhere.
    (HAPROXY, "bind :7000", "bind :7000\n    bind :9999", "listens, and no flow leads there"),
    (HAPROXY, "bind :5001", "bind 127.0.0.1:5001", "a flow leads there, and nothing listens"),
    (
        HAPROXY,
        "server slave1 10.20.64.16:5432 check\n",
        "server slave1 10.20.64.16:6432 check\n",
        "shut, and a program connects",
    ),
    (HAPROXY, "port 8008", "port 8080", "shut, and a program connects"),
    (HAPROXY, "server slave2 10.20.128.16:2379", "server slave2 10.20.128.16:2399", "shut, and a program connects"),
    (HAPROXY, "server master 10.20.0.16:8008", "server master 10.20.0.99:8008", "nobody (10.20.0.99)"),
    (PATRONI, "listen: 0.0.0.0:8008", "listen: 0.0.0.0:8018", "listens, and no flow leads there"),
    (PATRONI, "listen: 0.0.0.0:5432", "listen: 127.0.0.1:5432", "a flow leads there, and nothing listens"),
    (PATRONI, "- 10.20.0.16:2379", "- 10.20.0.16:4001", "shut, and a program connects"),
    (
        IDENTITY,
        "ETCD_LISTEN_PEER_URLS=http://$address:2380",
        "ETCD_LISTEN_PEER_URLS=http://$address:2381",
        "listens, and no flow leads there",
    ),
    (
        IDENTITY,
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS=$address:5432",
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS=$address:5433",
        "shut, and a program connects",
    ),
    (
        "machine/etcd.env",
        "ETCD_INITIAL_CLUSTER_TOKEN",
        "ETCD_LISTEN_METRICS_URLS=http://0.0.0.0:2381\nETCD_INITIAL_CLUSTER_TOKEN",
        "listens, and no flow leads there",
    ),
    (
        "machine/etcd.env",
        "master=http://10.20.0.16:2380",
        "master=http://10.20.0.16:2390",
        "shut, and a program connects",
    ),
];
const TRAFFIC: &str = "network/terraform_network/traffic.tf";
const GROUPS: &str = "network/terraform_network/security_groups.tf";
const HBA: &str = "db_config/pg_hba.conf";
const HAPROXY: &str = "load_balancer/haproxy.cfg";
const PATRONI: &str = "db_config/patroni.yml";
const IDENTITY: &str = "machine/identity.sh";

/// The check finds each of these mistakes; otherwise it would prove nothing by finding none.
#[test]
fn a_file_that_was_changed_by_hand_is_found_out() {
    let (cluster, files) = generated("blueprints/minimal.hcl");
    let mut blind = vec![];
    for (path, from, to, expected) in BROKEN {
        let mut files = files.clone();
        let text = files.get_mut(*path).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        *text = text.replacen(from, to, 1);
        let wrong = judge(&cluster, &files);
        if !wrong.iter().any(|found| found.contains(expected)) {
            blind.push(format!("{path}: {from:?} -> {to:?}: {wrong:?}"));
        }
    }
    assert!(blind.is_empty(), "{}", blind.join("\n"));
}

/// The files of one blueprint do not satisfy a different one, so nothing passes because it is never checked.
#[test]
fn the_files_of_another_blueprint_are_found_out() {
    let files = |text| generated_from("test.hcl", text).1;
    let (cluster, _) = generated("tests/blueprints/pair.hcl");
    let wrong = judge(&cluster, &files("cluster \"pair\" {\n  region = \"eu-central-1\"\n}\n"));
    assert!(wrong.iter().any(|w| w.contains("haproxy") && w.contains("2380")), "{wrong:#?}");
    let (cluster, _) = generated("tests/blueprints/largest.hcl");
    assert!(!judge(&cluster, &files("cluster \"largest\" {\n  region = \"us-east-1\"\n}\n")).is_empty());
}
