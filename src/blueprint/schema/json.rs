//! Writes the language as JSON Schema for HCL's JSON form, in which a block is an object under its name and a label is a key.

use serde_json::{Map, Value, json};

use super::super::form::Holds;
use super::super::rules;
use super::super::vocabulary::Word;
use super::words;

/// Returns the schema (draft 2020-12).
pub fn json() -> Value {
    let words = words();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pgherd blueprint",
        "description": "A blueprint in HCL, as HCL's JSON form represents it: a block is an object under its name, a label is a \
            key in it, and an expression is a text that contains ${…}.",
        "type": "object",
        "required": ["cluster"],
        "additionalProperties": false,
        "properties": {
            "variable": {
                "description": "A value that is set when the files are generated, by --var. Expressions use it as var.<name>.",
                "type": "object",
                "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,62}$" },
                "additionalProperties": variable(),
            },
            "cluster": {
                "description": "The cluster. The label is its name.",
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": { "pattern": "^[a-z]([a-z0-9-]{0,53}[a-z0-9])?$" },
                "additionalProperties": block(&words, ""),
            },
        },
        "$defs": { "expression": { "type": "string", "pattern": "\\$\\{.*\\}" } },
    })
}

fn variable() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "default": { "description": "The value, unless --var sets it. Without a default, --var must." },
            "type": {
                "description": "The type of the value. Default: the type of `default`, else string.",
                "enum": ["string", "number", "bool", "list", "map"],
            },
            "description": { "description": "What the variable is for.", "type": "string" },
        },
    })
}

fn block(words: &[&Word], path: &str) -> Value {
    let (mut properties, mut required) = (Map::new(), vec![]);
    for word in words.iter().filter(|word| word.path == path) {
        let mut shown = match word.form.holds {
            Holds::Block { label: None } => block(words, &word.full_name()),
            Holds::Block { label: Some("code") } => by_code(&block(words, &word.full_name())),
            Holds::Block { label: Some(_) } => {
                json!({ "type": "object", "additionalProperties": block(words, &word.full_name()) })
            }
            _ => attribute(word),
        };
        shown["description"] = word.doc.text.replace('`', "").into();
        if word.form.required {
            required.push(word.doc.name);
        }
        properties.insert(word.doc.name.into(), shown);
    }
    let mut block = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        block["required"] = json!(required);
    }
    block
}

/// Returns the schema of blocks whose label is the code of a rule that can be accepted.
fn by_code(inner: &Value) -> Value {
    let codes: Map<String, Value> = (rules::ALL.iter().filter(|rule| rule.acceptable))
        .map(|rule| {
            let mut one = inner.clone();
            one["description"] = rule.title.into();
            (rule.code.to_string(), one)
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": codes })
}

fn attribute(word: &Word) -> Value {
    let holds = match &word.form.holds {
        Holds::Block { .. } => json!({}),
        Holds::Text => json!({ "type": "string" }),
        Holds::OneOf(all) => json!({ "enum": all }),
        Holds::Whole { bounds, .. } => json!({ "type": "integer", "minimum": bounds.start(), "maximum": bounds.end() }),
        Holds::Boolean => json!({ "type": "boolean" }),
        Holds::BooleanOr(word) => json!({ "enum": [true, false, word] }),
        Holds::Time => json!({ "type": "string", "pattern": "^(0|[0-9]+ ?[sm])$" }),
        Holds::Texts => texts(),
        Holds::TextMap => text_map(),
        Holds::ScalarMap => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
        }
        Holds::TextMapOrTexts => json!({ "anyOf": [text_map(), texts()] }),
    };
    let mut shown = if matches!(word.form.holds, Holds::Text) {
        holds
    } else {
        json!({ "anyOf": [holds, { "$ref": "#/$defs/expression" }] })
    };
    let mut comments = vec![];
    if let Holds::Whole { unit, .. } = word.form.holds
        && !unit.is_empty()
    {
        comments.push(unit.trim_matches(['(', ')']).to_string());
    }
    match &word.form.default {
        _ if word.form.required => {}
        _ if !word.doc.default.is_empty() => comments.push(format!("default: {}", word.doc.default.replace('`', ""))),
        Some(default) => shown["default"] = default.clone(),
        None => {}
    }
    if !comments.is_empty() {
        shown["$comment"] = comments.join("; ").into();
    }
    shown
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn text_map() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}
