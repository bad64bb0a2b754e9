//! The templates, and the files that are copied unchanged.
//!
//! A file below `templates/` has the path that it gets in the cluster's folder, plus `.j2` if it is a template.
//! A variable that is missing in a template's context is an error, never an empty text.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use include_dir::{Dir, include_dir};
use minijinja::value::{Object, Value};
use minijinja::{AutoEscape, Environment, Error, Template, UndefinedBehavior, context};
use serde::Serialize;

use crate::cluster::decision::Decision;
use crate::cluster::fixed::Fixed;
use crate::cluster::{Blueprint, Cluster, Service};
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

/// Hashes of the files that are copied unchanged, the same for every cluster of a run.
static HASHES: LazyLock<BTreeMap<&'static str, OnceLock<String>>> =
    LazyLock::new(|| SOURCES.keys().map(|path| (*path, OnceLock::new())).collect());

/// Templates whose files are the same in every cluster.
const FIXED: [&str; 27] = [
    "db_config/disk_report.py",
    "db_config/founding.py",
    "db_config/patroni_unit.conf",
    "db_config/pgherd-disk.socket",
    "db_config/pgherd-disk@.service",
    "db_config/pgherd-kernel.service",
    "db_config/pgherd-yield.service",
    "db_config/pgherd-yield.timer",
    "db_config/post_bootstrap.py",
    "db_config/provision_database.sh",
    "db_config/reserve_space.sh",
    "db_config/server_certificate.sh",
    "db_config/try_settings.py",
    "db_config/wait_for_cluster.py",
    "db_config/yield_etcd_leader.py",
    "load_balancer/haproxy_script.sh",
    "load_balancer/haproxy_unit.conf",
    "machine/amazon_time.sources",
    "machine/common.sh",
    "machine/etcd_api.py",
    "machine/etcd_join.py",
    "machine/etcd_network.conf",
    "machine/etcd_unit.conf",
    "machine/identity.sh",
    "machine/journald.conf",
    "machine/leave_etcd.py",
    "machine/read_secrets.py",
];

/// The values that are the same in every cluster, for templates.
static DEFAULT: LazyLock<Value> = LazyLock::new(|| Value::from_serialize(Fixed::DEFAULT));

/// The scheme of each service's URLs, by the service's name.
static SCHEMES: LazyLock<Value> = LazyLock::new(|| {
    use Service::{Admin, EtcdClient, EtcdPeer, Patroni};
    let schemes = [("admin", Admin), ("etcd_client", EtcdClient), ("etcd_peer", EtcdPeer), ("patroni", Patroni)];
    schemes.into_iter().map(|(name, service)| (name, service.scheme().name())).collect()
});

/// The environment that parses and renders templates.
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

/// The templates, each parsed when it is first used. Each has an environment of its own, so that two threads can parse two of them.
static READ: LazyLock<BTreeMap<&'static str, OnceLock<Environment<'static>>>> =
    LazyLock::new(|| SOURCES.keys().map(|name| (*name, OnceLock::new())).collect());

/// The reasons of the values that are the same in every cluster.
static DEFAULT_REASONS: LazyLock<Arc<Vec<Decision>>> = LazyLock::new(|| Arc::new(Fixed::DEFAULT.decisions()));

/// A file's text and its hash.
type TextAndHash = (String, String);

/// The files of `FIXED`, as every cluster has them.
static DEFAULT_FILES: LazyLock<BTreeMap<&'static str, OnceLock<Option<TextAndHash>>>> =
    LazyLock::new(|| FIXED.map(|path| (path, OnceLock::new())).into());

/// Parses and renders what does not depend on a cluster. A second thread does it while the blueprint is read.
/// It starts with what is needed last: what another thread needs meanwhile is either done, or done there.
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
/// The width of comments, in columns.
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

/// Adds a file unchanged and returns its path. A script is executable; a sourced or configuration file is not.
pub fn add_plain(files: &mut FileSet, path: &str, mode: Mode) -> String {
    let text = source(path);
    let Some(hash) = HASHES.get(path) else { panic!("there is no file templates/{path}") };
    let sha256 = hash.get_or_init(|| sha256_hex(text.as_bytes()));
    files.add_file(path, File { mode, text: text.into(), sha256: sha256.as_str().into() });
    path.to_string()
}

/// Renders `<path>.j2` in a context, adds the file and returns its path.
pub fn add_rendered(cluster: &Cluster, files: &mut FileSet, path: &str, context: impl Serialize) -> String {
    add_rendered_as(cluster, files, path, Mode::Plain, context)
}

/// Renders `<path>.j2` in a context, adds the file with a mode and returns its path.
pub fn add_rendered_as(
    cluster: &Cluster,
    files: &mut FileSet,
    path: &str,
    mode: Mode,
    context: impl Serialize,
) -> String {
    files.add(path, mode, render(cluster, path, context));
    path.to_string()
}

