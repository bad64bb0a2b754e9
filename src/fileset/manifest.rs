//! The manifest, `pgherd.json`: what the last `gen` wrote, so that the next one can tell its own files from others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{File, FileSet, Mode, RelPath, sha256_hex};

/// The path of the manifest.
pub const PATH: &str = "pgherd.json";
/// The version of the format that this program writes and reads.
const FORMAT: u32 = 1;
const ABOUT: &str = "Written by `pgherd gen`: the SHA-256 of every file it wrote here. It overwrites and removes a file only while \
                     the file still has this hash.";

/// The files that `gen` wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The SHA-256 of each file.
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
    /// Returns the manifest of a file set.
    pub fn of(cluster: &str, set: &FileSet) -> Self {
        Manifest::of_parts(cluster, &[set])
    }

    /// Returns the manifest of several file sets that form one.
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

    /// Parses a manifest; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if document.format != FORMAT {
            return Err(format!("its format is {}, but this pgherd reads format {FORMAT}", document.format));
        }
        let mut files = BTreeMap::new();
        for (path, hash) in &document.files {
            let path =
                RelPath::parse(path).ok_or_else(|| format!("it names a path outside the directory: {path:?}"))?;
            files.insert(path, hash.clone());
        }
        Ok(Manifest { files, text: document })
    }

    /// Returns the name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.text.cluster
    }

    /// Returns the manifest as a file.
    pub fn to_file(&self) -> File {
        let text = self.to_text();
        let sha256 = sha256_hex(text.as_bytes()).into();
        File { mode: Mode::Plain, text: text.into(), sha256 }
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.text)
            .expect("writing strings and numbers as JSON to memory cannot fail");
        text.push('\n');
        text
    }
}

/// What an unfinished `gen` is writing: it may be on the disk, but not yet in the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteJournal {
    /// The SHA-256 of every content that an interrupted `gen` may have written to a path.
    pub files: BTreeMap<RelPath, Vec<String>>,
}

impl WriteJournal {
    /// Parses a journal. It is written atomically, so one that cannot be parsed was not written by pgherd.
    pub fn parse(text: &str) -> Result<Self, String> {
        let files: BTreeMap<String, Vec<String>> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let files = files.into_iter().filter_map(|(path, hashes)| Some((RelPath::parse(&path)?, hashes))).collect();
        Ok(WriteJournal { files })
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        let files: BTreeMap<&str, &Vec<String>> = self.files.iter().map(|(path, h)| (path.as_str(), h)).collect();
        serde_json::to_string_pretty(&files).expect("writing strings as JSON to memory cannot fail")
    }

    /// Adds the content that is about to be written to a path.
    pub fn add(&mut self, path: &RelPath, hash: String) {
        let hashes = self.files.entry(path.clone()).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
}
