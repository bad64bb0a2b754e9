//! Loads the blueprints that the command line names, and resolves them to clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::args::Variables;
use super::error::{CommandError, ErrorKind};
use super::report::Report;
use crate::blueprint;
use crate::cluster::{self, Cluster};
use crate::fileset::{FileSet, seal};
use crate::generate;
use crate::system::{Context, files, parallel};

/// The directory of blueprints.
const FOLDER: &str = "blueprints";
/// At most this many blueprints are listed in a message.
const SHOWN: usize = 5;

/// A blueprint, read and resolved.
#[derive(Debug)]
pub struct Loaded {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The values of its variables.
    pub variables: Variables,
    /// The cluster that it describes.
    pub cluster: Cluster,
}

impl Loaded {
    /// Generates its files.
    pub fn files(&self) -> FileSet {
        generate::generate(&self.cluster)
    }

    /// Returns one hash of everything that its files are made from: this program, the text and the variables.
    pub fn origin(&self, program: &str) -> String {
        let set = self.variables.set.iter().flat_map(|(name, value)| [name.as_str(), value]);
        seal::origin(&[program, &self.text].into_iter().chain(set).collect::<Vec<_>>())
    }

    /// Returns the command-line arguments that name it and set its variables.
    pub fn words(&self) -> String {
        let mut words = self.file.display().to_string();
        for (name, value) in &self.variables.set {
            words += &format!(" --var {}", crate::tools::invocation::quote(&format!("{name}={value}")));
        }
        words
    }
}

/// Loads blueprints. Before it fails, it prints every problem of every file.
pub fn load(
    context: &Context,
    report: &Report,
    paths: &[PathBuf],
    variables: &Variables,
) -> Result<Vec<Loaded>, CommandError> {
    load_each(context, report, paths, variables, |one| one)
}

/// Loads blueprints on all processors, and keeps of each only what `digest` returns, so that a thousand clusters need little memory.
pub fn load_each<R: Send>(
    context: &Context,
    report: &Report,
    paths: &[PathBuf],
    variables: &Variables,
    digest: impl Fn(Loaded) -> R + Sync,
) -> Result<Vec<R>, CommandError> {
    let mut bad = 0;
    let mut paths = if paths.is_empty() { all(context)? } else { paths.to_vec() };
    let mut known = BTreeSet::new();
    paths.retain(|path| {
        let is_new = known.insert(path.clone().into_os_string());
        if !is_new {
            report.failure(&CommandError::usage(format!("{} is listed twice; remove one of the two", path.display())));
            bad += 1;
        }
        is_new
    });
    let read = parallel::map(&paths, |path| {
        let (path, text) = match read(context, path) {
            Ok(read) => read,
            Err(failure) => return (vec![], Err(Unread { problems: vec![], failure })),
        };
        let declared = if variables.set.is_empty() { vec![] } else { blueprint::declared(&text) };
        let resolved = resolve(path, text, variables);
        (declared, resolved.map(|one| (one.cluster.name.clone(), one.file.clone(), digest(one))))
    });
    let (mut digests, mut names, mut declared) = (vec![], vec![], vec![]);
    for (variables, one) in read {
        declared.extend(variables);
        match one {
            Ok((name, file, digest)) => {
                names.push((name, file));
                digests.push(digest);
            }
            Err(unread) => {
                report.failure(&unread.say(report));
                bad += 1;
            }
        }
    }
    if let Err(failure) = all_declared(variables, &declared) {
        report.failure(&failure);
        bad += 1;
    }
    let mut first: BTreeMap<&str, &Path> = BTreeMap::new();
    for (name, file) in &names {
        if let Some(other) = first.insert(name, file) {
            let (this, other) = (file.display(), other.display());
            report.failure(&CommandError::usage(format!(
                "{this} and {other} both describe cluster {name:?}; rename one of the clusters"
            )));
            bad += 1;
        }
    }
    if bad > 0 { Err(CommandError::Reported(ErrorKind::Usage)) } else { Ok(digests) }
}

/// Why a blueprint could not be loaded. It has not been printed yet.
struct Unread {
    problems: Vec<String>,
    failure: CommandError,
}

impl Unread {
    fn say(self, report: &Report) -> CommandError {
        for problem in &self.problems {
            report.note(&format!("{problem}\n"));
        }
        self.failure
    }
}

/// Loads one blueprint.
pub fn load_one(
    context: &Context,
    report: &Report,
    path: &Path,
    variables: &Variables,
) -> Result<Loaded, CommandError> {
    let (path, text) = read(context, path)?;
    let declared = blueprint::declared(&text);
    let loaded = resolve(path, text, variables).map_err(|unread| unread.say(report))?;
    all_declared(variables, &declared)?;
    Ok(loaded)
}

