//! Reads `variable "<name>" { … }` blocks: values that are passed when the files are generated.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Block, Body};

use super::diagnostic::{Refusal, SourceText, refuse};
use super::document;
use super::expression::Evaluator;
use super::nearest::nearest;
use super::rules::language as is;
use super::span::span;
use super::tree::{Attribute, Body as Read};
use super::value::{Data, Evaluated, mismatch, text};

const ATTRIBUTES: [&str; 3] = ["default", "description", "type"];
const TYPES: [&str; 5] = ["string", "number", "bool", "list", "map"];
/// The longest value of `--var`, in bytes. A longer one is most likely a mistake, such as a whole file.
const MOST_BYTES: usize = 4096;

/// Returns the names of the variables that a blueprint declares. Returns none if the blueprint cannot be parsed.
pub fn declared(text: &str) -> Vec<String> {
    let source = SourceText::new("", text);
    let document = document::parse(&source).unwrap_or_default();
    blocks(&document).filter_map(|block| Some(block.labels.first()?.as_str().to_string())).collect()
}

fn blocks(document: &Body) -> impl Iterator<Item = &Block> {
    document.blocks().filter(|block| block.ident.as_str() == "variable")
}

/// Returns every variable's value: the one passed with `--var`, else its default. The value is [`Data::Refused`] if there is
/// neither, or if it is invalid.
pub(super) fn read(
    source: &SourceText,
    document: &Body,
    given: &BTreeMap<String, String>,
) -> BTreeMap<String, Evaluated> {
    let mut variables = BTreeMap::new();
    for block in blocks(document) {
        let at = span(&block.ident);
        let [label] = block.labels.as_slice() else {
            source.report(
                &is::LABEL,
                &at,
                "a variable needs exactly one name",
                "write variable \"name\" { default = … }",
            );
            continue;
        };
        let (name, label_at) = (label.as_str(), span(label));
        if !is_name(name) {
            let help =
                "use at most 63 lower-case letters, digits and underscores, starting with a letter, such as \"slaves\"";
            source.report(&is::VARIABLE, &label_at, format!("`{name}` is not a valid variable name"), help);
            continue;
        }
        if variables.contains_key(name) {
            source.report(
                &is::VARIABLE,
                &label_at,
                format!("the variable `{name}` is declared twice"),
                "remove one of the two declarations",
            );
            continue;
        }
        let data = match value(source, block, name, &label_at, given.get(name)) {
            Some(value) => value.data,
            None => Data::Refused,
        };
        variables.insert(name.to_string(), Evaluated::new(label_at, data));
    }
    variables
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn value(
    source: &SourceText,
    block: &Block,
    name: &str,
    at: &Range<usize>,
    given: Option<&String>,
) -> Option<Evaluated> {
    // A declaration cannot refer to any variable.
    let none = BTreeMap::new();
    let evaluator = Evaluator::of_default(source, &none);
    let body = Read::evaluate(&block.body, &evaluator);
    report_unknown(source, &body);
    let find = |name: &str| body.attributes.iter().find(|attribute| attribute.name == name);
    if let Some(description) = find("description").filter(|found| !found.value.is_refused())
        && let Err(refusal) = text(&description.value)
    {
        source.refused(&description.value.at, refusal.within("description"));
    }
    let default = find("default");
    let wanted = type_of(source, find("type"), default)?;
    if let Some(given) = given {
        return match parse(given, wanted) {
            Ok(data) => Some(Evaluated::new(at.clone(), data)),
            Err(refusal) => {
                source.refused(at, refusal.within(&format!("--var {name}")));
                None
            }
        };
    }
    let Some(default) = default else {
        let help = format!("pass one with --var {name}=…, or set a default");
        source.report(&is::VARIABLE_VALUE, at, format!("the variable `{name}` has no value"), help);
        return None;
    };
    (!default.value.is_refused()).then(|| default.value.clone())
}

fn report_unknown(source: &SourceText, body: &Read) {
    let known = ATTRIBUTES.join(", ");
    for attribute in body.attributes.iter().filter(|a| !ATTRIBUTES.contains(&a.name.as_str())) {
        if source.is_reported(&attribute.at) {
            continue;
        }
        let help = match nearest(&attribute.name, ATTRIBUTES.into_iter()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("valid names here: {known}"),
        };
        source.report(&is::UNKNOWN_NAME, &attribute.at, format!("`variable.{}` is unknown", attribute.name), help);
    }
    for block in &body.blocks {
        source.report(
            &is::UNKNOWN_NAME,
            &block.at,
            format!("`variable.{}` is unknown", block.name),
            format!("valid names here: {known}"),
        );
    }
}

/// Returns the variable's type: the one set, else the type of its default, else string.
fn type_of(source: &SourceText, written: Option<&Attribute>, default: Option<&Attribute>) -> Option<&'static str> {
    let of_default = default.and_then(|default| match &default.value.data {
        Data::Text(_) => Some("string"),
        Data::Number(_) => Some("number"),
        Data::Bool(_) => Some("bool"),
        Data::List(_) => Some("list"),
        Data::Map(_) => Some("map"),
        _ => None,
    });
    if let Some(default) = default
        && let Data::Word(_) | Data::Heredoc = default.value.data
    {
        if let Err(refusal) = mismatch::<()>(&default.value, "a value", "write text in double quotes") {
            source.refused(&default.value.at, refusal.within("default"));
        }
        return None;
    }
    let Some(written) = written else { return Some(of_default.unwrap_or("string")) };
    let name = match &written.value.data {
        Data::Word(name) | Data::Text(name) => name.as_str(),
        Data::Refused => return None,
        _ => "",
    };
    let Some(known) = TYPES.into_iter().find(|known| *known == name) else {
        let help = match nearest(name, TYPES.into_iter()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", TYPES.join(", ")),
        };
        source.report(&is::VARIABLE, &written.value.at, "type: this is not a valid variable type", help);
        return None;
    };
    if let (Some(found), Some(default)) = (of_default.filter(|found| *found != known), default) {
        let problem = format!("default: the variable's type is {known}, but its default is a {found}");
        source.report(&is::VARIABLE, &default.value.at, problem, "change the default or the type");
        return None;
    }
    Some(known)
}

