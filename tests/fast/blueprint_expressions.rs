//! The values of expressions and variables, and that none of them hangs or exhausts memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pgherd::blueprint::{self, Blueprint, Diagnostic};

fn parse(text: &str, set: &[(&str, &str)]) -> Result<Blueprint, Vec<Diagnostic>> {
    let set: BTreeMap<String, String> = set.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    blueprint::parse_with("herd.hcl", text, &set)
}

fn good(text: &str, set: &[(&str, &str)]) -> Blueprint {
    parse(text, set).unwrap_or_else(|found| panic!("{}", found.iter().map(|d| format!("{d}\n")).collect::<String>()))
}

/// Returns the value of `count`.
fn count(expression: &str) -> u8 {
    good(&format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n  slaves {{ count = {expression} }}\n}}\n"), &[])
        .slave_count
}

/// Returns the value of a tag.
fn tag(expression: &str) -> String {
    good(&format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n  tags = {{ t = {expression} }}\n}}\n"), &[]).tags["t"]
        .clone()
}

#[test]
fn arithmetic_comparison_and_logic() {
    assert_eq!(count("1 + 2 * 3"), 7);
    assert_eq!(count("(1 + 2) * 3"), 9);
    assert_eq!(count("9 / 3 - 7 % 4"), 0);
    assert_eq!(count("-(-3)"), 3);
    assert_eq!(count("0.5 * 4"), 2);
    assert_eq!(count("2 > 1 && !(1 >= 2) ? 4 : 5"), 4);
    assert_eq!(count("\"a\" == \"b\" || [1] != [1] ? 4 : 5"), 5);
    assert_eq!(count("{ a = 1 } == { a = 1 } ? 4 : 5"), 4);
    // The branch that is not taken is not evaluated.
    assert_eq!(count("true ? 1 : 1 / 0"), 1);
}

#[test]
fn functions_indexes_and_for() {
    assert_eq!(count("length(concat([1], [2, 3])) + length({ a = 1 }) + length(\"äb\")"), 6);
    assert_eq!(count("min(7, 3, 5) + max(1, 2)"), 5);
    assert_eq!(count("[1, 2, 3][1] + { a = { b = 4 } }.a.b + { a = 5 }[\"a\"]"), 11);
    assert_eq!(count("length([for i, x in [5, 6, 7] : x if i > 0])"), 2);
    assert_eq!(tag("\"${upper(\"a\")}-${1 + 1}-${true}\""), "A-2-true");
    assert_eq!(tag("join(\":\", [for k, v in { a = 1, b = 2 } : \"${k}=${v}\"])"), "a=1:b=2");
    assert_eq!(tag("merge({ x = \"a\", y = \"b\" }, { x = \"c\" }).x"), "c");
    assert_eq!(tag("{ for z in [\"a\", \"b\"] : z => \"${z}${z}\" }[\"b\"]"), "bb");
    assert_eq!(tag("join(\"\", [for a in [\"x\", \"y\"] : join(\"\", [for b in [1, 2] : \"${a}${b}\"])])"), "x1x2y1y2");
}

const HERD: &str = r#"
variable "slaves" {
  default     = 2
  description = "How many standbys"
}
variable "zones" { default = ["a", "b", "c"] }
variable "office" { type = string }
variable "old" { default = false }
variable "team" { default = { team = "dba" } }

cluster "herd" {
  region = "eu-west-1"
  network {
    zones  = [for z in var.zones : "eu-west-1${z}"]
    admins = ["${var.office}/32"]
  }
  postgres {
    version  = var.old ? 15 : null
    settings = { max_connections = 100 * (var.slaves + 1) }
  }
  slaves { count = var.slaves }
  tags = merge(var.team, { size = var.slaves > 2 ? "large" : "small" })
}
"#;

#[test]
fn variables_have_defaults_and_are_set() {
    let herd = good(HERD, &[("office", "203.0.113.7")]);
    assert_eq!((herd.slave_count, herd.postgres.version), (2, None));
    assert_eq!(herd.network.zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    assert_eq!(herd.network.admins[0].to_string(), "203.0.113.7/32");
    assert_eq!(herd.postgres.settings["max_connections"], "300");
    assert_eq!(herd.tags["size"], "small");
    let set = [
        ("office", "203.0.113.7"),
        ("slaves", "5"),
        ("zones", "[\"a\", \"b\"]"),
        ("old", "true"),
        ("team", "{ team = \"x\" }"),
        ("of another blueprint", "x"),
    ];
    let herd = good(HERD, &set);
    assert_eq!((herd.slave_count, herd.postgres.version), (5, Some(15)));
    assert_eq!(herd.network.zones, ["eu-west-1a", "eu-west-1b"]);
    assert_eq!((herd.tags["size"].as_str(), herd.tags["team"].as_str()), ("large", "x"));
    assert_eq!(blueprint::declared(HERD), ["slaves", "zones", "office", "old", "team"]);
}

#[test]
fn a_variable_set_to_another_type_is_refused_where_it_is_declared() {
    for (name, value, line, says) in [
        ("slaves", "two", 2, "`two` is not a number"),
        ("slaves", "\"2\"", 2, "is not a number"),
        ("slaves", "1\ny = 2", 2, "is not a number"),
        ("zones", "a", 6, "is not a list"),
        ("old", "yes", 8, "is not a bool"),
        ("team", "[]", 9, "is not a map"),
    ] {
        let found = parse(HERD, &[("office", "203.0.113.7"), (name, value)]).expect_err("a wrong type");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!((found[0].line, found[0].problem.contains(says)), (line, true), "{}", found[0]);
    }
    let found = parse(HERD, &[]).expect_err("no value");
    assert!(found.len() == 1 && found[0].line == 7 && found[0].help.contains("--var office=…"), "{found:#?}");
    // A value is checked where its variable is used, so the problem is reported there.
    let found = parse(HERD, &[("office", "203.0.113.7"), ("slaves", "16")]).expect_err("too many");
    assert_eq!((found[0].line, found[0].column), (21, 20), "{found:#?}");
}

#[test]
fn no_expression_hangs_or_fills_memory() {
    let long = format!("[{}]", (0..3000).map(|i| format!("\"x{i}\",")).collect::<String>());
    let nested = |depth: usize| {
        let open: String = (0..depth).map(|i| format!("[for v{i} in var.list : ")).collect();
        format!("{open}1{}", "]".repeat(depth))
    };
    let doubled = format!("\"{}\"", "${var.text}".repeat(2000));
    let chain = format!("{}1{}", "(".repeat(40), format!("{})", " + 1".repeat(120)).repeat(40));
    let joined = "join(var.text, var.list)";
    for expression in [nested(2), nested(6), doubled, chain, joined.into(), format!("[{joined}, {joined}, {joined}]")] {
        let text = format!(
            "variable \"list\" {{ default = {long} }}\nvariable \"text\" {{ default = \"{}\" }}\n\
             cluster \"herd\" {{\n  region = \"eu-west-1\"\n  tags = {{ a = {expression} }}\n}}\n",
            "y".repeat(4000)
        );
        let start = Instant::now();
        let found = parse(&text, &[]).expect_err("too much");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(found.len() < 4, "{} problems, such as {}", found.len(), found[0]);
    }
}