fn read(context: &Context, path: &Path) -> Result<(PathBuf, String), CommandError> {
    let shown = path.display();
    if files::is_dir(&context.path(path)) {
        return Err(CommandError::usage(format!(
            "{shown} is a directory; pass the blueprints in it, such as {}",
            path.join("*.hcl").display()
        )));
    }
    // One byte over the limit is enough to see that a file is too large.
    match files::read_start(&context.path(path), blueprint::MAX_BYTES + 1) {
        Ok(Some(bytes)) => {
            Ok((path.to_path_buf(), text(bytes).map_err(|why| CommandError::usage(format!("{shown}: {why}")))?))
        }
        Ok(None) => Err(CommandError::usage(format!("{shown}: no such file{}", instead_of(context, path)))),
        Err(e) => Err(CommandError::usage(format!("{shown}: {e}"))),
    }
}

/// Returns a hint at the blueprint that was meant. Most often the command was run in another directory.
fn instead_of(context: &Context, path: &Path) -> String {
    let known = in_folder(context).unwrap_or_default();
    let meant = path.file_name().and_then(|name| known.iter().find(|known| known.file_name() == Some(name)));
    match (meant, &known[..]) {
        (Some(meant), _) => format!("\n  did you mean {}?", meant.display()),
        (None, []) => {
            format!("\n  the working directory is {}; it has no blueprints in {FOLDER}/", context.cwd.display())
        }
        (None, _) => {
            let known: Vec<_> = known.iter().take(SHOWN).map(|known| known.display().to_string()).collect();
            format!("\n  the working directory is {}; its blueprints are {}", context.cwd.display(), known.join(", "))
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if let Some(encoding) = wide(&bytes) {
        return Err(format!("the file is {encoding}\n  save it as UTF-8"));
    }
    if bytes.len() > blueprint::MAX_BYTES {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is not UTF-8\n  save the file as UTF-8, or pass a blueprint instead")
    })
}

/// Returns the encoding of a text with characters of two or four bytes: by its byte-order mark, or because every other byte is 0.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    let zero = |nth: usize| bytes.iter().skip(nth).step_by(2).take(64).all(|byte| *byte == 0);
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [_, _, _, _, ..] if zero(0) != zero(1) => Some("UTF-16 without a byte-order mark"),
        _ => None,
    }
}

fn resolve(file: PathBuf, text: String, variables: &Variables) -> Result<Loaded, Unread> {
    let shown = file.display().to_string();
    match cluster_of(&shown, &text, variables) {
        Ok(cluster) => Ok(Loaded { file, text, variables: variables.clone(), cluster }),
        Err(problems) => {
            let count = problems.len();
            let failure = CommandError::usage(format!("{shown}: {count} problem{}", if count == 1 { "" } else { "s" }));
            Err(Unread { problems, failure })
        }
    }
}

/// Returns the cluster that a blueprint's text describes, or its problems.
pub fn cluster_of(shown: &str, text: &str, variables: &Variables) -> Result<Cluster, Vec<String>> {
    let set: BTreeMap<String, String> = variables.set.iter().cloned().collect();
    match blueprint::parse_with(shown, text, &set) {
        Ok(blueprint) => Ok(cluster::resolve(&blueprint)),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

/// Fails if a variable is set that no blueprint declares.
fn all_declared(variables: &Variables, declared: &[String]) -> Result<(), CommandError> {
    let Some((name, _)) = variables.set.iter().find(|(name, _)| !declared.contains(name)) else { return Ok(()) };
    let help = match declared {
        [] => format!("declare it outside the cluster block: variable \"{name}\" {{ default = … }}"),
        _ => format!("the variables are {}", declared.join(", ")),
    };
    Err(CommandError::usage(format!("--var {name}: the blueprint declares no such variable\n  {help}")))
}

/// Returns all blueprints of the directory of blueprints.
fn all(context: &Context) -> Result<Vec<PathBuf>, CommandError> {
    let found = in_folder(context).map_err(|e| CommandError::usage(format!("{FOLDER}: {e}")))?;
    if found.is_empty() {
        return Err(CommandError::usage(format!(
            "there is no blueprint in {}/; pass the path of one, or create one with `pgherd init`",
            context.path(Path::new(FOLDER)).display()
        )));
    }
    Ok(found)
}

/// Returns the only blueprint in the directory of blueprints, or the one of the cluster in whose directory `path` lies.
pub fn only(context: &Context, command: &str, path: &str) -> Result<PathBuf, CommandError> {
    let found = all(context)?;
    let names =
        |blueprint: &PathBuf| blueprint.file_stem().is_some_and(|stem| path.split('/').any(|part| stem == part));
    let named: Vec<PathBuf> = found.iter().filter(|blueprint| names(blueprint)).cloned().collect();
    if let ([only], _) | (_, [only]) = (&found[..], &named[..]) {
        return Ok(only.clone());
    }
    let known: Vec<_> = found.iter().take(SHOWN).map(|one| one.display().to_string()).collect();
    let (all, first) = (known.join(", "), &known[0]);
    Err(CommandError::usage(format!(
        "there are several blueprints: {all}\n  choose one, for instance `{command} {first}`"
    )))
}

fn in_folder(context: &Context) -> std::io::Result<Vec<PathBuf>> {
    let names = files::list(&context.path(Path::new(FOLDER)))?;
    Ok(names.iter().filter(|name| name.ends_with(".hcl")).map(|name| Path::new(FOLDER).join(name)).collect())
}
