//! What `gen` produces, in memory: paths, modes, texts; and what is to be done so that a folder holds it.

pub mod contents;
pub mod manifest;
pub mod reconcile;
pub mod seal;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// A path below the cluster's folder: `/`-separated, relative, without `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

impl RelPath {
    /// Takes a literal path of this program's own.
    ///
    /// # Panics
    /// If it is absolute or leaves the folder: a programming error, never input.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        match RelPath::parse(&path) {
            Some(rel) => rel,
            None => panic!("not a relative path inside the cluster's folder: {path:?}"),
        }
    }

    /// Takes a path from outside (a manifest); `None` if it is absolute or leaves the folder.
    pub fn parse(path: &str) -> Option<Self> {
        let ok = !path.is_empty()
            && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && !path.contains('\\');
        ok.then(|| RelPath(path.to_string()))
    }

    /// The folder that it lies in; empty where that is the cluster's own.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The path as text.
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
    /// The bits, as `chmod` takes them.
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
    /// Its whole text.
    pub text: Cow<'static, str>,
    /// Of its text.
    pub sha256: Cow<'static, str>,
}

/// An image's identity: what Packer is asked to build, and what Terraform boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageId {
    /// The role that boots it: `master`, `slave` or `haproxy`.
    pub role: String,
    /// AMI name, `<cluster>-<role>-<hash>`.
    pub name: String,
    /// Twelve hex digits over all that the image is made from.
    pub hash: String,
    /// Its Packer template.
    pub template: RelPath,
    /// What it is made from.
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
    /// An empty set.
    pub fn new() -> Self {
        FileSet::default()
    }

    /// Adds a file.
    ///
    /// # Panics
    /// If the path is taken: two generators of one file is a programming error.
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

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(&RelPath::parse(path)?)
    }

    /// All files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RelPath, &File)> + Clone {
        self.files.iter()
    }
}

/// Lower-case hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
