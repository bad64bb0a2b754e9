//! The language as JSON Schema, of HCL's own JSON form: a block is an object under its name, its label a key.

use serde_json::{Map, Value, json};

use super::super::form::Holds;
use super::super::rules;
use super::{Term, terms};

/// The schema (draft 2020-12).
pub fn json() -> Value {
    let terms = terms();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pgherd blueprint",
        "description": "A blueprint in HCL, as HCL's JSON form has it: a block is an object under its name, a label is a \
            key in it, and an expression is text with ${…} in it.",
        "type": "object",
        "required": ["cluster"],
        "additionalProperties": false,
        "properties": {
            "variable": {
                "description": "What the blueprint leaves to whoever generates it: var.<name>, set with --var",
                "type": "object",
                "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,62}$" },
                "additionalProperties": variable(),
            },
            "cluster": {
                "description": "The cluster, by its name",
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": { "pattern": "^[a-z]([a-z0-9-]{0,53}[a-z0-9])?$" },
                "additionalProperties": block(&terms, ""),
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
            "default": { "description": "Its value unless --var sets it; without one --var must" },
            "type": {
                "description": "What --var takes; default: the type of the default, else string",
                "enum": ["string", "number", "bool", "list", "map"],
            },
            "description": { "description": "For people", "type": "string" },
        },
    })
}

fn block(terms: &[Term], path: &str) -> Value {
    let (mut properties, mut required) = (Map::new(), vec![]);
    for term in terms.iter().filter(|term| term.word.path == path) {
        let inner = if term.is_block() { block(terms, &term.path()) } else { attribute(term) };
        let mut shown = match term.path().as_str() {
            "accept" => by_code(inner),
            "network.subnet" | "postgres.user" | "postgres.database" => {
                json!({ "type": "object", "additionalProperties": inner })
            }
            _ => inner,
        };
        shown["description"] = term.doc.text.into();
        if term.form().required {
            required.push(term.word.name);
        }
        properties.insert(term.word.name.into(), shown);
    }
    let mut block = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        block["required"] = json!(required);
    }
    block
}

/// `accept`: by the codes of the rules that can be.
fn by_code(inner: Value) -> Value {
    let codes: Map<String, Value> = (rules::ALL.iter().filter(|rule| rule.acceptable))
        .map(|rule| {
            let mut one = inner.clone();
            one["description"] = rule.title.into();
            (rule.code.to_string(), one)
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": codes })
}

fn attribute(term: &Term) -> Value {
    let holds = match &term.form().holds {
        Holds::Block => json!({}),
        Holds::Text => json!({ "type": "string" }),
        Holds::OneOf(all) => json!({ "enum": all }),
        Holds::Whole { bounds, .. } => json!({ "type": "integer", "minimum": bounds.start(), "maximum": bounds.end() }),
        Holds::Boolean => json!({ "type": "boolean" }),
        Holds::Time => json!({ "type": "string", "pattern": "^(0|[0-9]+ ?[sm])$" }),
        Holds::Texts => texts(),
        Holds::TextMap => text_map(),
        Holds::ScalarMap => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
        }
        Holds::TextMapOrTexts => json!({ "anyOf": [text_map(), texts()] }),
    };
    let mut shown = if matches!(term.form().holds, Holds::Text) {
        holds
    } else {
        json!({ "anyOf": [holds, { "$ref": "#/$defs/expression" }] })
    };
    if let Holds::Whole { unit, .. } = &term.form().holds
        && !unit.is_empty()
    {
        shown["$comment"] = unit.trim_matches(['(', ')']).into();
    }
    match &term.form().default {
        Some(default) if term.doc.default.is_empty() => shown["default"] = default.clone(),
        _ if !term.doc.default.is_empty() => {
            shown["$comment"] = format!("default: {}", term.doc.default.replace('`', "")).into();
        }
        _ => {}
    }
    shown
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn text_map() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}
