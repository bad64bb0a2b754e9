//! From the words on the command line to clusters and their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::Variables;
use super::failure::{Failure, Kind};
use super::report::Report;
use crate::blueprint;
use crate::cluster::{self, Cluster};
use crate::fileset::{FileSet, seal};
use crate::generate;
use crate::system::{Context, files, parallel};

/// Where blueprints are kept.
const FOLDER: &str = "blueprints";
/// So many of them are named.
const SHOWN: usize = 5;

/// A blueprint, read and resolved.
#[derive(Debug)]
pub struct Loaded {
    /// The file, as the user names it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// What its variables were set to.
    pub variables: Variables,
    /// What it describes.
    pub cluster: Cluster,
}

impl Loaded {
    /// Its files.
    pub fn files(&self) -> FileSet {
        generate::generate(&self.cluster)
    }

    /// What its files are made from, in one hash: this program, the text, the variables.
    pub fn origin(&self, program: &str) -> String {
        let set = self.variables.set.iter().flat_map(|(name, value)| [name.as_str(), value]);
        seal::origin(&[program, &self.text].into_iter().chain(set).collect::<Vec<_>>())
    }

    /// The words of a command line that name it, with its variables.
    pub fn words(&self) -> String {
        let mut words = self.file.display().to_string();
        for (name, value) in &self.variables.set {
            words += &format!(" --var {}", crate::tools::invocation::quote(&format!("{name}={value}")));
        }
        words
    }
}

/// Reads blueprints; every problem of every file is printed before it fails.
pub fn load(
    context: &Context,
    report: &Report,
    paths: &[PathBuf],
    variables: &Variables,
) -> Result<Vec<Loaded>, Failure> {
    load_each(context, report, paths, variables, |one| one)
}

/// Reads blueprints on all processors, and keeps of each what `digest` makes of it: a thousand clusters fit in little memory.
pub fn load_each<R: Send>(
    context: &Context,
    report: &Report,
    paths: &[PathBuf],
    variables: &Variables,
    digest: impl Fn(Loaded) -> R + Sync,
) -> Result<Vec<R>, Failure> {
    let paths = if paths.is_empty() { all(context)? } else { paths.to_vec() };
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
    let mut bad = 0;
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
            report.failure(&Failure::usage(format!(
                "{this} and {other} both describe a cluster {name:?}: give one of them another name"
            )));
            bad += 1;
        }
    }
    if bad > 0 { Err(Failure::Said(Kind::Usage)) } else { Ok(digests) }
}

/// Why a blueprint came to nothing, still to be said.
struct Unread {
    problems: Vec<String>,
    failure: Failure,
}

impl Unread {
    fn say(self, report: &Report) -> Failure {
        for problem in &self.problems {
            report.note(&format!("{problem}\n"));
        }
        self.failure
    }
}

/// Reads one blueprint.
pub fn load_one(context: &Context, report: &Report, path: &Path, variables: &Variables) -> Result<Loaded, Failure> {
    let (path, text) = read(context, path)?;
    let declared = blueprint::declared(&text);
    let loaded = resolve(path, text, variables).map_err(|unread| unread.say(report))?;
    all_declared(variables, &declared)?;
    Ok(loaded)
}

fn read(context: &Context, path: &Path) -> Result<(PathBuf, String), Failure> {
    let shown = path.display();
    if files::is_dir(&context.path(path)) {
        return Err(Failure::usage(format!(
            "{shown} is a folder: name the blueprints in it, such as {}",
            path.join("*.hcl").display()
        )));
    }
    // One byte more than it may have shows that it has too many.
    match files::read_start(&context.path(path), blueprint::MAX_BYTES + 1) {
        Ok(Some(bytes)) => {
            Ok((path.to_path_buf(), text(bytes).map_err(|why| Failure::usage(format!("{shown}: {why}")))?))
        }
        Ok(None) => Err(Failure::usage(format!("{shown}: there is no such blueprint{}", instead_of(context, path)))),
        Err(e) => Err(Failure::usage(format!("{shown}: {e}"))),
    }
}

