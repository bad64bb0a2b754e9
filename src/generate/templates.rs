//! The files that are templates or pass as they are.
//!
//! A file below `templates/` has the path of what it becomes in the cluster's folder, plus `.j2` where it is a template.
//! A variable that a template's context lacks is an error, never an empty text.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use include_dir::{Dir, include_dir};
use minijinja::value::{Object, Value};
use minijinja::{AutoEscape, Environment, Error, Template, UndefinedBehavior, context};
use serde::Serialize;

use crate::cluster::Cluster;
use crate::cluster::decision::Decision;
use crate::cluster::fixed::Fixed;
use crate::fileset::{File, FileSet, Mode, sha256_hex};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/generate/templates");

/// Every file below `templates/`, by its path.
static SOURCES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut sources = BTreeMap::new();
    each(&TEMPLATES, &mut |path, text| {
        sources.insert(path, text);
    });
    sources
});

/// Hashes of the files that pass as they are: the same for every cluster of a run.
static HASHES: LazyLock<BTreeMap<&'static str, OnceLock<String>>> =
    LazyLock::new(|| SOURCES.keys().map(|path| (*path, OnceLock::new())).collect());

/// Templates whose files are the same in every cluster.
const FIXED: [&str; 19] = [
    "db_config/patroni_unit.conf",
    "db_config/pgherd-kernel.service",
    "db_config/pgherd-yield.service",
    "db_config/pgherd-yield.timer",
    "db_config/post_bootstrap.py",
    "db_config/provision_database.sh",
    "db_config/server_certificate.sh",
    "db_config/wait_for_cluster.py",
    "db_config/yield_etcd_leader.py",
    "load_balancer/haproxy_script.sh",
    "load_balancer/haproxy_unit.conf",
    "machine/amazon_time.sources",
    "machine/common.sh",
    "machine/etcd_api.py",
    "machine/etcd_join.py",
    "machine/etcd_unit.conf",
    "machine/identity.sh",
    "machine/journald.conf",
    "machine/read_secrets.py",
];

/// What is the same in every cluster, for templates.
static DEFAULT: LazyLock<Value> = LazyLock::new(|| Value::from_serialize(Fixed::DEFAULT));

/// How templates are read.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_filter("comment", as_comment);
    environment
});

/// The templates, each read when it is first asked for. Each in an environment of its own: two processors read two of them.
static READ: LazyLock<BTreeMap<&'static str, OnceLock<Environment<'static>>>> =
    LazyLock::new(|| SOURCES.keys().map(|name| (*name, OnceLock::new())).collect());

/// Why the values that are the same in every cluster are what they are.
static DEFAULT_REASONS: LazyLock<Arc<Vec<Decision>>> = LazyLock::new(|| Arc::new(Fixed::DEFAULT.decisions()));

/// The files of `FIXED` as they are in every cluster.
static DEFAULT_FILES: LazyLock<BTreeMap<&'static str, OnceLock<(String, String)>>> =
    LazyLock::new(|| FIXED.map(|path| (path, OnceLock::new())).into());

/// Does what does not depend on a cluster, if that was not done yet: a second processor does it while the blueprint is read.
/// It begins with what is needed last, so that whoever needs something meanwhile finds it done, or does it himself.
pub fn prepare() {
    for path in FIXED.into_iter().rev() {
        fixed_file(path);
    }
    for name in SOURCES.keys() {
        let path = name.strip_suffix(SUFFIX);
        if path.is_some_and(|path| !FIXED.contains(&path)) {
            template(name);
        }
    }
}

const SUFFIX: &str = ".j2";
/// Columns that a comment may take.
const COMMENT_WIDTH: usize = 120;

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
    let text = source(path);
    let Some(hash) = HASHES.get(path) else { panic!("there is no file templates/{path}") };
    let sha256 = hash.get_or_init(|| sha256_hex(text.as_bytes()));
    files.add_file(path, File { mode, text: text.into(), sha256: sha256.as_str().into() });
    path.to_string()
}

/// Adds the file that `<path>.j2` becomes in a context; answers its path.
pub fn add_rendered(cluster: &Cluster, files: &mut FileSet, path: &str, context: impl Serialize) -> String {
    add_rendered_as(cluster, files, path, Mode::Plain, context)
}

/// The same with a mode.
pub fn add_rendered_as(
    cluster: &Cluster,
    files: &mut FileSet,
    path: &str,
    mode: Mode,
    context: impl Serialize,
) -> String {
    files.add(path, mode, render(cluster.fixed, cluster.decisions.clone(), path, context));
    path.to_string()
}

