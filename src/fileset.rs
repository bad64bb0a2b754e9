//! What `gen` produces, in memory: paths, modes, texts; and what is to be done so that a folder holds it.

pub mod manifest;
pub mod reconcile;

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
    pub text: String,
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
    pub fn add(&mut self, path: impl Into<String>, mode: Mode, text: impl Into<String>) {
        let path = RelPath::new(path);
        let before = self.files.insert(path.clone(), File { mode, text: text.into() });
        assert!(before.is_none(), "{path} is generated twice");
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(&RelPath::parse(path)?)
    }

    /// All files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RelPath, &File)> {
        self.files.iter()
    }
}

/// Lower-case hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
