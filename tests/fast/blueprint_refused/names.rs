//! The cluster itself: name, region, tags, state.

use super::{Case, file, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    vec![
        file("PGH140", 1, 9, "cluster \"Herd\" {\n  region = \"eu-west-1\"\n}\n", "such as \"herd\""),
        file("PGH140", 1, 9, "cluster \"my_herd\" {\n  region = \"eu-west-1\"\n}\n", "such as \"my-herd\""),
        file("PGH140", 1, 9, "cluster \"1st\" {\n  region = \"eu-west-1\"\n}\n", "cannot be part of a host name"),
        file("PGH140", 1, 9, "cluster \"herd-\" {\n  region = \"eu-west-1\"\n}\n", "cannot be part of a host name"),
        file("PGH140", 1, 9, "cluster \"\" {\n  region = \"eu-west-1\"\n}\n", "cannot be part of a host name"),
        file(
            "PGH140",
            1,
            9,
            "cluster \"sg-herd\" {\n  region = \"eu-west-1\"\n}\n",
            "`sg-` is the prefix of their ids",
        ),
        file(
            "PGH140",
            1,
            9,
            &format!("cluster \"{}\" {{\n  region = \"eu-west-1\"\n}}\n", "a".repeat(56)),
            "use at most 55",
        ),
        // An IAM role has the region in its name.
        file(
            "PGH140",
            1,
            9,
            &format!("cluster \"{}\" {{\n  region = \"eu-west-1\"\n}}\n", "a".repeat(46)),
            "use at most 45 characters; the IAM role `<cluster>-eu-west-1-database` is limited to 64",
        ),
        file(
            "PGH140",
            1,
            9,
            &format!("cluster \"{}\" {{\n  region = \"ap-southeast-1\"\n}}\n", "a".repeat(41)),
            "use at most 40 characters",
        ),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"eu-west\"\n}\n", "is not a region"),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"eu-wset-1\"\n}\n", "did you mean \"eu-west-1\"?"),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"eu-wst-1\"\n}\n", "did you mean \"eu-west-1\"?"),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"EU-WEST-1\"\n}\n", "is not a region"),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"euwest1\"\n}\n", "write an AWS region"),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"eu-west-1a\"\n}\n", "write \"eu-west-1\""),
        file("PGH141", 2, 12, "cluster \"herd\" {\n  region = \"Ireland\"\n}\n", "write an AWS region"),
        file("PGH112", 2, 12, "cluster \"herd\" {\n  region = eu-west-1\n}\n", "write \"eu-west-1\""),
        file(
            "PGH142",
            2,
            12,
            "cluster \"herd\" {\n  region = \"us-west-1\"\n}\n",
            "write network { zones = [\"a\", \"b\"] }",
        ),
        inside("PGH155", 1, 10, "tags = { Name = \"x\" }", "pgherd sets the tag `Name` itself"),
        inside("PGH155", 1, 10, "tags = { \"aws:x\" = \"x\" }", "uses the reserved prefix"),
        inside("PGH155", 1, 10, "tags = { \"pgherd:cluster\" = \"x\" }", "uses the reserved prefix"),
        inside("PGH155", 1, 22, "tags = { team = \"a\", Team = \"b\" }", "the same key to IAM"),
        inside("PGH155", 1, 10, "tags = { \"\" = \"x\" }", "use 1 to 128 characters"),
        inside("PGH155", 1, 10, "tags = { \"a;b\" = \"x\" }", "IAM does not allow `;` in a key"),
        inside("PGH155", 1, 17, "tags = { team = \"a,b\" }", "IAM does not allow `,` in a value"),
        inside("PGH155", 1, 17, &format!("tags = {{ team = \"{}\" }}", "x".repeat(257)), "use 0 to 256 characters"),
        inside("PGH111", 1, 17, "tags = { team = 42 }", "write it in quotes: \"42\""),
        inside("PGH104", 37, 3, &many_tags(36), "there are more than 35 tags"),
        inside("PGH109", 2, 3, "state {\n  s3 {\n  }\n}", "`state.s3.bucket` is missing"),
        inside("PGH154", 3, 14, "state {\n  s3 {\n    bucket = \"My_Bucket\"\n  }\n}", "is not a valid bucket name"),
        inside("PGH154", 3, 14, "state {\n  s3 {\n    bucket = \"s3://states/here\"\n  }\n}", "write \"states\""),
        inside("PGH154", 3, 14, "state {\n  s3 {\n    bucket = \"10.0.0.1\"\n  }\n}", "is not a valid bucket name"),
        inside(
            "PGH154",
            4,
            18,
            "state {\n  s3 {\n    bucket     = \"states\"\n    key_prefix = \"/herd/\"\n  }\n}",
            "write \"herd\"",
        ),
        prefix("../x", "write \"x\""),
        prefix("x/..", "write \"x\""),
        prefix("a/./b", "write \"a/b\""),
        prefix("a///b", "write \"a/b\""),
        prefix(".", "write \"pgherd\""),
        prefix("..", "write \"pgherd\""),
        inside(
            "PGH154",
            4,
            14,
            &bucket_in("cn-north-1"),
            "the bucket is in partition aws-cn, but the cluster is in aws",
        ),
        inside("PGH154", 4, 14, &bucket_in("us-gov-west-1"), "use a bucket in partition aws"),
        inside(
            "PGH153",
            4,
            18,
            "state {\n  s3 {\n    bucket     = \"states\"\n    key_prefix = \"my herd\"\n  }\n}",
            "is not a valid prefix of an S3 key",
        ),
        inside(
            "PGH141",
            4,
            14,
            "state {\n  s3 {\n    bucket = \"states\"\n    region = \"eu\"\n  }\n}",
            "is not a region",
        ),
    ]
}

fn many_tags(n: usize) -> String {
    let tags: String = (0..n).map(|i| format!("  k{i} = \"x\"\n")).collect();
    format!("tags = {{\n{tags}}}")
}

fn prefix(text: &str, says: &str) -> Case {
    let state = format!("state {{\n  s3 {{\n    bucket     = \"states\"\n    key_prefix = \"{text}\"\n  }}\n}}");
    inside("PGH154", 4, 18, &state, says)
}

fn bucket_in(region: &str) -> String {
    format!("state {{\n  s3 {{\n    bucket = \"states\"\n    region = \"{region}\"\n  }}\n}}")
}
