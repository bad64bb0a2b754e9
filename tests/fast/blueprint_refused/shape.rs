//! Unknown names, and values of the wrong type.

use super::{Case, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    vec![
        inside("PGH107", 1, 1, "regoin = \"eu-west-1\"", "did you mean `region`?"),
        inside("PGH107", 1, 1, "netwrok {\n}", "did you mean `network`?"),
        inside("PGH107", 1, 1, "nonsense = 1", "valid names here: region, network, image"),
        inside("PGH107", 2, 3, "network {\n  cdir = \"10.0.0.0/16\"\n}", "did you mean `cidr`?"),
        inside(
            "PGH107",
            2,
            3,
            "network {\n  color = \"blue\"\n}",
            "valid names here: cidr, zones, clients, admins, vpc_id",
        ),
        inside("PGH107", 2, 3, "network {\n  write_port = 5000\n}", "`write_port` belongs in haproxy"),
        inside("PGH107", 2, 3, "network {\n  tags = {}\n}", "belongs in the cluster itself"),
        inside("PGH107", 1, 1, "cidr = \"10.0.0.0/16\"", "`cidr` belongs in network"),
        inside("PGH107", 2, 3, "master {\n  count = 2\n}", "`count` belongs in slaves"),
        inside(
            "PGH107",
            3,
            5,
            "haproxy {\n  stats {\n    pasword = \"x\"\n  }\n}",
            "`haproxy.stats.pasword` is unknown",
        ),
        inside("PGH107", 1, 1, "disk {\n}", "belongs in master or slaves or haproxy"),
        inside("PGH108", 1, 1, "state = \"s3\"", "write `state { … }`, without `=`"),
        inside("PGH108", 1, 1, "tags {\n}", "write `tags = …`, with `=`"),
        inside("PGH103", 1, 1, "region = \"eu-west-2\"", "`region` is set twice"),
        inside("PGH103", 3, 3, "slaves {\n  count = 2\n  count = 3\n}", "`count` is set twice"),
        inside("PGH103", 1, 22, "tags = { team = \"a\", team = \"b\" }", "`team` is set twice"),
        inside("PGH103", 1, 23, "tags = { \"a b\" = \"a\", \"a b\" = \"b\" }", "`a b` is set twice"),
        inside("PGH110", 3, 1, "network {\n}\nnetwork {\n}", "a second `network` block"),
        inside("PGH106", 1, 9, "network \"main\" {\n}", "`network` takes no label"),
        inside("PGH111", 2, 10, "network {\n  cidr = 10\n}", "write it in quotes: \"10\""),
        inside("PGH111", 2, 10, "network {\n  cidr = true\n}", "write it in quotes: \"true\""),
        inside("PGH111", 2, 10, "network {\n  cidr = [\"10.0.0.0/16\"]\n}", "expected text, not a list"),
        inside("PGH111", 2, 11, "network {\n  zones = \"a\"\n}", "write zones = [\"…\", \"…\"]"),
        inside("PGH111", 2, 12, "network {\n  zones = [1]\n}", "expected text, not a number"),
        inside("PGH111", 2, 11, "slaves {\n  count = \"2\"\n}", "write 2 without quotes"),
        inside("PGH111", 2, 11, "slaves {\n  count = \"two\"\n}", "expected a whole number, not text"),
        inside("PGH111", 2, 11, "slaves {\n  count = 2.5\n}", "2.5 is not a whole number"),
        inside("PGH111", 2, 16, "slaves {\n  elastic_ip = \"true\"\n}", "write true or false, without quotes"),
        inside("PGH112", 2, 16, "slaves {\n  elastic_ip = yes\n}", "`yes` without quotes is not a value"),
        inside("PGH112", 2, 14, "master {\n  key_name = dba\n}", "write \"dba\""),
        inside("PGH111", 2, 14, "master {\n  key_name = null\n}", "remove the line to use the default"),
        inside("PGH111", 2, 14, "master {\n  key_name = <<E\ndba\nE\n}", "not a heredoc"),
        inside("PGH111", 1, 8, "tags = \"team\"", "expected a map, not text"),
        inside("PGH112", 1, 11, "tags = { (team) = \"x\" }", "`team` without quotes is not a value"),
    ]
}
