//! `pgherd.json`: what the last `gen` wrote, so that the next one knows its own files from everybody else's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{File, FileSet, Mode, RelPath, sha256_hex};

/// The manifest's own path.
pub const PATH: &str = "pgherd.json";
/// The layout that this program writes and reads.
const FORMAT: u32 = 1;
const ABOUT: &str = "Written by `pgherd gen`: the SHA-256 of every file it wrote here. It overwrites and removes a file only while \
                     the file still has this hash.";

/// What `gen` wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// SHA-256 of each file.
    pub files: BTreeMap<RelPath, String>,
    text: Document,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    about: String,
    format: u32,
    cluster: String,
    images: BTreeMap<String, ManifestImage>,
    files: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestImage {
    name: String,
    hash: String,
    template: String,
}

impl Manifest {
    /// The manifest of a file set.
    pub fn of(cluster: &str, set: &FileSet) -> Self {
        Manifest::of_parts(cluster, &[set])
    }

    /// The manifest of several file sets that make one.
    pub fn of_parts(cluster: &str, sets: &[&FileSet]) -> Self {
        let files: BTreeMap<RelPath, String> = (sets.iter())
            .flat_map(|set| set.iter())
            .map(|(path, file)| (path.clone(), file.sha256.to_string()))
            .collect();
        let images = (sets.iter().flat_map(|set| &set.images))
            .map(|image| {
                let template = image.template.to_string();
                (image.role.clone(), ManifestImage { name: image.name.clone(), hash: image.hash.clone(), template })
            })
            .collect();
        let text = Document {
            about: ABOUT.into(),
            format: FORMAT,
            cluster: cluster.into(),
            images,
            files: files.iter().map(|(path, hash)| (path.to_string(), hash.clone())).collect(),
        };
        Manifest { files, text }
    }

    /// Reads a manifest; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if document.format != FORMAT {
            return Err(format!("its format is {}, this pgherd knows format {FORMAT}", document.format));
        }
        let mut files = BTreeMap::new();
        for (path, hash) in &document.files {
            let path = RelPath::parse(path).ok_or_else(|| format!("it names a path outside the folder: {path:?}"))?;
            files.insert(path, hash.clone());
        }
        Ok(Manifest { files, text: document })
    }

    /// The cluster whose files they are.
    pub fn cluster(&self) -> &str {
        &self.text.cluster
    }

    /// The manifest as a file.
    pub fn to_file(&self) -> File {
        let text = self.to_text();
        let sha256 = sha256_hex(text.as_bytes()).into();
        File { mode: Mode::Plain, text: text.into(), sha256 }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.text).expect("strings and numbers become JSON");
        text.push('\n');
        text
    }
}

/// What a `gen` that has not ended is writing: it may be on the disk and not yet in the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteJournal {
    /// SHA-256 of everything that a path may hold by an interrupted `gen`'s hand.
    pub files: BTreeMap<RelPath, Vec<String>>,
}

impl WriteJournal {
    /// Reads a journal. It reaches the disk in one step, so what cannot be read was not written by us.
    pub fn parse(text: &str) -> Result<Self, String> {
        let files: BTreeMap<String, Vec<String>> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let files = files.into_iter().filter_map(|(path, hashes)| Some((RelPath::parse(&path)?, hashes))).collect();
        Ok(WriteJournal { files })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let files: BTreeMap<&str, &Vec<String>> = self.files.iter().map(|(path, h)| (path.as_str(), h)).collect();
        serde_json::to_string_pretty(&files).expect("strings become JSON")
    }

    /// Adds what a path is about to hold.
    pub fn add(&mut self, path: &RelPath, hash: String) {
        let hashes = self.files.entry(path.clone()).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
}
