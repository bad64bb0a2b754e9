//! Imports go only downward, as the table at the top of `src/lib.rs` says, and no files import each other in a circle.

mod house;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use house::{Edge, House, circles};

/// Returns the table: each layer, and those that it may use. `None` means all.
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

/// Returns a file's layer: `src/run/log.rs` and `src/run.rs` are in layer `run`.
fn layer(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string()
}

fn shown(edges: &BTreeSet<Edge>) -> String {
    let lines =
        edges.iter().map(|edge| format!("\n  {} uses {} of {}", edge.from.display(), edge.name, edge.to.display()));
    lines.collect()
}

#[test]
fn imports_go_downward_only() {
    let table = table();
    assert!(table.len() > 8, "the table in src/lib.rs is not read: {table:?}");
    let house = House::read(Path::new("src"), true);
    for room in house.rooms.values().filter(|room| room.file != Path::new("src/lib.rs")) {
        let layer = layer(&room.file);
        assert!(table.contains_key(&layer), "{} is of no layer in src/lib.rs", room.file.display());
    }
    let edges = house.imports();
    assert!(edges.len() > 500, "only {} imports were found", edges.len());
    let is_wrong = |edge: &Edge| {
        let (from, to) = (layer(&edge.from), layer(&edge.to));
        from != to && table.get(&from).is_some_and(|allowed| allowed.as_ref().is_some_and(|all| !all.contains(&to)))
    };
    let wrong: BTreeSet<Edge> = edges.into_iter().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "against the table in src/lib.rs:{}", shown(&wrong));
}

/// A submodule may use its parent's items, because it is a part of it.
fn is_parent(edge: &Edge) -> bool {
    let file = &edge.to;
    let folder = if file.ends_with("mod.rs") { file.with_file_name("") } else { file.with_extension("") };
    edge.from.starts_with(folder)
}

/// Folders in which not even that is allowed.
const STRICT: [&str; 1] = ["src/cli"];

#[test]
fn no_files_import_each_other_in_a_circle() {
    let is_strict = |edge: &Edge| STRICT.iter().any(|folder| edge.from.starts_with(folder));
    let mut edges = House::read(Path::new("src"), false).uses();
    edges.retain(|edge| is_strict(edge) || !is_parent(edge));
    let mut text = String::new();
    for circle in circles(&edges) {
        let inside = |path: &PathBuf| circle.contains(path);
        let ties: BTreeSet<Edge> =
            edges.iter().filter(|edge| inside(&edge.from) && inside(&edge.to)).cloned().collect();
        text += &format!("\na circle of {}:{}", circle.len(), shown(&ties));
    }
    assert!(text.is_empty(), "{text}");
}

/// One name, one meaning: no two types share a name, outside functions and unit tests.
#[test]
fn no_two_types_share_a_name() {
    let house = House::read(Path::new("src"), false);
    let mut homes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for room in house.rooms.values() {
        for name in &room.types {
            homes.entry(name).or_default().push(room.file.display().to_string());
        }
    }
    assert!(homes.len() > 300, "only {} types were found", homes.len());
    let shared: Vec<String> = (homes.iter())
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert_eq!(shared, [""; 0], "types that share a name");
}

#[test]
fn circles_and_re_exports_are_found() {
    let edge = |from: &str, to: &str, name: &str| Edge { from: from.into(), to: to.into(), name: name.into() };
    let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")].map(|(from, to)| edge(from, to, ""));
    assert_eq!(circles(&edges.into()), [BTreeSet::from(["b", "c"].map(PathBuf::from))]);
    let house = House::read(Path::new("src"), false);
    let (from, face) = ("src/cli/telling.rs", "src/cli/report/mod.rs");
    assert!(house.uses().contains(&edge(from, "src/cli/report/feed.rs", "Feed")));
    assert!(house.imports().contains(&edge(from, face, "Feed")));
    assert!(house.imports().contains(&edge(face, "src/cli/report/feed.rs", "Feed")));
    assert!(!house.uses().iter().any(|edge| edge.from == Path::new(face) && edge.name == "Feed"));
}
