//! From the words on the command line to clusters and their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::failure::{Failure, Kind};
use super::report::Report;
use crate::blueprint;
use crate::cluster::{self, Cluster};
use crate::fileset::FileSet;
use crate::generate;
use crate::system::{Context, files};

/// Where blueprints are kept.
const FOLDER: &str = "blueprints";

/// A blueprint, read and resolved.
#[derive(Debug)]
pub struct Loaded {
    /// The file, as the user names it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// What it describes.
    pub cluster: Cluster,
    /// Its files.
    pub set: FileSet,
}

/// Reads blueprints; every problem of every file is printed before it fails.
pub fn load(context: &Context, report: &Report, paths: &[PathBuf]) -> Result<Vec<Loaded>, Failure> {
    let paths = if paths.is_empty() { all(context)? } else { paths.to_vec() };
    let mut loaded = vec![];
    let mut bad = 0;
    for path in paths {
        match load_one(context, report, &path) {
            Ok(one) => loaded.push(one),
            Err(failure) => {
                report.failure(&failure);
                bad += 1;
            }
        }
    }
    let mut first: BTreeMap<&str, &Path> = BTreeMap::new();
    for one in &loaded {
        if let Some(other) = first.insert(&one.cluster.name, &one.file) {
            let (name, this, other) = (&one.cluster.name, one.file.display(), other.display());
            report.failure(&Failure::usage(format!(
                "{this} and {other} both describe a cluster {name:?}: give one of them another name"
            )));
            bad += 1;
        }
    }
    if bad > 0 { Err(Failure::Said(Kind::Usage)) } else { Ok(loaded) }
}

/// Reads one blueprint.
pub fn load_one(context: &Context, report: &Report, path: &Path) -> Result<Loaded, Failure> {
    let at = context.path(path);
    let shown = path.display().to_string();
    let text = match files::read_text(&at) {
        Ok(Some(text)) => text,
        Ok(None) => return Err(Failure::usage(format!("{shown}: there is no such blueprint"))),
        Err(e) => return Err(Failure::usage(format!("{shown}: {e}"))),
    };
    match blueprint::parse(&shown, &text) {
        Ok(blueprint) => {
            let cluster = cluster::resolve(&blueprint);
            let set = generate::generate(&cluster);
            Ok(Loaded { file: path.to_path_buf(), text, cluster, set })
        }
        Err(problems) => {
            for problem in &problems {
                report.note(&problem.to_string());
            }
            let count = problems.len();
            Err(Failure::usage(format!("{shown}: {count} problem{}", if count == 1 { "" } else { "s" })))
        }
    }
}

/// Every blueprint of the folder that is for them.
fn all(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let names = files::list(&context.path(Path::new(FOLDER)))?;
    let found: Vec<PathBuf> =
        names.iter().filter(|name| name.ends_with(".hcl")).map(|name| Path::new(FOLDER).join(name)).collect();
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "no blueprint given, and none in {FOLDER}/: name one, or write {FOLDER}/herd.hcl"
        )));
    }
    Ok(found)
}