/// Adds the file that `<path>.j2` becomes by what is the same in every cluster: it is rendered once.
pub fn add_fixed(cluster: &Cluster, files: &mut FileSet, path: &str, mode: Mode) -> String {
    if cluster.fixed != Fixed::DEFAULT {
        return add_rendered_as(cluster, files, path, mode, ());
    }
    let (text, sha256) = fixed_file(path);
    files.add_file(path, File { mode, text: text.as_str().into(), sha256: sha256.as_str().into() });
    path.to_string()
}

/// The text of a file that is the same in every cluster, and its hash.
///
/// # Panics
/// If the file is none of `FIXED`, or asks for what a cluster decides: a programming error.
fn fixed_file(path: &str) -> &'static (String, String) {
    let Some(file) = DEFAULT_FILES.get(path) else { panic!("{path} is not the same in every cluster") };
    file.get_or_init(|| {
        // Not kept: a template takes five times the memory of its file.
        let name = format!("{path}{SUFFIX}");
        let template = match ENVIRONMENT.template_from_named_str(&name, source(&name)) {
            Ok(template) => template,
            Err(error) => panic!("{name}: {error:#}"),
        };
        let text = rendered(&template, Fixed::DEFAULT, DEFAULT_REASONS.clone(), ());
        let sha256 = sha256_hex(text.as_bytes());
        (text, sha256)
    })
}

/// # Panics
/// If there is no such template, or it is malformed: programming errors.
fn template(name: &str) -> Template<'static, 'static> {
    let Some((name, read)) = READ.get_key_value(name) else { panic!("there is no file templates/{name}") };
    let environment = read.get_or_init(|| {
        let mut environment = ENVIRONMENT.clone();
        if let Err(error) = environment.add_template(name, source(name)) {
            panic!("{name}: {error:#}");
        }
        environment
    });
    environment.get_template(name).expect("it was just added")
}

/// Renders `<path>.j2`.
///
/// # Panics
/// As [`template`] and [`rendered`].
fn render(fixed: Fixed, decisions: Arc<Vec<Decision>>, path: &str, context: impl Serialize) -> String {
    rendered(&template(&format!("{path}{SUFFIX}")), fixed, decisions, context)
}

/// What a template becomes. Beside its context it has `fixed`, the values that are the same in every cluster, and `why`,
/// the reason of every decision by its name.
///
/// # Panics
/// If its context lacks something: a programming error that any test of the file finds, never input.
fn rendered(
    template: &Template<'_, '_>,
    fixed: Fixed,
    decisions: Arc<Vec<Decision>>,
    context: impl Serialize,
) -> String {
    let why = Value::from_object(Reasons(decisions));
    let fixed = if fixed == Fixed::DEFAULT { DEFAULT.clone() } else { Value::from_serialize(fixed) };
    let context = context! { fixed, why, ..Value::from_serialize(context) };
    match template.render(context) {
        Ok(rendered) => rendered,
        Err(error) => panic!("{}: {error:#}", template.name()),
    }
}

/// Why each decision was made, by its name.
#[derive(Debug)]
struct Reasons(Arc<Vec<Decision>>);

impl Object for Reasons {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        let name = name.as_str()?;
        self.0.iter().find(|decision| decision.name == name).map(|decision| decision.why.into())
    }
}

/// The filter: reasons (or one) as a comment, its lines after the first indented.
fn as_comment(why: Value, indent: Option<usize>) -> Result<String, Error> {
    let reasons: Vec<String> = match why.as_str() {
        Some(one) => vec![one.to_string()],
        None => why.try_iter()?.filter_map(|one| one.as_str().map(String::from)).collect(),
    };
    let mut text = String::from("#");
    let indent = indent.unwrap_or_default();
    let mut width = indent + 1;
    for word in reasons.iter().flat_map(|reason| reason.split(' ')) {
        let longer = 1 + word.chars().count();
        if width + longer > COMMENT_WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            text.push('#');
            width = indent + 1;
        }
        text.push(' ');
        text.push_str(word);
        width += longer;
    }
    Ok(text)
}

fn source(path: &str) -> &'static str {
    SOURCES.get(path).unwrap_or_else(|| panic!("there is no file templates/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "undefined")]
    fn a_variable_that_is_missing_is_an_error() {
        render(Fixed::DEFAULT, Arc::default(), "machine/etcd.env", ());
    }

    #[test]
    fn reasons_become_a_comment_that_fits_the_page() {
        let two = Value::from(vec!["Seconds.", "A primary keeps its lock this long."]);
        assert_eq!(as_comment(two, None).expect("text"), "# Seconds. A primary keeps its lock this long.");
        let long = as_comment(Value::from("word ".repeat(60).trim()), Some(4)).expect("text");
        assert!(long.lines().skip(1).all(|line| line.starts_with("    # word")), "{long}");
        assert!(long.lines().all(|line| line.len() <= COMMENT_WIDTH), "{long}");
    }
}
