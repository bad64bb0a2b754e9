//! What AWS would refuse in the middle of a run is checked before it begins, and reported with the missing amount.

use std::fs;

use crate::support::herd::Herd;
use crate::support::{Test, world};
use pgherd::cluster::{Cluster, resolve};
use pgherd::pipeline::preflight::{Answer, PreflightVerdict, Subject, judge, questions};
use serde_json::{Value, json};

fn cluster(text: &str) -> Cluster {
    let text = format!("cluster \"herd\" {{\n region = \"eu-west-1\"\n{text}\n}}\n");
    resolve(&pgherd::blueprint::parse("", &text).unwrap_or_else(|problems| panic!("{text}{problems:#?}")))
}

/// Returns the verdict if AWS returns these responses, and none for other requests.
fn verdict(cluster: &Cluster, answers: &[(Subject, Answer)]) -> PreflightVerdict {
    let asked = questions(cluster, true).into_iter();
    let told = asked.filter_map(|question| {
        let (_, answer) = answers.iter().find(|(of, _)| *of == question.of)?;
        Some((question, answer.clone()))
    });
    judge(cluster, &told.collect::<Vec<_>>())
}

fn json_of(of: Subject, value: Value) -> (Subject, Answer) {
    (of, Answer::Json(value))
}

fn lacks(cluster: &Cluster, answers: &[(Subject, Answer)]) -> Vec<String> {
    verdict(cluster, answers).lacks.into_iter().map(|lack| format!("{}: {}", lack.what, lack.help)).collect()
}

fn has(lacks: &[String], words: &str) {
    assert!(lacks.len() == 1 && lacks[0].contains(words), "{words}: {lacks:#?}");
}

#[test]
fn an_account_without_the_zone_is_told_which_it_has() {
    let zones = json!({ "AvailabilityZones": [
        { "ZoneName": "eu-west-1a", "State": "available" }, { "ZoneName": "eu-west-1b", "State": "available" },
        { "ZoneName": "eu-west-1c", "State": "impaired" }] });
    let found = lacks(&cluster(""), &[json_of(Subject::Zones, zones)]);
    has(&found, "no availability zone eu-west-1c");
    has(&found, "eu-west-1a, eu-west-1b");
    assert_eq!(
        lacks(&cluster(""), &[json_of(Subject::Zones, json!({}))]),
        [""; 0],
        "an answer without zones says nothing"
    );
}

#[test]
fn a_type_that_a_zone_does_not_offer_is_found_before() {
    let herd = cluster(
        "master {\n instance_type = \"m6i.large\"\n}\nhaproxy {\n count = 1\n instance_type = \"c6in.large\"\n}",
    );
    let types = ["m6i.large", "c6in.large", "t3.medium"];
    let all = |but: Option<(&str, &str)>| {
        let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
        let pairs = types.iter().flat_map(|kind| zones.iter().map(move |zone| (*kind, *zone)));
        let list: Vec<Value> = pairs
            .filter(|pair| Some(*pair) != but && but.is_none_or(|(kind, zone)| !(zone == "*" && pair.0 == kind)))
            .map(|(kind, zone)| json!({ "InstanceType": kind, "Location": zone }))
            .collect();
        [json_of(Subject::Offerings, json!({ "InstanceTypeOfferings": list }))]
    };
    assert_eq!(lacks(&herd, &all(None)), [""; 0]);
    has(
        &lacks(&herd, &all(Some(("m6i.large", "eu-west-1a")))),
        "eu-west-1a does not offer m6i.large, the instance type of master",
    );
    has(&lacks(&herd, &all(Some(("c6in.large", "*")))), "eu-west-1 does not offer c6in.large");
    has(
        &lacks(&herd, &all(Some(("t3.medium", "*")))),
        "does not offer t3.medium, the instance type that images are built on",
    );
}

