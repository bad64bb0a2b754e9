//! What is not HCL, and what is no single cluster.

use super::{Case, file, inside};

/// What must be refused, where, and part of what must be said.
pub fn cases() -> Vec<Case> {
    vec![
        file("PGH105", 1, 1, "", "the file has no cluster block"),
        file("PGH105", 1, 1, "# only a comment\n", "the file has no cluster block"),
        file("PGH101", 1, 1, "{\"cluster\": {}}", "is not valid HCL here"),
        file("PGH105", 1, 1, "region = \"eu-west-1\"\n", "is outside the cluster"),
        file("PGH105", 1, 1, "clutser \"herd\" {\n  region = \"eu-west-1\"\n}\n", "did you mean `cluster`?"),
        file("PGH105", 1, 1, "resources \"x\" {\n}\n", "move it into the block `cluster \"<name>\" { … }`"),
        file("PGH105", 1, 1, "resource \"aws_instance\" \"x\" {\n}\n", "`resource` is a Terraform block"),
        file(
            "PGH105",
            4,
            1,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\ncluster \"flock\" {\n  region = \"eu-west-1\"\n}\n",
            "a file may hold only one cluster",
        ),
        file("PGH106", 1, 1, "cluster {\n  region = \"eu-west-1\"\n}\n", "the cluster has no name"),
        file(
            "PGH106",
            1,
            16,
            "cluster \"herd\" \"flock\" {\n  region = \"eu-west-1\"\n}\n",
            "a cluster must have only one name",
        ),
        file("PGH109", 1, 1, "cluster \"herd\" {\n}\n", "`region` is missing"),
        file("PGH102", 1, 16, "cluster \"herd\" {\n  region = \"eu-west-1\"\n", "this `{` is never closed"),
        file(
            "PGH102",
            3,
            11,
            "cluster \"herd\" {\n  region = \"eu-west-1\"\n  network {\n    cidr = \"10.0.0.0/16\"\n\n  tags = { a = \"b\" }\n}\n",
            "this `{` is never closed",
        ),
        file("PGH101", 4, 1, "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n}\n", "`}` does not close anything"),
        inside("PGH101", 1, 1, "{}", "is not valid HCL here"),
        inside("PGH102", 2, 11, "network {\n  zones = [\"a\", \"b\"\n}", "write the closing `]`"),
        inside("PGH102", 2, 10, "image {\n  base = \"debian-13\n}", "no closing quote"),
        inside("PGH101", 2, 10, "image {\n  base = 'debian-13'\n}", "write text in plain double quotes"),
        inside("PGH101", 2, 10, "image {\n  base = “debian-13”\n}", "write text in plain double quotes"),
        inside("PGH101", 2, 7, "image {\n  base: \"debian-13\"\n}", "write `name = value`"),
        inside(
            "PGH101",
            2,
            21,
            "image {\n  base = \"debian-13\",\n}",
            "remove the comma; an attribute ends at the end of its line",
        ),
        inside("PGH101", 2, 9, "image {\n  base =\n}", "expected a value, but found the end of the line"),
        inside(
            "PGH101",
            1,
            28,
            "image { base = \"debian-13\" builder_instance_type = \"t3.medium\" }",
            "a block on one line can hold only one attribute",
        ),
        inside("PGH101", 1, 15, "master { disk { size = 10 } }", "on a line of its own"),
        inside("PGH101", 3, 15, "master {\n  disk {\n    size = 100GiB\n  }\n}", "write only the number"),
        inside("PGH101", 2, 11, "failover {\n  ttl = 30s\n}", "write only the number"),
        inside("PGH101", 2, 22, "image {\n  base = \"debian-13\" \"debian-12\"\n}", "expected the end of the line"),
        inside("PGH101", 2, 11, "slaves {\n  count = 99999999999999999999\n}", "this number is too large"),
        inside("PGH101", 2, 15, "master {\n  memory_gb = 1e400\n}", "this number is too large"),
        inside(
            "PGH101",
            4,
            17,
            "postgres {\n  settings = {\n    jit = false\n    work_mem  = 123456789012345678901\n  }\n}",
            "this number is too large",
        ),
        inside("PGH101", 2, 16, "network {\n  zones = [\"a\" \"b\"]\n}", "expected a comma, but found `\"`"),
        inside("PGH101", 2, 16, "network {\n  zones = [var b]\n}", "separate the items of a list with commas"),
        inside("PGH101", 1, 7, "region\u{200b} = \"eu-west-1\"", "`\\u{200b}` is not valid HCL here"),
        inside("PGH104", 1, 72, &format!("tags = {}", "[".repeat(232)), "nested too deeply"),
    ]
}
