//! What is not HCL, and what is no single cluster.

use super::{Case, file, inside};

/// What must be refused, where, and part of what must be said.
pub fn cases() -> Vec<Case> {
    vec![
        file(1, 1, "", "there is no cluster in this file"),
        file(1, 1, "# only a comment\n", "there is no cluster in this file"),
        file(1, 1, "{\"cluster\": {}}", "is not HCL here"),
        file(1, 1, "region = \"eu-west-1\"\n", "stands outside of the cluster"),
        file(1, 1, "clutser \"herd\" {\n  region = \"eu-west-1\"\n}\n", "did you mean `cluster`?"),
        file(1, 1, "resources \"x\" {\n}\n", "write everything inside one `cluster \"<name>\" { … }`"),
        file(1, 1, "resource \"aws_instance\" \"x\" {\n}\n", "`resource` is Terraform's"),
        file(
            4,
            1,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\ncluster \"flock\" {\n  region = \"eu-west-1\"\n}\n",
            "a second cluster in this file",
        ),
        file(1, 1, "cluster {\n  region = \"eu-west-1\"\n}\n", "the cluster has no name"),
        file(1, 16, "cluster \"herd\" \"flock\" {\n  region = \"eu-west-1\"\n}\n", "a cluster has one name"),
        file(1, 1, "cluster \"herd\" {\n}\n", "`region` is missing"),
        file(1, 16, "cluster \"herd\" {\n  region = \"eu-west-1\"\n", "this `{` is never closed"),
        file(
            3,
            11,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n  network {\n    cidr = \"10.0.0.0/16\"\n\n  tags = { a = \"b\" }\n}\n",
            "this `{` is never closed",
        ),
        file(4, 1, "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n}\n", "nothing is open that `}` could close"),
        inside(1, 1, "{}", "is not HCL here"),
        inside(2, 11, "network {\n  zones = [\"a\", \"b\"\n}", "write the `]` that ends it"),
        inside(2, 10, "image {\n  base = \"debian-13\n}", "no closing quote"),
        inside(2, 10, "image {\n  base = 'debian-13'\n}", "write text in plain double quotes"),
        inside(2, 10, "image {\n  base = “debian-13”\n}", "write text in plain double quotes"),
        inside(2, 7, "image {\n  base: \"debian-13\"\n}", "write `name = value`"),
        inside(2, 21, "image {\n  base = \"debian-13\",\n}", "leave it out: an attribute ends with its line"),
        inside(2, 9, "image {\n  base =\n}", "the end of the line is no value"),
        inside(
            1,
            28,
            "image { base = \"debian-13\" builder_instance_type = \"t3.medium\" }",
            "a block in one line holds one attribute at most",
        ),
        inside(1, 15, "master { disk { size = 10 } }", "on a line of its own"),
        inside(3, 15, "master {\n  disk {\n    size = 100GiB\n  }\n}", "write the number alone"),
        inside(2, 11, "failover {\n  ttl = 30s\n}", "write the number alone"),
        inside(2, 22, "image {\n  base = \"debian-13\" \"debian-12\"\n}", "stands where the line should end"),
        inside(1, 72, &format!("tags = {}", "[".repeat(232)), "nests too deep"),
    ]
}
