//! Writes HCL as an expert types it: values of `hcl-edit`, formatted so that `terraform fmt` changes nothing.
//!
//! Values are data until they are printed, so quotes and `${` are escaped in one place. A comment is the prefix of the
//! item below it.

use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block, BlockBuilder, Body, Structure};
use hcl_edit::{Decorate, Ident};

/// Starts a block `ident { … }`.
pub fn block(ident: &str) -> BlockBuilder {
    Block::builder(Ident::new(ident))
}

/// Returns `key = value`.
pub fn attr(key: &str, value: impl Into<Expression>) -> Attribute {
    Attribute::new(Ident::new(key), value)
}

/// Puts a comment above an attribute. It may have several lines.
pub fn commented(comment: &str, mut structure: Attribute) -> Attribute {
    structure.decor_mut().set_prefix(comment);
    structure
}

/// Returns an object, in the given order.
pub fn object<K: AsRef<str>>(items: impl IntoIterator<Item = (K, Expression)>) -> Expression {
    items.into_iter().map(|(key, value)| (object_key(key.as_ref()), value)).collect::<Object>().into()
}

/// Returns a list.
pub fn list<V: Into<Expression>>(items: impl IntoIterator<Item = V>) -> Expression {
    items.into_iter().collect()
}

/// Returns a string, or `null` if there is none.
pub fn optional(value: Option<&str>) -> Expression {
    value.map_or_else(|| code("null"), Expression::from)
}

/// Parses an expression of HCL.
///
/// # Panics
/// If it is not HCL: a programming error, never bad input.
pub fn code(text: &str) -> Expression {
    text.parse().unwrap_or_else(|error| panic!("not an HCL expression: {text:?}: {error}"))
}

/// Returns an object's key. Plain words are not quoted; zones, names and tags are.
fn object_key(key: &str) -> ObjectKey {
    let bare = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if bare { Ident::new(key).into() } else { Expression::from(key).into() }
}

/// Returns the text of a file.
pub fn print(body: &Body) -> String {
    let mut out = String::new();
    print_body(body, 0, &mut out);
    out
}

fn print_body(body: &Body, depth: usize, out: &mut String) {
    let mut run = Run::default();
    for (i, structure) in body.iter().enumerate() {
        let comment = comment_of(structure.decor().prefix().map_or("", |prefix| prefix));
        let set_apart = structure.is_block() || !comment.is_empty();
        if set_apart {
            run.flush(depth, out);
            if i > 0 {
                out.push('\n');
            }
        }
        for line in comment {
            indent(depth, out);
            out.push_str(&format!("# {line}\n"));
        }
        match structure {
            Structure::Attribute(attribute) => run.push(attribute.key.to_string(), &attribute.value, depth, out),
            Structure::Block(block) => print_block(block, depth, out),
        }
    }
    run.flush(depth, out);
}

fn comment_of(prefix: &str) -> Vec<&str> {
    prefix.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn print_block(block: &Block, depth: usize, out: &mut String) {
    indent(depth, out);
    out.push_str(&block.ident);
    for label in &block.labels {
        out.push_str(&format!(" {}", Expression::from(label.as_str())));
    }
    out.push_str(" {\n");
    print_body(&block.body, depth + 1, out);
    indent(depth, out);
    out.push_str("}\n");
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Aligns the `=` of neighbouring one-line assignments, as `terraform fmt` does. One that opens a bracket ends the run.
#[derive(Default)]
struct Run(Vec<(String, String)>);

impl Run {
    fn push(&mut self, key: String, value: &Expression, depth: usize, out: &mut String) {
        match value {
            Expression::Object(object) if !object.is_empty() => {
                self.flush(depth, out);
                indent(depth, out);
                out.push_str(&format!("{} = {{\n", key.trim()));
                let mut rows = Run::default();
                for (key, value) in object {
                    rows.0.push((print_key(key), inline(value.expr())));
                }
                rows.flush(depth + 1, out);
                indent(depth, out);
                out.push_str("}\n");
            }
            value => self.0.push((key.trim().to_string(), inline(value))),
        }
    }

    fn flush(&mut self, depth: usize, out: &mut String) {
        let width = self.0.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        for (key, value) in self.0.drain(..) {
            indent(depth, out);
            out.push_str(&format!("{key:width$} = {value}\n"));
        }
    }
}

fn print_key(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Ident(ident) => ident.to_string(),
        ObjectKey::Expression(expression) => expression.to_string(),
    }
}

/// Prints a value on one line.
fn inline(value: &Expression) -> String {
    match value {
        Expression::Object(object) if object.is_empty() => "{}".into(),
        Expression::Object(object) => {
            let items: Vec<String> =
                object.iter().map(|(key, value)| format!("{} = {}", print_key(key), inline(value.expr()))).collect();
            format!("{{ {} }}", items.join(", "))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_line_up_and_an_open_bracket_ends_the_run() {
        let body = Body::builder()
            .attribute(attr("a", 1u32))
            .attribute(attr("long", list(["x", "y"])))
            .attribute(attr("map", object([("key", "v".into()), ("pgherd:zone", object([("n", 1u32.into())]))])))
            .attribute(commented("why\nand how", attr("b", optional(None))))
            .block(block("inner").label("l").attribute(attr("e", object::<&str>([]))))
            .build();
        let expected = r#"a    = 1
long = ["x", "y"]
map = {
  key           = "v"
  "pgherd:zone" = { n = 1 }
}

# why
# and how
b = null

inner "l" {
  e = {}
}
"#;
        assert_eq!(print(&body), expected);
    }

    #[test]
    fn text_cannot_become_code() {
        let printed = inline(&"a \"b\" ${c} %{d} \\ \n".into());
        assert_eq!(printed, r#""a \"b\" $${c} %%{d} \\ \n""#);
    }
}