/// Adds a file: `<source>.j2` rendered, if there is such a template, or else a copy of `<source>`.
pub fn add_either(cluster: &Cluster, files: &mut FileSet, path: String, source: &str, context: impl Serialize) {
    if SOURCES.contains_key(&*format!("{source}{SUFFIX}")) {
        files.add(path, Mode::Plain, render(cluster, source, context));
    } else {
        files.add(path, Mode::Plain, self::source(source));
    }
}

/// Adds a file that is the same in every cluster and is rendered once, unless its template names the blueprint. Returns its path.
pub fn add_fixed(cluster: &Cluster, files: &mut FileSet, path: &str, mode: Mode) -> String {
    let fixed = if cluster.fixed == Fixed::DEFAULT { fixed_file(path) } else { None };
    let Some((text, sha256)) = fixed else { return add_rendered_as(cluster, files, path, mode, ()) };
    files.add_file(path, File { mode, text: text.as_str().into(), sha256: sha256.as_str().into() });
    path.to_string()
}

/// Returns the text and the hash of a file that is the same in every cluster; `None` if its template names the blueprint.
///
/// # Panics
/// If the file is not in `FIXED`, or needs another value that only a cluster decides: a programming error.
fn fixed_file(path: &str) -> Option<&'static (String, String)> {
    let Some(file) = DEFAULT_FILES.get(path) else { panic!("{path} is not the same in every cluster") };
    let file = file.get_or_init(|| {
        // The parsed template is not kept: it takes five times the memory of its file.
        let name = format!("{path}{SUFFIX}");
        let template = match ENVIRONMENT.template_from_named_str(&name, source(&name)) {
            Ok(template) => template,
            Err(error) => panic!("{name}: {error:#}"),
        };
        if template.undeclared_variables(false).contains("blueprint") {
            return None;
        }
        let text = rendered(&template, Fixed::DEFAULT, DEFAULT_REASONS.clone(), ());
        let sha256 = sha256_hex(text.as_bytes());
        Some((text, sha256))
    });
    file.as_ref()
}

/// Returns a parsed template.
///
/// # Panics
/// If there is no such template, or it is malformed: a programming error.
fn template(name: &str) -> Template<'static, 'static> {
    let Some((name, read)) = READ.get_key_value(name) else { panic!("there is no file templates/{name}") };
    let environment = read.get_or_init(|| {
        let mut environment = ENVIRONMENT.clone();
        if let Err(error) = environment.add_template(name, source(name)) {
            panic!("{name}: {error:#}");
        }
        environment
    });
    environment.get_template(name).expect("the environment of a template holds it")
}

/// Renders `<path>.j2`. In addition to its context it has `blueprint`, every block of the cluster's blueprint.
///
/// # Panics
/// Like [`template`] and [`rendered`].
fn render(cluster: &Cluster, path: &str, context: impl Serialize) -> String {
    let blueprint = Value::from_object(Blocks(cluster.blueprint.clone()));
    let context = context! { blueprint, ..Value::from_serialize(context) };
    rendered(&template(&format!("{path}{SUFFIX}")), cluster.fixed, cluster.decisions.clone(), context)
}

/// Returns what a template becomes. In addition to its context it has `fixed`, the values that are the same in every cluster,
/// `why`, the reason of every decision by its name, and `scheme`, the scheme of each service's URLs.
///
/// # Panics
/// If a variable is missing in its context: a programming error that any test of the file finds, never bad input.
fn rendered(
    template: &Template<'_, '_>,
    fixed: Fixed,
    decisions: Arc<Vec<Decision>>,
    context: impl Serialize,
) -> String {
    let why = Value::from_object(Reasons(decisions));
    let fixed = if fixed == Fixed::DEFAULT { DEFAULT.clone() } else { Value::from_serialize(fixed) };
    let scheme = &*SCHEMES;
    let context = context! { fixed, why, scheme, ..Value::from_serialize(context) };
    match template.render(context) {
        Ok(rendered) => rendered,
        Err(error) => panic!("{}: {error:#}", template.name()),
    }
}

/// The blocks of a blueprint, by name. They are converted only for a template that names one.
#[derive(Debug)]
struct Blocks(Arc<Blueprint>);

impl Object for Blocks {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        Value::from_serialize(&*self.0).get_item(name).ok().filter(|value| !value.is_undefined())
    }
}

/// The reason of each decision, by the decision's name.
#[derive(Debug)]
struct Reasons(Arc<Vec<Decision>>);

impl Object for Reasons {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        let name = name.as_str()?;
        self.0.iter().find(|decision| decision.name == name).map(|decision| decision.why.into())
    }
}

/// The filter `comment`: turns one reason or several into a comment. Lines after the first are indented.
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
        let name = "machine/etcd.env.j2";
        rendered(&template(name), Fixed::DEFAULT, Arc::default(), ());
    }

    #[test]
    fn a_template_that_names_the_blueprint_differs_by_cluster() {
        let template = ENVIRONMENT.template_from_str("{{ blueprint.image.base }}").expect("a template");
        assert!(template.undeclared_variables(false).contains("blueprint"));
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