#[test]
fn elastic_ips_are_counted_with_those_of_others_and_without_our_own() {
    let herd = cluster(
        "master {\n elastic_ip = true\n}\nslaves {\n elastic_ip = true\n}\nhaproxy {\n count = 1\n elastic_ip = true\n}",
    );
    let address =
        |tag: Option<&str>| json!({ "Tags": tag.map(|tag| vec![json!({ "Key": "pgherd:cluster", "Value": tag })]) });
    let quota = json_of(
        Subject::AddressQuota,
        json!({ "AccountAttributes": [{ "AttributeName": "vpc-max-elastic-ips", "AttributeValues": [{ "AttributeValue": "5" }] }] }),
    );
    let found = |addresses: Vec<Value>| {
        lacks(&herd, &[json_of(Subject::Addresses, json!({ "Addresses": addresses })), quota.clone()])
    };
    assert_eq!(found(vec![address(None)]), [""; 0], "1 and 4 are 5");
    has(
        &found(vec![address(None), address(Some("herd/eu-west-2")), address(None)]),
        "the quota of Elastic IPs in eu-west-1 is too low by 2",
    );
    assert_eq!(
        found([vec![address(Some("herd/eu-west-1")); 4], vec![address(None)]].concat()),
        [""; 0],
        "ours are there"
    );
    assert_eq!(lacks(&herd, std::slice::from_ref(&quota)), [""; 0], "half an answer is none");
}

#[test]
fn processors_are_counted_by_the_class_of_the_type() {
    let herd = cluster(
        "master {\n instance_type = \"m6i.4xlarge\"\n}\nslaves {\n instance_type = \"m6i.4xlarge\"\n}\nhaproxy {\n count = 1\n instance_type = \"c6in.large\"\n}",
    );
    let class = pgherd::pipeline::preflight::Class::of("m6i.large").unwrap();
    let quota = |most: f64| json_of(Subject::ProcessorQuota(class), json!({ "Quota": { "Value": most } }));
    let machine = |kind: &str, spot: Option<&str>| json!({ "type": kind, "spot": spot, "cpu": { "CoreCount": 4, "ThreadsPerCore": 2 }, "tags": null });
    let running = [machine("r5.2xlarge", None), machine("m5.2xlarge", Some("spot")), machine("p3.2xlarge", None)];
    let of = |most: f64| verdict(&herd, &[quota(most), json_of(Subject::Machines, json!(running))]);
    // 3 x 16 and 2; 8 are in use.
    let lacking = of(32.0).lacks;
    assert!(lacking.len() == 1 && lacking[0].what.contains("in eu-west-1 is too low by 26"), "{lacking:#?}");
    assert!(lacking[0].help.contains("L-1216C47A") && lacking[0].help.contains("--desired-value 58"), "{lacking:#?}");
    let tight = of(60.0);
    assert!(tight.lacks.is_empty() && tight.notices.len() == 1, "builders fit one after the other: {tight:#?}");
    assert_eq!(of(64.0), PreflightVerdict::default());
}

#[test]
fn what_the_blueprint_names_must_be_there() {
    let herd = cluster("master {\n key_name = \"dba\"\n}\nslaves {\n key_name = \"ops\"\n}");
    has(
        &lacks(&herd, &[json_of(Subject::KeyPairs, json!({ "KeyPairs": [{ "KeyName": "ops" }] }))]),
        "there is no key pair dba in eu-west-1",
    );

    let herd = cluster("kms_key_id = \"alias/databases\"");
    let key = |state: &str, spec: &str| {
        json_of(Subject::Key, json!({ "KeyMetadata": { "KeyState": state, "KeySpec": spec } }))
    };
    has(&lacks(&herd, &[(Subject::Key, Answer::Missing)]), "no KMS key alias/databases");
    has(&lacks(&herd, &[key("PendingDeletion", "SYMMETRIC_DEFAULT")]), "not enabled: PendingDeletion");
    has(&lacks(&herd, &[key("Enabled", "RSA_2048")]), "not symmetric");
    assert_eq!(lacks(&herd, &[key("Enabled", "SYMMETRIC_DEFAULT")]), [""; 0]);

    let herd = cluster("state {\n s3 {\n bucket = \"states\"\n region = \"eu-central-1\"\n }\n}");
    has(&lacks(&herd, &[(Subject::Bucket, Answer::Missing)]), "there is no bucket states");
    has(&lacks(&herd, &[(Subject::Bucket, Answer::Forbidden)]), "belongs to another account");
    has(
        &lacks(&herd, &[json_of(Subject::Bucket, json!({ "BucketRegion": "us-east-1" }))]),
        "is in us-east-1, not in eu-central-1",
    );
    assert_eq!(lacks(&herd, &[json_of(Subject::Bucket, Value::Null)]), [""; 0], "older CLIs say nothing");
    let unversioned = verdict(&herd, &[json_of(Subject::Versioning, Value::Null)]);
    assert!(unversioned.lacks.is_empty() && unversioned.notices[0].contains("has no versioning"), "{unversioned:?}");
}

