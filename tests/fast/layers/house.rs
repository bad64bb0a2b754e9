//! Reads the crate's source: which file uses what of which other file, and which types there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, Macro, Meta, UseTree, Visibility};

/// A module of the crate, by its path: `["run", "journal"]`. The crate's root is empty.
pub type Module = Vec<String>;

/// What one module holds.
#[derive(Default)]
pub struct Room {
    /// Its file.
    pub file: PathBuf,
    /// The names that its `use` lines bring in, and where each comes from, as written.
    names: BTreeMap<String, Vec<String>>,
    /// Where its `use …::*` lines lead.
    globs: Vec<Vec<String>>,
    /// The paths that its code names, as written, those of private `use` lines among them.
    paths: BTreeSet<Vec<String>>,
    /// The paths that its `pub use` lines name.
    handed_on: BTreeSet<Vec<String>>,
    /// The names of all items that it defines.
    items: BTreeSet<String>,
    /// The structs, enums, unions, traits and type aliases that it defines, outside of functions.
    pub types: Vec<String>,
}

/// The crate.
pub struct House {
    pub rooms: BTreeMap<Module, Room>,
}

/// `from` uses `name` of `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: PathBuf,
    pub to: PathBuf,
    pub name: String,
}

impl House {
    /// Reads the source below `src`. Unit tests are left out unless `tests`.
    pub fn read(src: &Path, tests: bool) -> House {
        let mut house = House { rooms: BTreeMap::new() };
        house.enter(&src.join("lib.rs"), src, vec![], tests);
        house
    }

    /// Reads a file and those of its modules. `dir` is where its modules' files are.
    fn enter(&mut self, file: &Path, dir: &Path, module: Module, tests: bool) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.furnish(&syntax.items, file, dir, module, tests);
    }

    fn furnish(&mut self, items: &[Item], file: &Path, dir: &Path, module: Module, tests: bool) {
        let mut room = Room { file: file.to_path_buf(), ..Room::default() };
        for item in items {
            match item {
                Item::Mod(inner) if !tests && is_test(&inner.attrs) => {}
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let below: Module = module.iter().cloned().chain([name.clone()]).collect();
                    match &inner.content {
                        Some((_, items)) => self.furnish(items, file, &dir.join(&name), below, tests),
                        None => {
                            let flat = dir.join(format!("{name}.rs"));
                            let file = if flat.exists() { flat } else { dir.join(&name).join("mod.rs") };
                            self.enter(&file, &dir.join(&name), below, tests);
                        }
                    }
                }
                other => room.add(other),
            }
        }
        self.rooms.insert(module, room);
    }

    /// Returns every use of one file's items in another. A re-export (`pub use`) does not count: it only passes a name on.
    pub fn uses(&self) -> BTreeSet<Edge> {
        self.edges(|room| room.paths.iter().collect(), Handed::Followed)
    }

    /// Returns every name of one file that another file contains, including re-exports. A file that re-exports a name counts as its owner.
    pub fn imports(&self) -> BTreeSet<Edge> {
        self.edges(|room| room.paths.iter().chain(&room.handed_on).collect(), Handed::Owned)
    }

    fn edges(&self, paths: impl Fn(&Room) -> Vec<&Vec<String>>, handed: Handed) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (module, room) in &self.rooms {
            for path in paths(room) {
                let Some((to, name)) = self.resolve(module, path, handed, 0) else { continue };
                let to = &self.rooms[&to].file;
                if *to != room.file {
                    edges.insert(Edge { from: room.file.clone(), to: to.clone(), name });
                }
            }
        }
        edges
    }

    /// The module where a path leads, as far as it names modules, and the name of the item there.
    /// `None` if it leads out of the crate, or to a module alone.
    fn resolve(&self, from: &Module, path: &[String], handed: Handed, depth: usize) -> Option<(Module, String)> {
        assert!(depth < 32, "{path:?} in {from:?} does not end");
        let mut at = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (at, rest) = (vec![], &path[1..]),
            "self" => rest = &path[1..],
            _ => {}
        }
        while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
            at.pop();
            rest = after;
        }
        loop {
            let below: Module = at.iter().chain([rest.first()?]).cloned().collect();
            if !self.rooms.contains_key(&below) {
                break;
            }
            (at, rest) = (below, &rest[1..]);
        }
        let (room, first) = (&self.rooms[&at], &rest[0]);
        let deeper = |path: &[String]| self.resolve(&at, path, handed, depth + 1);
        match room.names.get(first) {
            Some(_) if handed == Handed::Owned && at != *from => Some((at, first.clone())),
            // `use include_dir::include_dir`: a macro and its crate.
            Some(origin) if origin.first() == Some(first) => None,
            Some(origin) => deeper(&[origin.as_slice(), &rest[1..]].concat()),
            None if room.items.contains(first) => Some((at, first.clone())),
            None => {
                room.globs.iter().find_map(|glob| deeper(&[glob.as_slice(), rest].concat()).filter(|(to, _)| *to != at))
            }
        }
    }
}

