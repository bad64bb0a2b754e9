//! The files that are templates or pass as they are.
//!
//! A file below `templates/` has the path of what it becomes in the cluster's folder, plus `.j2` where it is a template.
//! A variable that a template's context lacks is an error, never an empty text.

use include_dir::{Dir, include_dir};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::fileset::{FileSet, Mode};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/generate/templates");

/// Adds a file that passes as it is. A shell or Python script is executable; a sourced or configuration file is not.
pub fn add_plain(files: &mut FileSet, path: &str, mode: Mode) -> String {
    files.add(path, mode, text(path));
    path.to_string()
}

/// Adds the file that `<path>.j2` becomes in a context; answers its path.
pub fn add_rendered(files: &mut FileSet, path: &str, context: impl Serialize) -> String {
    files.add(path, Mode::Plain, render(path, context));
    path.to_string()
}

/// Renders `<path>.j2`.
///
/// # Panics
/// If there is no such template, it is malformed, or its context lacks something: programming errors that any test of the
/// file finds, never input.
fn render(path: &str, context: impl Serialize) -> String {
    let name = format!("{path}.j2");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    match environment.render_named_str(&name, text(&name), context) {
        Ok(rendered) => rendered,
        Err(error) => panic!("{name}: {error:#}"),
    }
}

fn text(path: &str) -> &'static str {
    match TEMPLATES.get_file(path).and_then(|file| file.contents_utf8()) {
        Some(text) => text,
        None => panic!("there is no file templates/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Empty {}

    #[test]
    #[should_panic(expected = "undefined")]
    fn a_variable_that_is_missing_is_an_error() {
        render("machine/etcd.env", Empty {});
    }
}
