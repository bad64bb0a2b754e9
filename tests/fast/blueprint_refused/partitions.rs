//! Regions of other partitions, and what is invalid there.

use super::{Case, file};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    const GOV: &str = "image {\n base = \"debian-12\"\n}\n";
    let key = |region: &str, key: &str, says: &str| {
        let rest = format!("image {{\n base = \"ubuntu-24.04\"\n}}\nkms_key_id = \"{key}\"\n");
        file("PGH166", 6, 14, &cluster(region, &rest), says)
    };
    vec![
        file("PGH310", 2, 10, &cluster("cn-north-1", ""), "write image { base = \"ubuntu-24.04\" }"),
        file("PGH310", 2, 10, &cluster("us-gov-west-1", ""), "there are no images of debian-13 in aws-us-gov"),
        file("PGH310", 4, 9, &cluster("us-gov-east-1", GOV), "debian-12 in aws-us-gov"),
        key("cn-north-1", "arn:aws:kms:cn-north-1:123456789012:alias/x", "starts with \"arn:aws-cn:kms:\""),
        key("us-gov-west-1", "arn:aws:kms:us-gov-west-1:123456789012:alias/x", "starts with \"arn:aws-us-gov:kms:\""),
        key("us-gov-west-1", "arn:aws-us-gov:kms:us-gov-east-1:123456789012:alias/x", "use a key in us-gov-west-1"),
        key("us-gov-west-1", "arn:aws-us-gov:s3:us-gov-west-1:123456789012:alias/x", "is not the ARN of a KMS key"),
        file(
            "PGH166",
            3,
            14,
            &cluster("eu-west-1", "kms_key_id = \"arn:aws-cn:kms:eu-west-1:123456789012:alias/x\"\n"),
            "starts with \"arn:aws:kms:\"",
        ),
    ]
}

fn cluster(region: &str, rest: &str) -> String {
    format!("cluster \"herd\" {{\nregion = \"{region}\"\n{rest}}}\n")
}
