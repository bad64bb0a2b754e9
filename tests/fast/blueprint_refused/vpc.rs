//! `network { vpc_id … subnet "<zone>" { … } }`, and `kms_key_id`

use super::{Case, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    [described(), contradictions(), room(), keys()].into_iter().flatten().collect()
}

const VPC: &str = "vpc_id = \"vpc-0a1b2c3d\"\n";
const REST: &str = "cidr = \"10.1.0.0/16\"\nsecrets_endpoint = true\n";
const A: &str = "subnet \"a\" {\nid = \"subnet-0a1b2c3d\"\ncidr = \"10.1.4.0/24\"\n}\n";

/// Text inside `network`, whose own line is the first.
fn network(code: &'static str, line: usize, column: usize, parts: &[&str], says: &str) -> Case {
    inside(code, line, column, &format!("network {{\n{}}}", parts.concat()), says)
}

/// A subnet of these lines, in a valid VPC. Its own line is the fifth.
fn subnet(code: &'static str, line: usize, column: usize, lines: &[&str], says: &str) -> Case {
    network(code, line, column, &[VPC, REST, &format!("subnet \"a\" {{\n{}\n}}\n", lines.join("\n"))], says)
}

const ID: &str = "id = \"subnet-0a1b2c3d\"";
const CIDR: &str = "cidr = \"10.1.4.0/24\"";

fn described() -> Vec<Case> {
    vec![
        network("PGH163", 2, 10, &["vpc_id = \"databases\"\n", REST, A], "is not the id of a vpc"),
        network("PGH163", 2, 10, &["vpc_id = \"vpc-0A1B2C3D\"\n", REST, A], "such as \"vpc-0123456789abcdef0\""),
        network("PGH163", 2, 10, &["vpc_id = \"subnet-0a1b2c3d\"\n", REST, A], "is not the id of a vpc"),
        subnet("PGH163", 6, 6, &["id = \"vpc-0a1b2c3d\"", CIDR], "is not the id of a subnet"),
        network("PGH109", 2, 10, &[VPC, REST], "add a block subnet \"<zone>\""),
        network("PGH109", 2, 10, &[VPC, "secrets_endpoint = true\n", A], "`network.cidr` is missing"),
        network("PGH109", 2, 10, &[VPC, "cidr = \"10.1.0.0/16\"\n", A], "`network.secrets_endpoint` is missing"),
        subnet("PGH109", 5, 1, &[CIDR], "`network.subnet.id` is missing"),
        subnet("PGH109", 5, 1, &[ID], "`network.subnet.cidr` is missing"),
        network("PGH106", 6, 1, &[VPC, REST, "\nsubnet {\n}\n", A], "needs one label"),
        subnet("PGH107", 6, 1, &["name = \"x\"", ID, CIDR], "valid names here: id, cidr, offset"),
        subnet("PGH111", 8, 10, &[ID, CIDR, "offset = \"16\""], "network.subnet.offset"),
        network("PGH111", 4, 20, &[VPC, "cidr = \"10.1.0.0/16\"\nsecrets_endpoint = \"no\"\n", A], "true or false"),
    ]
}

fn contradictions() -> Vec<Case> {
    let b = A.replace("\"a\"", "\"b\"");
    let many: String = ('a'..='g')
        .map(|z| format!("subnet \"{z}\" {{\nid = \"subnet-{0:08x}\"\ncidr = \"10.1.{0}.0/24\"\n}}\n", z as u32))
        .collect();
    vec![
        network("PGH164", 2, 8, &[A], "a subnet requires `vpc_id`, which is not set"),
        network("PGH164", 2, 20, &["secrets_endpoint = false\n"], "cannot read their passwords"),
        network("PGH164", 5, 9, &[VPC, REST, "zones = [\"a\"]\n", A], "remove `zones`"),
        network("PGH142", 5, 8, &[VPC, REST, &A.replace("\"a\"", "\"eu-central-1a\"")], "is not a zone of eu-west-1"),
        network("PGH142", 29, 8, &[VPC, REST, &many], "keep 1 to 6 subnets"),
        network("PGH148", 9, 8, &[VPC, REST, A, &A.replace("0a1b", "0b1b").replace("10.1.4", "10.1.5")], "twice"),
        network("PGH148", 10, 6, &[VPC, REST, A, &b.replace("10.1.4", "10.1.5")], "`subnet-0a1b2c3d` is listed twice"),
        network(
            "PGH146",
            3,
            8,
            &[VPC, &REST.replace("/16", "/8").replace("10.1", "10.0"), A],
            "AWS does not allow a VPC of /8",
        ),
    ]
}

fn room() -> Vec<Case> {
    let b = A.replace("\"a\"", "\"b\"").replace("0a1b", "0b1b");
    vec![
        network("PGH165", 11, 8, &[VPC, REST, A, &b.replace("/24", "/25")], "overlap, but subnets of a VPC never do"),
        network(
            "PGH165",
            11,
            8,
            &[VPC, REST, A, &b.replace("4.0/24", "0.0/20")],
            "overlap, but subnets of a VPC never do",
        ),
        subnet("PGH165", 7, 8, &[ID, "cidr = \"10.2.4.0/24\""], "is not in `network.cidr`, which is 10.1.0.0/16"),
        subnet("PGH165", 7, 8, &[ID, "cidr = \"10.1.4.0/27\""], "use a subnet of /26 or larger"),
        subnet("PGH165", 8, 10, &[ID, CIDR, "offset = 100"], "write 96 or 112"),
        subnet("PGH165", 8, 10, &[ID, CIDR, "offset = 240"], "write at most 224"),
        subnet("PGH165", 8, 10, &[ID, "cidr = \"10.1.4.0/26\"", "offset = 48"], "write at most 32"),
        subnet("PGH113", 8, 10, &[ID, CIDR, "offset = 0"], "16"),
        subnet("PGH113", 8, 10, &[ID, CIDR, "offset = 65520"], "65504"),
        subnet("PGH145", 7, 8, &[ID, "cidr = \"10.1.4.1/24\""], "write the network address: \"10.1.4.0/24\""),
    ]
}

fn keys() -> Vec<Case> {
    let key = |key: &str, says: &str| inside("PGH166", 1, 14, &format!("kms_key_id = \"{key}\""), says);
    vec![
        key("databases", "or \"alias/<name>\""),
        key("", "is not a KMS key"),
        key("alias/", "is not a KMS key"),
        key("alias/two words", "is not a KMS key"),
        key("alias/aws/ebs", "remove the line"),
        key("mrk-1234", "is not a KMS key"),
        key("1234abcd-12ab-34cd-56ef", "is not a KMS key"),
        key("arn:aws:s3:::bucket", "is not the ARN of a KMS key"),
        key("arn:aws:kms:eu-west-1:1234:alias/x", "is not the ARN of a KMS key"),
        key("arn:aws:kms:eu-west-1:123456789012:key/x", "is not the ARN of a KMS key"),
        key("arn:aws:kms:eu-west-1:123456789012:alias/aws/ebs", "can only be used by a single AWS service"),
        key("arn:aws:kms:us-east-1:123456789012:alias/databases", "use a key in eu-west-1"),
    ]
}
