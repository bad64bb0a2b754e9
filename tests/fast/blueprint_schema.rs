//! The schema takes what the readers take, and the README's table is the schema's.

use pgherd::blueprint::{self, schema};
use serde_json::{Value, json};

const START: &str = "<!-- blueprint-reference: `pgherd schema --format markdown` -->\n";
const END: &str = "\n<!-- end of blueprint-reference -->";

#[test]
fn the_readme_has_the_table() {
    let readme = std::fs::read_to_string("README.md").expect("README.md");
    let (before, rest) = readme.split_once(START).expect("the marker before the table");
    let (found, after) = rest.split_once(END).expect("the marker after the table");
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        let text = format!("{before}{START}{}{END}{after}", schema::table());
        return std::fs::write("README.md", text).expect("README.md");
    }
    assert_eq!(found, schema::table(), "write it with INSTA_UPDATE=always cargo test --test fast blueprint_schema");
}

#[test]
fn the_schema_takes_every_blueprint_that_is_one() {
    let schema = schema::json();
    let shipped = ["blueprints/herd.hcl", "blueprints/minimal.hcl"];
    let tested = ["largest", "pair", "alone", "vpc"].map(|name| format!("tests/blueprints/{name}.hcl"));
    for file in shipped.map(String::from).into_iter().chain(tested) {
        let text = std::fs::read_to_string(&file).expect(&file);
        assert!(blueprint::parse(&file, &text).is_ok());
        let value: Value = hcl::from_str(&text).expect(&file);
        assert_eq!(flaw(&schema, &value, ""), None, "{file}");
    }
}

#[test]
fn the_schema_refuses_what_the_readers_refuse() {
    let schema = schema::json();
    let read = |inner: &str| {
        let text = format!("cluster \"herd\" {{\nregion = \"eu-west-1\"\n{inner}\n}}\n");
        (blueprint::parse("herd.hcl", &text).is_ok(), hcl::from_str::<Value>(&text).expect("HCL"))
    };
    for (inner, at) in [
        ("regoin = \"x\"", "/cluster/herd/regoin"),
        ("network {\n cidr = 10\n}", "/cluster/herd/network/cidr"),
        ("slaves {\n count = 16\n}", "/cluster/herd/slaves/count"),
        ("image {\n base = \"debian-11\"\n}", "/cluster/herd/image/base"),
        ("state {\n s3 {\n }\n}", "/cluster/herd/state/s3/bucket"),
        ("master {\n disk {\n size = 1\n }\n}", "/cluster/herd/master/disk/size"),
        ("haproxy {\n count = 1\n}", "/cluster/herd/haproxy/count"),
        ("network {\n subnet \"a\" {\n cidr = \"10.1.4.0/24\"\n }\n}", "/cluster/herd/network/subnet/a/id"),
        ("accept \"PGH021\" {\n reason = \"x\"\n}", "/cluster/herd/accept/PGH021"),
    ] {
        let (good, value) = read(inner);
        assert_eq!((good, flaw(&schema, &value, "")), (false, Some(at.to_string())), "{inner}");
    }
    for inner in ["slaves {\n count = 1 + 1\n}", "accept \"PGH003\" {\n reason = \"x\"\n}"] {
        let (good, value) = read(inner);
        assert_eq!((good, flaw(&schema, &value, "")), (true, None), "{inner}");
    }
}

/// Where a value breaks a schema: as much of the standard as this schema uses, patterns aside.
fn flaw(schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        return all.iter().all(|one| flaw(one, value, at).is_some()).then(|| at.to_string());
    }
    if schema.get("$ref").is_some_and(|name| name == "#/$defs/expression") {
        return (!value.as_str().is_some_and(|text| text.contains("${"))).then(|| at.to_string());
    }
    let kind = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    let fits = |name: &Value| name == kind || (name == "number" && kind == "integer");
    let typed = match &schema["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(fits),
        name => fits(name),
    };
    let listed = schema.get("enum").and_then(Value::as_array).is_none_or(|all| all.contains(value));
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64).zip(value.as_u64());
    let low = bound("minimum").is_some_and(|(low, n)| n < low);
    let high = bound("maximum").is_some_and(|(high, n)| n > high);
    if !typed || !listed || low || high {
        return Some(at.to_string());
    }
    let Value::Object(fields) = value else {
        return value.as_array().into_iter().flatten().find_map(|item| flaw(&schema["items"], item, at));
    };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
        return Some(format!("{at}/{missing}"));
    }
    fields.iter().find_map(|(name, inner)| {
        let at = format!("{at}/{name}");
        let properties = schema.get("properties").and_then(|all| all.get(name));
        match properties.or_else(|| schema.get("additionalProperties")) {
            Some(known) if *known == json!(false) => Some(at),
            Some(known) => flaw(known, inner, &at),
            None => None,
        }
    })
}
