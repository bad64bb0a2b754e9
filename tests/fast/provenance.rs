//! Where every number and address of the generated files comes from.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use pgherd::cluster::decision::Decision;
use pgherd::cluster::{Cluster, resolve};
use pgherd::fileset::FileSet;
use pgherd::generate::generate;
use pgherd::generate::provenance::{Maker, Provenance, provenance, provenance_in};

/// Addresses with a fixed meaning: any address, this machine, and the documentation ranges (RFC 5737) of examples and checks.
const EVERYONES: [&str; 4] = ["0.0.0.0", "127.0.", "192.0.2.", "203.0.113."];

/// A cluster, its files, and the decisions behind their lines.
struct Shape {
    blueprint: &'static str,
    cluster: &'static Cluster,
    files: FileSet,
    found: Provenance<'static>,
}

/// Returns what herd.hcl makes, and what it cannot have: a VPC, its subnets and a key that exist already; admins, settings, other
/// ports. All clusters have one name. Each takes seconds to trace, so all tests share them.
fn shapes() -> Vec<&'static Shape> {
    static SHAPES: [(&str, OnceLock<Shape>); 4] = [
        ("blueprints/herd.hcl", OnceLock::new()),
        ("tests/blueprints/largest.hcl", OnceLock::new()),
        ("tests/blueprints/pair.hcl", OnceLock::new()),
        ("tests/blueprints/vpc.hcl", OnceLock::new()),
    ];
    std::thread::scope(|scope| {
        for (blueprint, shape) in &SHAPES {
            scope.spawn(|| shape.get_or_init(|| read(blueprint)));
        }
    });
    SHAPES.iter().map(|(_, shape)| shape.get().expect("it was read")).collect()
}

fn read(blueprint: &'static str) -> Shape {
    let text = std::fs::read_to_string(blueprint).unwrap();
    let name = text.split("cluster \"").nth(1).unwrap().split('"').next().unwrap();
    let text = text.replace(&format!("cluster \"{name}\""), "cluster \"same\"");
    let cluster: &Cluster = Box::leak(Box::new(resolve(&pgherd::blueprint::parse(blueprint, &text).unwrap())));
    let files = generate(cluster);
    let found = provenance(cluster, &files);
    Shape { blueprint, cluster, files, found }
}

#[test]
fn every_decision_is_at_work_and_every_address_and_number_has_one() {
    let (mut made, mut at_work) = (BTreeSet::new(), BTreeSet::new());
    for Shape { blueprint, cluster, files, found } in shapes() {
        made.extend(cluster.decisions.iter().map(|decision| decision.name.clone()));
        at_work.extend(working(files, found));
        assert_eq!(unexplained(files, found), [""; 0], "{blueprint}: numbers and addresses that no decision made");
    }
    let idle: Vec<&String> = made.difference(&at_work).collect();
    assert_eq!(idle, [""; 0], "decisions that change nothing in the files");
}

/// `explain` says that a line without a decision is in every cluster of this kind, so another cluster of the same name must have it.
#[test]
fn what_no_decision_made_stands_in_other_clusters_too() {
    let all = shapes();
    for (at, Shape { blueprint, files, found, .. }) in all.iter().enumerate() {
        let others: Vec<&FileSet> =
            (0..).zip(&all).filter(|(other, _)| *other != at).map(|(_, shape)| &shape.files).collect();
        let mut alone = vec![];
        for (path, file) in files.iter().filter(|(path, _)| !path.as_str().ends_with(".md")) {
            let same = others.iter().filter_map(|files| files.get(path.as_str()));
            let known: BTreeSet<&str> = same.flat_map(|file| file.text.lines().map(str::trim)).collect();
            for (line, text) in (1..).zip(file.text.lines()) {
                let unmade = found.of(path.as_str(), line) == Maker::Template;
                if unmade && !code(text).is_empty() && !known.contains(text.trim()) {
                    alone.push(format!("{path}:{line}: {}", text.trim()));
                }
            }
        }
        assert_eq!(alone, [""; 0], "{blueprint}: lines that no decision made and no other cluster has");
    }
}

