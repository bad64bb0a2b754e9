//! The files that are templates or pass as they are.
//!
//! A file below `templates/` has the path of what it becomes in the cluster's folder, plus `.j2` where it is a template.
//! A variable that a template's context lacks is an error, never an empty text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::fileset::{File, FileSet, Mode, sha256_hex};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/generate/templates");

/// Hashes of the files that pass as they are: the same for every cluster of a run.
static HASHES: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
    let mut hashes = BTreeMap::new();
    each(&TEMPLATES, &mut |path, text| {
        if !path.ends_with(SUFFIX) {
            hashes.insert(path, sha256_hex(text.as_bytes()));
        }
    });
    hashes
});

/// The templates, read once.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    each(&TEMPLATES, &mut |path, text| {
        if path.ends_with(SUFFIX)
            && let Err(error) = environment.add_template(path, text)
        {
            panic!("{path}: {error:#}");
        }
    });
    environment
});

const SUFFIX: &str = ".j2";

fn each(dir: &'static Dir<'static>, take: &mut impl FnMut(&'static str, &'static str)) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            take(path, text);
        }
    }
    for dir in dir.dirs() {
        each(dir, take);
    }
}

/// Adds a file that passes as it is. A shell or Python script is executable; a sourced or configuration file is not.
pub fn add_plain(files: &mut FileSet, path: &str, mode: Mode) -> String {
    let text = text(path);
    let sha256 = HASHES.get(path).map_or_else(|| sha256_hex(text.as_bytes()).into(), |hash| hash.as_str().into());
    files.add_file(path, File { mode, text: text.into(), sha256 });
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
    let name = format!("{path}{SUFFIX}");
    match ENVIRONMENT.get_template(&name).and_then(|template| template.render(context)) {
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