#[test]
fn a_network_of_the_accounts_own_is_looked_at() {
    let vpc = resolve(&pgherd::blueprint::parse("", include_str!("../blueprints/vpc.hcl")).unwrap());
    let subnet = |id: &str, zone: &str, cidr: &str, free: u64| {
        json!({ "SubnetId": id, "AvailabilityZone": zone, "CidrBlock": cidr, "AvailableIpAddressCount": free,
                "VpcId": "vpc-0a1b2c3d4e5f60718" })
    };
    let all = |free: u64| {
        vec![
            subnet("subnet-0a1b2c3d4e5f6071a", "eu-west-1a", "10.1.4.0/24", free),
            subnet("subnet-0a1b2c3d4e5f6071b", "eu-west-1b", "10.1.5.0/24", 100),
            subnet("subnet-0a1b2c3d4e5f6071c", "eu-west-1c", "10.1.8.0/26", 50),
            subnet("subnet-0a1b2c3d4e5f60720", "eu-west-1a", "10.1.9.0/26", 50),
        ]
    };
    let found = |subnets: Vec<Value>| lacks(&vpc, &[json_of(Subject::Subnets, json!({ "Subnets": subnets }))]);
    assert_eq!(found(all(10)), [""; 0]);
    has(&found(all(0)), "the subnet subnet-0a1b2c3d4e5f6071a has 1 addresses too few: 1 are needed, 0 are free");
    has(&found(all(10)[..3].to_vec()), "there is no subnet subnet-0a1b2c3d4e5f60720 in eu-west-1");
    let mut moved = all(10);
    moved[1]["AvailabilityZone"] = "eu-west-1c".into();
    has(&found(moved), "is in eu-west-1c, not in eu-west-1b");
    let vpcs = |list: Value| lacks(&vpc, &[json_of(Subject::Vpcs, json!({ "Vpcs": list }))]);
    has(&vpcs(json!([])), "there is no VPC vpc-0a1b2c3d4e5f60718");
    has(
        &vpcs(json!([{ "VpcId": "vpc-0a1b2c3d4e5f60718", "CidrBlock": "10.2.0.0/16" }])),
        "does not have the range 10.1.0.0/16; it has 10.2.0.0/16",
    );
}

#[test]
fn what_may_not_be_asked_is_told_and_no_failure() {
    let herd = cluster("");
    let told = verdict(
        &herd,
        &[
            (Subject::Zones, Answer::Forbidden),
            (Subject::VpcQuota, Answer::Forbidden),
            (Subject::Vpcs, Answer::Failed("timeout".into())),
        ],
    );
    assert!(told.lacks.is_empty() && told.notices.len() == 2, "{told:#?}");
    let all = told.notices.join("\n");
    assert!(
        all.contains("ec2 describe-availability-zones, service-quotas get-service-quota") && all.contains("timeout"),
        "{all}"
    );
}

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test
}