/// What may be meant by a path that leads nowhere: most often it was written in another folder.
fn instead_of(context: &Context, path: &Path) -> String {
    let known = in_folder(context).unwrap_or_default();
    let meant = path.file_name().and_then(|name| known.iter().find(|known| known.file_name() == Some(name)));
    match (meant, &known[..]) {
        (Some(meant), _) => format!("\n  did you mean {}?", meant.display()),
        (None, []) => format!("\n  this is {}, and no blueprint is in its {FOLDER}/", context.cwd.display()),
        (None, _) => {
            let known: Vec<_> = known.iter().take(SHOWN).map(|known| known.display().to_string()).collect();
            format!("\n  this is {}, and there are {}", context.cwd.display(), known.join(", "))
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if let Some(encoding) = wide(&bytes) {
        return Err(format!("this is {encoding}\n  save it as UTF-8"));
    }
    if bytes.len() > blueprint::MAX_BYTES {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is no text in UTF-8\n  save the file as UTF-8, or name a blueprint")
    })
}

/// The encoding of a text whose letters are two or four bytes wide: by its byte-order mark, or because every other byte is 0.
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
            let failure = Failure::usage(format!("{shown}: {count} problem{}", if count == 1 { "" } else { "s" }));
            Err(Unread { problems, failure })
        }
    }
}

/// What a blueprint's text describes, or what is wrong with it.
pub fn cluster_of(shown: &str, text: &str, variables: &Variables) -> Result<Cluster, Vec<String>> {
    let set: BTreeMap<String, String> = variables.set.iter().cloned().collect();
    match blueprint::parse_with(shown, text, &set) {
        Ok(blueprint) => Ok(cluster::resolve(&blueprint)),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

/// Each variable that is set must be one of a blueprint's.
fn all_declared(variables: &Variables, declared: &[String]) -> Result<(), Failure> {
    let Some((name, _)) = variables.set.iter().find(|(name, _)| !declared.contains(name)) else { return Ok(()) };
    let help = match declared {
        [] => format!("declare it outside the cluster block: variable \"{name}\" {{ default = … }}"),
        _ => format!("there are {}", declared.join(", ")),
    };
    Err(Failure::usage(format!("--var {name}: no variable of the blueprint has that name\n  {help}")))
}

/// Every blueprint of the folder that is for them.
fn all(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let found = in_folder(context).map_err(|e| Failure::usage(format!("{FOLDER}: {e}")))?;
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "no blueprint given, and none in {}/: name one, or write a first one with `pgherd init`",
            context.path(Path::new(FOLDER)).display()
        )));
    }
    Ok(found)
}

/// The folder's only blueprint, or the one of the cluster in whose folder a path lies: for a command that was given none.
pub fn only(context: &Context, command: &str, path: &str) -> Result<PathBuf, Failure> {
    let found = all(context)?;
    let names =
        |blueprint: &PathBuf| blueprint.file_stem().is_some_and(|stem| path.split('/').any(|part| stem == part));
    let named: Vec<PathBuf> = found.iter().filter(|blueprint| names(blueprint)).cloned().collect();
    if let ([only], _) | (_, [only]) = (&found[..], &named[..]) {
        return Ok(only.clone());
    }
    let known: Vec<_> = found.iter().take(SHOWN).map(|one| one.display().to_string()).collect();
    let (all, first) = (known.join(", "), &known[0]);
    Err(Failure::usage(format!("of which blueprint? There are {all}\n  name one: `{command} {first}`")))
}

fn in_folder(context: &Context) -> std::io::Result<Vec<PathBuf>> {
    let names = files::list(&context.path(Path::new(FOLDER)))?;
    Ok(names.iter().filter(|name| name.ends_with(".hcl")).map(|name| Path::new(FOLDER).join(name)).collect())
}