/// The owner of a name that a module re-exports with `pub use`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// The module that defines it.
    Followed,
    /// The module that re-exports it.
    Owned,
}

impl Room {
    fn add(&mut self, item: &Item) {
        let (name, is_type): (&Ident, bool) = match item {
            Item::Struct(item) => (&item.ident, true),
            Item::Enum(item) => (&item.ident, true),
            Item::Union(item) => (&item.ident, true),
            Item::Trait(item) => (&item.ident, true),
            Item::Type(item) => (&item.ident, true),
            Item::Fn(item) => (&item.sig.ident, false),
            Item::Const(item) => (&item.ident, false),
            Item::Static(item) => (&item.ident, false),
            other => return self.visit_item(other),
        };
        self.items.insert(name.to_string());
        if is_type {
            self.types.push(name.to_string());
        }
        self.visit_item(item);
    }

    /// Records the names of a `use` line. A private one counts as a use of what it names.
    fn take(&mut self, tree: &UseTree, before: &[String], is_private: bool) {
        let with = |name: &Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        let (name, path) = match tree {
            UseTree::Path(path) => return self.take(&path.tree, &with(&path.ident), is_private),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.take(tree, before, is_private));
            }
            UseTree::Glob(_) => {
                // Of an enum, mostly.
                self.paths.insert(before.to_vec());
                return self.globs.push(before.to_vec());
            }
            UseTree::Name(name) if name.ident == "self" => (before[before.len() - 1].clone(), before.to_vec()),
            UseTree::Name(name) => (name.ident.to_string(), with(&name.ident)),
            UseTree::Rename(rename) => (rename.rename.to_string(), with(&rename.ident)),
        };
        let uses = if is_private { &mut self.paths } else { &mut self.handed_on };
        uses.insert(path.clone());
        self.names.insert(name, path);
    }

    /// Records every path in the tokens of a macro or an attribute.
    fn take_words(&mut self, words: &str) {
        let words = words.replace(" :: ", "::");
        let of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for path in words.split(|c| !of_path(c)).filter(|word| word.contains("::")) {
            self.paths.insert(path.split("::").filter(|part| !part.is_empty()).map(String::from).collect());
        }
    }
}

impl<'ast> Visit<'ast> for Room {
    fn visit_item_use(&mut self, line: &'ast ItemUse) {
        self.take(&line.tree, &[], matches!(line.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.take_words(&call.tokens.to_string());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.take_words(&list.tokens.to_string());
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

/// The circles among files: each is a set of files of which every one can reach every other.
pub fn circles(edges: &BTreeSet<Edge>) -> Vec<BTreeSet<PathBuf>> {
    let mut next: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for edge in edges {
        next.entry(&edge.from).or_default().insert(&edge.to);
    }
    let reach = |start: &Path| {
        let mut seen: BTreeSet<&Path> = BTreeSet::new();
        let mut open: Vec<&Path> = next.get(start).into_iter().flatten().copied().collect();
        while let Some(file) = open.pop() {
            if seen.insert(file) {
                open.extend(next.get(file).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = next.keys().map(|file| (*file, reach(file))).collect();
    let mut found: Vec<BTreeSet<PathBuf>> = vec![];
    for (file, there) in &reached {
        let of_circle = |other: &&&Path| reached.get(**other).is_some_and(|back| back.contains(file));
        let circle: BTreeSet<PathBuf> = there.iter().filter(of_circle).map(|other| other.to_path_buf()).collect();
        if !circle.is_empty() && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}
