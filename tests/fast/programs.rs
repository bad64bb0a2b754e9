//! The test programs, and that each file of tests belongs to one. A test in a module that is not declared never
//! runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The programs, each a folder with a `main.rs`.
const PROGRAMS: [&str; 3] = ["fast", "tools", "lab"];

/// The files that the compiler reads for a module's file, itself among them: `mod name;`, with `#[path]` or without.
fn declared(file: &Path, found: &mut BTreeSet<PathBuf>) {
    assert!(found.insert(file.to_path_buf()), "{} is declared twice", file.display());
    let folder = file.parent().unwrap();
    let (text, mut at) = (fs::read_to_string(file).unwrap(), None);
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            at = Some(folder.join(path));
        }
        let word =
            line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
        let Some(name) = word else { continue };
        let beside = folder.join(format!("{name}.rs"));
        let below = folder.join(name).join("mod.rs");
        let file = at.take().unwrap_or(if beside.exists() { beside } else { below });
        declared(&normal(&file), found);
    }
}

/// `tests/fast/../support/mod.rs` is `tests/support/mod.rs`.
fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<&str> = vec![];
    for part in path.to_str().unwrap().split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/").into()
}

fn sources(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
}

#[test]
fn every_file_of_tests_is_in_a_program() {
    let mut run = BTreeSet::new();
    for program in PROGRAMS {
        let mut files = BTreeSet::new();
        declared(&Path::new("tests").join(program).join("main.rs"), &mut files);
        run.extend(files);
    }
    let mut there = BTreeSet::new();
    sources(Path::new("tests"), &mut there);
    // cargo-fuzz has a program per target, in a crate of its own.
    there.retain(|path| !path.starts_with("tests/fuzz"));
    let forgotten: Vec<_> = there.difference(&run).collect();
    assert!(forgotten.is_empty(), "no main.rs declares these, so nothing runs them: {forgotten:?}");
}

#[test]
fn the_programs_are_few() {
    let mut programs = BTreeSet::new();
    for entry in fs::read_dir("tests").unwrap() {
        let path = entry.unwrap().path();
        let is_one = path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").exists();
        if is_one {
            programs.insert(path.file_name().unwrap().to_str().unwrap().to_string());
        }
    }
    assert_eq!(
        programs,
        PROGRAMS.map(String::from).into(),
        "each test program is linked by itself, which takes seconds"
    );
}
