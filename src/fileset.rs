//! The files that `gen` produces, in memory, and the decision what to do so that a directory holds them.

pub mod contents;
pub mod manifest;
pub mod reconcile;
pub mod seal;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// A path below the cluster's directory: relative, separated by `/`, without `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

impl RelPath {
    /// Takes a path that this program itself chose.
    ///
    /// # Panics
    /// If it is absolute or leaves the directory: a programming error, never input.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        match RelPath::parse(&path) {
            Some(rel) => rel,
            None => panic!("not a relative path inside the cluster's directory: {path:?}"),
        }
    }

    /// Takes a path from outside, such as a manifest; returns `None` if it is absolute or leaves the directory.
    pub fn parse(path: &str) -> Option<Self> {
        let ok = !path.is_empty()
            && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && !path.contains('\\');
        ok.then(|| RelPath(path.to_string()))
    }

    /// Returns its directory, relative to the cluster's; empty for the cluster's own.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Permission bits of a generated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// 0644
    Plain,
    /// 0755
    Executable,
}

impl Mode {
    /// Returns the permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Mode::Plain => 0o644,
            Mode::Executable => 0o755,
        }
    }
}

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its permission bits.
    pub mode: Mode,
    /// Its text.
    pub text: Cow<'static, str>,
    /// SHA-256 of its text, in lower-case hex.
    pub sha256: Cow<'static, str>,
}

/// The identity of an image that Packer builds and Terraform boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageId {
    /// The role that boots it: `master`, `slave` or `haproxy`.
    pub role: String,
    /// The name of the AMI, `<cluster>-<role>-<hash>`.
    pub name: String,
    /// Twelve hex digits of the hash of everything that the image is made from.
    pub hash: String,
    /// Its Packer template.
    pub template: RelPath,
    /// The hashes of the files that it is made from.
    pub contents: contents::Contents,
}

/// The files of one cluster, by path, and the images that are built from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSet {
    files: BTreeMap<RelPath, File>,
    /// The images, in the order of the pipeline.
    pub images: Vec<ImageId>,
}

impl FileSet {
    /// Makes an empty set.
    pub fn new() -> Self {
        FileSet::default()
    }

    /// Adds a file.
    ///
    /// # Panics
    /// If the path is taken: it is a programming error to generate a file twice.
    pub fn add(&mut self, path: impl Into<String>, mode: Mode, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        let sha256 = sha256_hex(text.as_bytes()).into();
        self.add_file(path, File { mode, text, sha256 });
    }

    /// Adds a file whose hash is known.
    ///
    /// # Panics
    /// If the path is taken.
    pub fn add_file(&mut self, path: impl Into<String>, file: File) {
        let path = RelPath::new(path);
        let before = self.files.insert(path.clone(), file);
        assert!(before.is_none(), "{path} is generated twice");
    }

    /// Adds all files of another set.
    ///
    /// # Panics
    /// If a path is taken.
    pub fn extend(&mut self, other: FileSet) {
        for (RelPath(path), file) in other.files {
            self.add_file(path, file);
        }
    }

    /// Returns the file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(&RelPath::parse(path)?)
    }

    /// Iterates over all files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RelPath, &File)> + Clone {
        self.files.iter()
    }
}

/// Returns the SHA-256 of bytes in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
