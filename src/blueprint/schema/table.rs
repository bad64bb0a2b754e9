//! Writes the language as a table in Markdown.

use super::super::form::Holds;
use super::super::vocabulary::Word;
use super::words;

const HEAD: &str = "| block | attribute | type | default | meaning |\n| --- | --- | --- | --- | --- |\n";
const VARIABLE: &str = "\
| `variable \"<name>\"` | `default` | any value | none: `--var` must set it | The value of `var.<name>`. |
| | `type` | `string`, `number`, `bool`, `list` or `map` | the type of `default`, else `string` | What `--var <name>=…` takes. |
| | `description` | text | none | What the variable is for. |
";

/// Returns a line for each attribute, in the order of reading. An attribute that several blocks share has one line.
pub fn table() -> String {
    let words = words();
    let attributes: Vec<&Word> = words.iter().copied().filter(|word| !word.is_block()).collect();
    let mut text = HEAD.to_string();
    let mut block_before = String::new();
    for (i, word) in attributes.iter().enumerate() {
        let is_alike = |other: &&&Word| (other.doc, inner(other)) == (word.doc, inner(word));
        if attributes[..i].iter().any(|earlier| is_alike(&earlier)) {
            continue;
        }
        let alike: Vec<&Word> = attributes.iter().filter(is_alike).copied().collect();
        let block = alike.iter().map(|word| block(&words, word)).collect::<Vec<_>>().join(", ");
        let shown = if block == block_before { String::new() } else { format!("{block} ") };
        let (name, holds, default) = (word.doc.name, holds(&word.form.holds), defaults(&alike));
        text += &format!("| {shown}| `{name}` | {holds} | {default} | {} |\n", word.doc.text);
        block_before = block;
    }
    text + VARIABLE
}

/// Returns the path without its outermost block: `master.disk` and `slaves.disk` have the same.
fn inner(word: &Word) -> &str {
    word.path.split_once('.').map_or("", |(_, inner)| inner)
}

/// Returns an attribute's block as a blueprint writes it.
fn block(words: &[&Word], word: &Word) -> String {
    if word.path.is_empty() {
        return "`cluster \"<name>\"`".into();
    }
    let holds = words.iter().find(|block| block.full_name() == word.path).map(|block| &block.form.holds);
    match holds {
        Some(Holds::Block { label: Some(label) }) => format!("`{} \"<{label}>\"`", word.path),
        _ => format!("`{}`", word.path),
    }
}

/// Returns the default, or the default of each block if they differ.
fn defaults(alike: &[&Word]) -> String {
    let first = default(alike[0]);
    let mut text = first.clone();
    for other in alike.iter().filter(|other| default(other) != first) {
        let block = other.path.split('.').next().unwrap_or_default();
        text += &format!("; {block} {}", default(other));
    }
    text
}

fn default(word: &Word) -> String {
    match &word.form.default {
        _ if !word.doc.default.is_empty() => word.doc.default.to_string(),
        _ if word.form.required => "required".into(),
        Some(serde_json::Value::String(text)) => format!("`\"{text}\"`"),
        Some(value) => format!("`{value}`"),
        None => String::new(),
    }
}

fn holds(holds: &Holds) -> String {
    match holds {
        Holds::Block { .. } => String::new(),
        Holds::Text => "text".into(),
        Holds::OneOf(all) => all.iter().map(|one| format!("`\"{one}\"`")).collect::<Vec<_>>().join(", "),
        Holds::Whole { bounds, unit } => {
            format!("{} to {} {unit}", bounds.start(), bounds.end()).trim_end().to_string()
        }
        Holds::Boolean => "`true` or `false`".into(),
        Holds::BooleanOr(word) => format!("`true`, `false` or `\"{word}\"`"),
        Holds::Time => "duration, such as `\"30s\"`".into(),
        Holds::Texts => "list of texts".into(),
        Holds::TextMap => "`{ name = \"text\" }`".into(),
        Holds::ScalarMap => "`{ name = value }`".into(),
        Holds::TextMapOrTexts => "`{ name = \"owner\" }` or `[\"name\"]`".into(),
    }
}