/// Parses the value of `--var name=value`.
fn parse(given: &str, wanted: &str) -> Result<Data, Refusal> {
    if given.len() > MOST_BYTES {
        return refuse(
            &is::VARIABLE_VALUE,
            format!("the value is {} bytes long", given.len()),
            format!("use at most {MOST_BYTES} bytes"),
        );
    }
    if wanted == "string" {
        return Ok(Data::Text(given.to_string()));
    }
    let example = match wanted {
        "number" => "3",
        "bool" => "true",
        "list" => "[\"a\", \"b\"]",
        _ => "{ team = \"dba\" }",
    };
    let document = parse_body(&format!("x = {given}\n")).ok().filter(|body| body.len() == 1);
    let expr = document.as_ref().and_then(|body| body.attributes().next()).map(|attribute| &attribute.value);
    match (expr.and_then(literal), wanted) {
        (Some(data @ Data::Number(_)), "number")
        | (Some(data @ Data::Bool(_)), "bool")
        | (Some(data @ Data::List(_)), "list")
        | (Some(data @ Data::Map(_)), "map") => Ok(data),
        _ => refuse(
            &is::VARIABLE_VALUE,
            format!("`{}` is not a {wanted}", given.escape_debug()),
            format!("pass a value such as {example}"),
        ),
    }
}

/// Returns the value of an expression that refers to no variable.
fn literal(expr: &Expression) -> Option<Data> {
    let source = SourceText::new("", "");
    let none = BTreeMap::new();
    let value = Evaluator::new(&source, &none).value(expr);
    source.into_diagnostics().is_empty().then_some(value.data)
}