#[test]
fn nothing_is_begun_where_something_is_missing() {
    let test = ready();
    fs::write(test.state("describe-availability-zones"), r#"{"AvailabilityZones": [{"ZoneName": "eu-west-1a"}]}"#)
        .unwrap();
    test.run(RUN).exits(4).err("this account has no availability zone eu-west-1b, eu-west-1c").err("eu-west-1a");
    let begun = |call: &&String| ["packer build", " apply ", " plan "].iter().any(|word| call.contains(word));
    assert_eq!(test.calls().iter().filter(begun).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The states are in the bucket. That it is missing is reported together with everything else that is missing, before the lookup fails.
#[test]
fn a_first_run_without_the_bucket_is_told_all_that_is_missing() {
    let state = "  state {\n    s3 {\n      bucket = \"states\"\n    }\n  }\n}\n";
    let blueprint = Herd::healthy().blueprint();
    let blueprint = format!("{}{state}", blueprint.trim_end().strip_suffix('}').unwrap());
    let test = Test::with_tools(&blueprint);
    test.run(&["gen"]).exits(0);
    fs::write(test.state("describe-availability-zones"), r#"{"AvailabilityZones": [{"ZoneName": "eu-west-1a"}]}"#)
        .unwrap();
    test.hook(
        "aws",
        r#"case "$1 $2" in
            "s3api head-bucket") echo "An error occurred (404) when calling the HeadBucket operation: Not Found" >&2; exit 254 ;;
            "s3api "*) echo "An error occurred (NoSuchBucket) when calling the operation: The specified bucket does not exist" >&2; exit 254 ;;
        esac"#,
    );
    test.run(RUN)
        .exits(4)
        .err("there is no bucket states")
        .err("this account has no availability zone")
        .err("2 things that this cluster needs are missing in AWS");
    assert!(!test.calls().iter().any(|call| call.contains("list-objects")), "{:#?}", test.calls());
}

/// If nothing has to be created, nothing is checked. If something has to be, everything is checked before.
#[test]
fn only_a_run_that_makes_something_asks() {
    let test = ready();
    world::put_into(&test);
    test.run(RUN).exits(0);
    let asked = test.position("describe-availability-zones");
    assert!(asked < test.position("packer build -") && asked < test.position(" apply "), "{:#?}", test.calls());
    let calls = test.calls().len();
    test.run(RUN).exits(0).err("network unchanged");
    let again = test.calls().split_off(calls);
    assert!(!again.iter().any(|call| call.contains("describe-availability-zones")), "{again:#?}");
}

#[test]
fn credentials_that_may_not_ask_do_not_stop_a_run() {
    let test = ready();
    test.hook(
        "aws",
        r#"case "$1 $2" in "ec2 describe-availability-zones" | "service-quotas "*)
            echo "An error occurred (UnauthorizedOperation) when calling the operation: You are not authorized" >&2; exit 254 ;; esac"#,
    );
    test.run(RUN)
        .exits(0)
        .err("these credentials lack the rights for ec2 describe-availability-zones, service-quotas get-service-quota");
}

/// An unknown region, and one that Terraform's provider may be too old for: the plan comes before the builds.
#[test]
fn a_region_that_may_not_be_there_is_asked_about_and_planned_first() {
    let blueprint = Herd::healthy().blueprint().replace("eu-west-1", "eu-west-9");
    let test = Test::with_tools(&blueprint);
    test.run(&["gen"]).exits(0);
    test.run(&["check", "blueprints/herd.hcl"]).out("PGH340");
    test.hook(
        "aws",
        r#"case "$*" in *describe-regions*) echo '{"Regions": []}'; exit ;; "sts "*) echo "Could not connect to the endpoint URL" >&2; exit 255 ;; esac"#,
    );
    test.run(RUN).exits(4).err("there is no AWS region eu-west-9");

    let test = Test::with_tools(&blueprint);
    test.run(&["gen"]).exits(0);
    test.hook("terraform", r#"case "$*" in *plan*) echo "Error: invalid AWS Region: eu-west-9"; exit 1 ;; esac"#);
    test.run(RUN).exits(1).err("invalid AWS Region");
    assert!(!test.calls().iter().any(|call| call.starts_with("packer build ")), "{:#?}", test.calls());
}
