//! The table of instance types agrees with what AWS returns.
//!
//! moto ships what `ec2:DescribeInstanceTypes` returned on AWS, unabridged. The table is derived from that, here and nowhere
//! else: after an update of moto run `PGHERD_UPDATE=1 cargo test --test tools instance_types`, and give `AS_OF` in
//! `src/blueprint/instance.rs` the month of moto's release.

use std::fmt::Write as _;
use std::process::Command;

use pgherd::blueprint::instance::{AS_OF, InstanceType, Processor};
use pgherd::blueprint::is_graviton;
use serde_json::{Map, Value};

const TABLE: &str = "src/blueprint/instance_types.tsv";

#[test]
fn the_table_is_what_aws_says() {
    let derived = table(&described());
    if std::env::var_os("PGHERD_UPDATE").is_some() {
        std::fs::write(TABLE, &derived).unwrap();
    }
    let there = std::fs::read_to_string(TABLE).unwrap();
    let differ: Vec<_> = there.lines().zip(derived.lines()).filter(|(a, b)| a != b).take(3).collect();
    assert!(there == derived, "{TABLE} is not what moto's data say: {differ:#?}");
}

#[test]
fn what_is_added_by_hand_is_not_in_the_table() {
    let described = described();
    let added = std::fs::read_to_string("src/blueprint/instance_types_more.tsv").unwrap();
    for line in added.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split('\t').next().unwrap();
        assert!(!described.contains_key(name), "{name} is in moto's data by now: take its line out");
        assert!(InstanceType::of(name).is_some_and(|instance| instance.link.is_some()), "{name}");
    }
}

#[test]
fn every_type_is_known_by_its_name() {
    for (name, type_) in &described() {
        let instance = InstanceType::of(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(u64::from(instance.vcpus), type_["VCpuInfo"]["DefaultVCpus"].as_u64().unwrap(), "{name}");
        assert_eq!(instance.memory_mib, type_["MemoryInfo"]["SizeInMiB"].as_u64().unwrap(), "{name}");
        let processor = Processor::of(name).unwrap();
        assert_eq!(is_graviton(name), processor == Processor::Arm, "{name}: {processor:?}");
    }
}

/// Returns what `ec2:DescribeInstanceTypes` returned, by type.
fn described() -> Map<String, Value> {
    let find = "import importlib.util; print(importlib.util.find_spec('moto').submodule_search_locations[0])";
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // The Python that moto_server runs in.
    let server = which::which("moto_server").expect("moto_server: `make test` installs it");
    let python = server.with_file_name("python3");
    let folder = String::from_utf8(run(python.to_str().unwrap(), &["-c", find])).unwrap();
    let json = run("zcat", &[&format!("{}/ec2/resources/instance_types.json.gz", folder.trim())]);
    serde_json::from_slice(&json).unwrap()
}

fn table(described: &Map<String, Value>) -> String {
    let mut text = format!(
        "# EC2 instance types as ec2:DescribeInstanceTypes described them in {AS_OF}. Made by tests/tools/instance_types.rs; not edited.\n\
         # A network of several cards counts with the first, which the machine's one interface is on. Mbit/s; operations a second.\n\
         # type, processor, credits, vCPU, MiB, network: baseline, maximum; EBS: baseline and maximum Mbit/s, baseline and maximum operations\n"
    );
    let mut names: Vec<&String> = described.keys().collect();
    names.sort();
    for name in names {
        let type_ = &described[name];
        let processor = match type_["ProcessorInfo"]["SupportedArchitectures"].as_array().unwrap().last().unwrap() {
            arch if arch == "x86_64" => "x86",
            arch if arch == "arm64" => "arm",
            arch => arch.as_str().unwrap().strip_suffix("_mac").map(|_| "mac").unwrap(),
        };
        let credits = if type_["BurstablePerformanceSupported"] == true { "credits" } else { "-" };
        let card = &type_["NetworkInfo"]["NetworkCards"][0];
        let mbit = |name: &str| (card[name].as_f64().unwrap() * 1000.0).round();
        write!(
            text,
            "{name}\t{processor}\t{credits}\t{}\t{}\t{}\t{}",
            type_["VCpuInfo"]["DefaultVCpus"],
            type_["MemoryInfo"]["SizeInMiB"],
            mbit("BaselineBandwidthInGbps"),
            mbit("PeakBandwidthInGbps"),
        )
        .unwrap();
        let link = &type_["EbsInfo"]["EbsOptimizedInfo"];
        if link.is_object() {
            for name in ["BaselineBandwidthInMbps", "MaximumBandwidthInMbps", "BaselineIops", "MaximumIops"] {
                write!(text, "\t{}", link[name].as_u64().unwrap()).unwrap();
            }
        }
        text.push('\n');
    }
    text
}
