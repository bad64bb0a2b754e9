//! The language as a table in Markdown.

use super::super::form::Holds;
use super::{Term, terms};

const HEAD: &str = "| block | attribute | holds | default | what |\n| --- | --- | --- | --- | --- |\n";
const VARIABLE: &str = "\
| `variable \"<name>\"` | `default` | any value | none: then `--var` must set it | what `var.<name>` is |
| | `type` | `string`, `number`, `bool`, `list` or `map` | that of the default, else `string` | what `--var <name>=…` takes |
| | `description` | text | none | for people |
";

/// Every attribute, in the order of reading. What `master`, `slaves` and `haproxy` share is one line.
pub fn table() -> String {
    let terms = terms();
    let attributes: Vec<&Term> = terms.iter().filter(|term| !term.is_block()).collect();
    let mut text = HEAD.to_string();
    let mut block_before = String::new();
    for (i, term) in attributes.iter().enumerate() {
        if attributes[..i].iter().any(|earlier| earlier.doc.path == term.doc.path) {
            continue;
        }
        let alike: Vec<&&Term> = attributes.iter().filter(|other| other.doc.path == term.doc.path).collect();
        let blocks: Vec<String> = alike.iter().map(|term| block(term)).collect();
        let block = blocks.join(", ");
        let shown = if block == block_before { String::new() } else { format!("{block} ") };
        let (name, holds, default) = (term.word.name, holds(&term.form().holds), defaults(&alike));
        text += &format!("| {shown}| `{name}` | {holds} | {default} | {} |\n", term.doc.text);
        block_before = block;
    }
    text + VARIABLE
}

fn block(term: &Term) -> String {
    match term.word.path.as_str() {
        "" => "`cluster \"<name>\"`".into(),
        "accept" => "`accept \"<code>\"`".into(),
        "network.subnet" => "`network.subnet \"<zone>\"`".into(),
        "postgres.user" | "postgres.database" => format!("`{} \"<name>\"`", term.word.path),
        path => format!("`{path}`"),
    }
}

/// The default, or each one's own.
fn defaults(alike: &[&&Term]) -> String {
    let first = default(alike[0]);
    let mut text = first.clone();
    for other in alike.iter().filter(|other| default(other) != first) {
        let block = other.word.path.split('.').next().unwrap_or_default();
        text += &format!("; {block} {}", default(other));
    }
    text
}

fn default(term: &Term) -> String {
    match &term.form().default {
        _ if !term.doc.default.is_empty() => term.doc.default.to_string(),
        _ if term.form().required => "required".into(),
        Some(serde_json::Value::String(text)) => format!("`\"{text}\"`"),
        Some(value) => format!("`{value}`"),
        None => String::new(),
    }
}

fn holds(holds: &Holds) -> String {
    match holds {
        Holds::Block => String::new(),
        Holds::Text => "text".into(),
        Holds::OneOf(all) => all.iter().map(|one| format!("`\"{one}\"`")).collect::<Vec<_>>().join(", "),
        Holds::Whole { bounds, unit } => {
            format!("{} to {} {unit}", bounds.start(), bounds.end()).trim_end().to_string()
        }
        Holds::Boolean => "`true` or `false`".into(),
        Holds::Time => "a time, such as `\"30s\"`".into(),
        Holds::Texts => "list of texts".into(),
        Holds::TextMap => "`{ name = \"text\" }`".into(),
        Holds::ScalarMap => "`{ name = value }`".into(),
        Holds::TextMapOrTexts => "`{ name = \"owner\" }` or `[\"name\"]`".into(),
    }
}
