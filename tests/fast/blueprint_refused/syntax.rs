//! What is not HCL, and what is no single cluster.

use super::{Case, file, inside};

/// What must be refused, where, and part of what must be said.
pub fn cases() -> Vec<Case> {
    vec![
        file("PGH105", 1, 1, "", "there is no cluster in this file"),
        file("PGH105", 1, 1, "# only a comment\n", "there is no cluster in this file"),
        file("PGH101", 1, 1, "{\"cluster\": {}}", "is not HCL here"),
        file("PGH105", 1, 1, "region = \"eu-west-1\"\n", "is outside the cluster"),
        file("PGH105", 1, 1, "clutser \"herd\" {\n  region = \"eu-west-1\"\n}\n", "did you mean `cluster`?"),
        file("PGH105", 1, 1, "resources \"x\" {\n}\n", "write everything inside one `cluster \"<name>\" { … }`"),
        file("PGH105", 1, 1, "resource \"aws_instance\" \"x\" {\n}\n", "`resource` is Terraform's"),
        file(
            "PGH105",
            4,
            1,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\ncluster \"flock\" {\n  region = \"eu-west-1\"\n}\n",
            "a second cluster in this file",
        ),
        file("PGH106", 1, 1, "cluster {\n  region = \"eu-west-1\"\n}\n", "the cluster has no name"),
        file("PGH106", 1, 16, "cluster \"herd\" \"flock\" {\n  region = \"eu-west-1\"\n}\n", "a cluster has one name"),
        file("PGH109", 1, 1, "cluster \"herd\" {\n}\n", "`region` is missing"),
        file("PGH102", 1, 16, "cluster \"herd\" {\n  region = \"eu-west-1\"\n", "this `{` is never closed"),
        file(
            "PGH102",
            3,
            11,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n  network {\n    cidr = \"10.0.0.0/16\"\n\n  tags = { a = \"b\" }\n}\n",
            "this `{` is never closed",
        ),
        file(
            "PGH101",
            4,
            1,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n}\n",
            "nothing is open that `}` could close",
        ),
        inside("PGH101", 1, 1, "{}", "is not HCL here"),
        inside("PGH102", 2, 11, "network {\n  zones = [\"a\", \"b\"\n}", "write the `]` that ends it"),
        inside("PGH102", 2, 10, "image {\n  base = \"debian-13\n}", "no closing quote"),
        inside("PGH101", 2, 10, "image {\n  base = 'debian-13'\n}", "write text in plain double quotes"),
        inside("PGH101", 2, 10, "image {\n  base = “debian-13”\n}", "write text in plain double quotes"),
        inside("PGH101", 2, 7, "image {\n  base: \"debian-13\"\n}", "write `name = value`"),
        inside("PGH101", 2, 21, "image {\n  base = \"debian-13\",\n}", "leave it out: an attribute ends with its line"),
        inside("PGH101", 2, 9, "image {\n  base =\n}", "the end of the line is no value"),
        inside(
            "PGH101",
            1,
            28,
            "image { base = \"debian-13\" builder_instance_type = \"t3.medium\" }",
            "a block in one line holds one attribute at most",
        ),
        inside("PGH101", 1, 15, "master { disk { size = 10 } }", "on a line of its own"),
        inside("PGH101", 3, 15, "master {\n  disk {\n    size = 100GiB\n  }\n}", "write the number alone"),
        inside("PGH101", 2, 11, "failover {\n  ttl = 30s\n}", "write the number alone"),
        inside("PGH101", 2, 22, "image {\n  base = \"debian-13\" \"debian-12\"\n}", "is where the line should end"),
        inside("PGH101", 2, 11, "slaves {\n  count = 99999999999999999999\n}", "larger than any that counts here"),
        inside("PGH101", 2, 15, "master {\n  memory_gb = 1e400\n}", "larger than any that counts here"),
        inside(
            "PGH101",
            4,
            17,
            "postgres {\n  settings = {\n    jit = false\n    work_mem  = 123456789012345678901\n  }\n}",
            "larger than any that counts here",
        ),
        inside("PGH101", 2, 16, "network {\n  zones = [\"a\" \"b\"]\n}", "`\"` is where a comma should be"),
        inside("PGH101", 2, 16, "network {\n  zones = [var b]\n}", "write a comma between two items"),
        inside("PGH101", 1, 7, "region\u{200b} = \"eu-west-1\"", "`\\u{200b}` is not HCL here"),
        inside("PGH104", 1, 72, &format!("tags = {}", "[".repeat(232)), "nests too deep"),
    ]
}
