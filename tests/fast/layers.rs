//! Imports go downward only: every `use crate::…` is held to the table at the top of `src/lib.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The table: a layer, and those it may use. `None` is all of them.
fn table() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut table = BTreeMap::new();
    for line in fs::read_to_string("src/lib.rs").unwrap().lines() {
        let Some((left, right)) = line.trim_start_matches("//! ").split_once("-> ") else { continue };
        if !line.starts_with("//! ") || left.contains('`') {
            continue;
        }
        let words = |text: &str| text.split(',').map(|w| w.trim().to_string()).collect::<BTreeSet<_>>();
        let allowed = match right {
            "everything" => None,
            "nothing in the crate" => Some(BTreeSet::new()),
            list => Some(words(list)),
        };
        for layer in words(left) {
            table.insert(layer, allowed.clone());
        }
    }
    table
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `src/run/log.rs` and `src/run.rs` are of layer `run`.
fn layer(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string()
}

/// Every module of the crate that a text names, `use crate::{a, b}` among them.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, after) in text.match_indices("crate::").map(|(i, m)| (i, &text[i + m.len()..])) {
        match after.strip_prefix('{') {
            None => drop(found.insert(word(after))),
            Some(list) => {
                let mut depth = 0;
                for part in list.split_inclusive([',', '{', '}']) {
                    if depth == 0 {
                        found.insert(word(part.trim_start()));
                    }
                    depth += part.matches('{').count() as i32 - part.matches('}').count() as i32;
                    if depth < 0 {
                        break;
                    }
                }
            }
        }
    }
    found.remove("");
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_go_downward_only() {
    let table = table();
    assert!(table.len() > 8, "the table in src/lib.rs is not read: {table:?}");
    let mut wrong = vec![];
    for path in sources(Path::new("src")) {
        let layer = layer(&path);
        if matches!(layer.as_str(), "lib" | "main") {
            continue;
        }
        let allowed = table.get(&layer).unwrap_or_else(|| panic!("{} is of no layer in src/lib.rs", path.display()));
        let text = fs::read_to_string(&path).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect();
        for used in named(&code) {
            let fine = used == layer || allowed.as_ref().is_none_or(|allowed| allowed.contains(&used));
            if !fine {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the table in src/lib.rs:\n  {}", wrong.join("\n  "));
}

#[test]
fn imports_are_found() {
    let names = |text| named(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(names("use crate::run::{Event, Outcome};"), "run");
    assert_eq!(names("use crate::{cli, run::{self, Event}, system};"), "cli run system");
    assert_eq!(names("let x = crate::tools::quote(y);"), "tools");
}
