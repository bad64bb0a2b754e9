//! `network { … }`

use super::{Case, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    vec![
        inside(
            "PGH145",
            2,
            10,
            "network {\n  cidr = \"10.20.0.1/16\"\n}",
            "write the network address: \"10.20.0.0/16\"",
        ),
        inside("PGH145", 2, 10, "network {\n  cidr = \"10.20.0.0\"\n}", "write \"10.20.0.0/32\""),
        inside("PGH145", 2, 10, "network {\n  cidr = \"10.20/16\"\n}", "is not an IPv4 range"),
        inside("PGH145", 2, 10, "network {\n  cidr = \"fd00::/56\"\n}", "is an IPv6 range"),
        inside("PGH146", 2, 10, "network {\n  cidr = \"10.0.0.0/8\"\n}", "AWS does not allow a VPC of /8"),
        inside("PGH146", 2, 10, "network {\n  cidr = \"10.0.0.0/29\"\n}", "AWS does not allow a VPC of /29"),
        inside("PGH146", 2, 10, "network {\n  cidr = \"52.0.0.0/16\"\n}", "is not a private range"),
        inside("PGH146", 2, 10, "network {\n  cidr = \"10.0.0.0/25\"\n}", "write 10.0.0.0/24 or a wider range"),
        inside(
            "PGH146",
            2,
            11,
            "network {\n  cidr  = \"10.0.0.0/26\"\n  zones = [\"a\", \"b\"]\n}",
            "divided into 2 subnets",
        ),
        inside(
            "PGH146",
            2,
            11,
            "network {\n  cidr  = \"10.0.0.0/24\"\n  zones = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n}",
            "divided into 8 subnets",
        ),
        inside("PGH142", 2, 12, "network {\n  zones = [\"q\"]\n}", "its zones are a, b, c"),
        inside("PGH142", 2, 17, "network {\n  zones = [\"a\", \"eu-central-1b\"]\n}", "is not a zone of eu-west-1"),
        inside("PGH142", 2, 12, "network {\n  zones = [\"eu-west-1\"]\n}", "such as \"eu-west-1a\" or just \"a\""),
        inside("PGH142", 2, 12, "network {\n  zones = [\"eu-wst-1a\"]\n}", "is not a zone of eu-west-1"),
        inside("PGH142", 2, 12, "network {\n  zones = [\"eu-west-12\"]\n}", "is not a zone of eu-west-1"),
        inside("PGH142", 2, 12, "network {\n  zones = [\"1\"]\n}", "is not a zone of eu-west-1"),
        inside("PGH148", 2, 17, "network {\n  zones = [\"a\", \"eu-west-1a\"]\n}", "is listed twice"),
        inside("PGH142", 2, 11, "network {\n  zones = []\n}", "name 1 to 6 zones"),
        inside(
            "PGH142",
            2,
            11,
            "network {\n  zones = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\"]\n}",
            "name 1 to 6 zones",
        ),
        inside("PGH163", 2, 14, "network {\n  clients = [\"sg-apps\"]\n}", "is not the id of a sg"),
        inside("PGH163", 2, 14, "network {\n  clients = [\"pl-0123\"]\n}", "is not the id of a pl"),
        inside("PGH163", 2, 14, "network {\n  clients = [\"1234/sg-0a1b2c3d\"]\n}", "the 12 digits of the account"),
        inside("PGH148", 2, 29, "network {\n  clients = [\"sg-0a1b2c3d\", \"sg-0a1b2c3d\"]\n}", "is listed twice"),
        inside(
            "PGH147",
            2,
            14,
            "network {\n  clients = [\"0.0.0.0/0\"]\n}",
            "this would open a port to the whole internet",
        ),
        inside("PGH147", 2, 14, "network {\n  clients = [\"128.0.0.0/1\"]\n}", "a large part of the internet"),
        inside("PGH147", 2, 13, "network {\n  clients = []\n}", "an empty list lets no client reach HAProxy"),
        inside("PGH148", 2, 28, "network {\n  clients = [\"10.0.0.0/8\", \"10.0.0.0/8\"]\n}", "is listed twice"),
        inside("PGH145", 2, 13, "network {\n  admins = [\"203.0.113.7\"]\n}", "write \"203.0.113.7/32\""),
        inside(
            "PGH145",
            2,
            14,
            "network {\n  clients = [\"010.1.1.0/24\"]\n}",
            "without leading zeros: \"10.1.1.0/24\"",
        ),
        inside(
            "PGH145",
            2,
            13,
            "network {\n  admins = [\"10.1.00.0/24\"]\n}",
            "without leading zeros: \"10.1.0.0/24\"",
        ),
        inside("PGH145", 2, 13, "network {\n  admins = [\"::1\"]\n}", "is an IPv6 range"),
        inside("PGH145", 2, 13, "network {\n  admins = [\"me\"]\n}", "is not an IPv4 range"),
    ]
}