/// `explain` looks at one folder, and generates only what that folder needs.
#[test]
fn a_folder_alone_has_the_same_decisions_as_among_all() {
    let Shape { cluster, files, found, .. } = shapes()[0];
    let folders: BTreeSet<&str> = files.iter().map(|(path, _)| path.folder()).collect();
    assert!(folders.len() > 6, "{folders:?}");
    // The others are generated as a whole.
    for folder in folders.into_iter().filter(|folder| !["", "packer_templates"].contains(folder)) {
        let here = provenance_in(cluster, files, folder);
        for (path, file) in files.iter().filter(|(path, _)| path.folder() == folder) {
            for line in 1..=file.text.lines().count() {
                let path = path.as_str();
                assert_eq!(here.of(path, line), found.of(path, line), "{path}:{line}");
            }
        }
        let names = |made: Vec<&Decision>| made.iter().map(|decision| decision.name.clone()).collect::<BTreeSet<_>>();
        assert_eq!(names(here.within(folder)), names(found.within(folder)), "{folder}");
    }
}

/// Returns the names of the decisions behind a line.
fn working(files: &FileSet, found: &Provenance) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (path, file) in files.iter() {
        for line in 1..=file.text.lines().count() {
            if let Maker::Decisions(made) = found.of(path.as_str(), line) {
                names.extend(made.iter().map(|decision| decision.name.clone()));
            }
        }
    }
    names
}

/// Lines of all files with a number that neither a decision nor the rules of [`numbers`] explain. A README is prose.
fn unexplained(files: &FileSet, found: &Provenance) -> Vec<String> {
    let mut orphans = vec![];
    for (path, file) in files.iter().filter(|(path, _)| !path.as_str().ends_with(".md")) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let left = numbers(code(text));
            if !left.is_empty() && found.of(path.as_str(), line) == Maker::Template {
                orphans.push(format!("{path}:{line}: {left:?} of {}", text.trim()));
            }
        }
    }
    orphans
}

/// Returns a line without its comment.
fn code(line: &str) -> &str {
    if line.trim_start().starts_with('#') { "" } else { line.split(" # ").next().unwrap_or_default() }
}

/// Returns the numbers of a line that are somebody's choice.
fn numbers(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let mut found = vec![];
    let mut at = 0;
    while let Some(start) = line[at..].find(|c: char| c.is_ascii_digit()).map(|i| at + i) {
        let end =
            line[start..].find(|c: char| !c.is_ascii_alphanumeric() && c != '.').map_or(line.len(), |i| start + i);
        at = end;
        let before = &line[..start];
        let last = start.checked_sub(1).map(|i| bytes[i] as char);
        let word = line[start..end].trim_end_matches('.');
        let part_of_a_name = last.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            || line[end..].starts_with('_')
            || (last == Some('-') && before[..start - 1].ends_with(|c: char| c.is_ascii_alphanumeric() || c == ' '));
        // The shell's own: parameters, files by number, sets of characters, groups of a pattern.
        let shells =
            matches!(last, Some('$' | '&' | '\\' | '[')) || before.ends_with("${") || line[end..].starts_with('>');
        // True and false, the first and the only one; the third part is what `split` returns.
        let counts = matches!(word, "0" | "1") || (last == Some('[') && line[end..].starts_with(']'));
        let mode = (word.len() >= 3 && word.starts_with('0') && word.chars().all(|c| c.is_ascii_digit() || c == 'o'))
            || before.ends_with("mode ");
        // Numbers with a meaning in a protocol or another program: HTTP statuses, exit codes, the number of words to skip, the digits of a
        // WAL file's name that are its timeline.
        let status = ["status ", "exit ", "shift ", "-eq ", "== ", "UTF-", "RFC ", "retry-on", "pg_walfile_name("]
            .iter()
            .any(|word| before.contains(word));
        let one_address = last == Some('/') && word == "32";
        if !(part_of_a_name
            || one_address
            || shells
            || counts
            || mode
            || status
            || EVERYONES.iter().any(|a| word.starts_with(a)))
        {
            found.push(word);
        }
    }
    found
}
