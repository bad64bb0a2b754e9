//! The schema accepts what the readers accept, and the table in `blueprints/README.md` is generated from it.

use std::collections::BTreeSet;

use pgherd::blueprint::{self, schema};
use serde_json::{Value, json};

const START: &str = "<!-- blueprint-reference: `pgherd schema --format markdown` -->\n";
const END: &str = "\n<!-- end of blueprint-reference -->";

const BY_HAND: &str = "\n# Anything else that makes interesting blueprints, written by hand.\n";

/// Compares a file with the expected text, or writes it with `INSTA_UPDATE=always`, as for snapshots.
fn compare(path: &str, expected: impl Fn(&str) -> String) {
    let found = std::fs::read_to_string(path).expect(path);
    let expected = expected(&found);
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        return std::fs::write(path, expected).expect(path);
    }
    assert_eq!(
        found, expected,
        "{path} is not up to date: INSTA_UPDATE=always cargo test --test fast blueprint_schema writes it"
    );
}

#[test]
fn snapshots_of_the_table_are_in_the_readme() {
    compare("blueprints/README.md", |readme| {
        let (before, rest) = readme.split_once(START).expect("the marker before the table");
        let (_, after) = rest.split_once(END).expect("the marker after the table");
        format!("{before}{START}{}{END}{after}", schema::table())
    });
}

#[test]
fn the_fuzzers_dictionary_has_every_word() {
    fn add(schema: &Value, words: &mut BTreeSet<String>) {
        for name in schema["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
            words.insert(name.clone());
        }
        words.extend(schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from));
        match schema {
            Value::Object(fields) => fields.values().for_each(|inner| add(inner, words)),
            Value::Array(items) => items.iter().for_each(|inner| add(inner, words)),
            _ => {}
        }
    }
    let mut words = BTreeSet::new();
    add(&schema::json(), &mut words);
    assert!(words.contains("max_age_days") && words.contains("ubuntu-24.04"), "{words:?}");
    compare("tests/fuzz/blueprint.dict", |dictionary| {
        let (_, by_hand) = dictionary.split_once(BY_HAND).expect("the words written by hand");
        let mut text = "# Words of the blueprint language, written by tests/fast/blueprint_schema.rs.\n".to_string();
        words.iter().for_each(|word| text += &format!("\"{word}\"\n"));
        text + BY_HAND + by_hand
    });
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
        ("haproxy {\n counts = 1\n}", "/cluster/herd/haproxy/counts"),
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

/// Returns where a value violates a schema. It implements what this schema uses of the standard, except patterns.
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
