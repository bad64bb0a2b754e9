//! Variables of the environment that point at files and folders: where one points nowhere, the tools fail of it and name other things.

use std::collections::BTreeMap;
use std::path::Path;

use crate::system::files::{self, FileKind};

/// A variable that points at something.
struct Pointer {
    name: &'static str,
    folder: bool,
    /// What is there.
    what: &'static str,
    /// Whether the tools fail without it; else they do without, and miss what is there.
    needed: bool,
}

/// The one whose folder every tool writes to.
const TEMPORARY: &str = "TMPDIR";

const fn pointer(name: &'static str, folder: bool, what: &'static str, needed: bool) -> Pointer {
    Pointer { name, folder, what, needed }
}

/// Those of the tools, and of the libraries that they are made with.
const POINTERS: [Pointer; 18] = [
    pointer("HOME", true, "each tool's own settings and credentials", false),
    pointer(TEMPORARY, true, "temporary files", true),
    pointer("XDG_CONFIG_HOME", true, "Packer's settings", false),
    pointer("AWS_CONFIG_FILE", false, "profiles and their regions", false),
    pointer("AWS_SHARED_CREDENTIALS_FILE", false, "credentials", false),
    pointer("AWS_WEB_IDENTITY_TOKEN_FILE", false, "a token that stands for credentials", true),
    pointer("AWS_CA_BUNDLE", false, "certificates that AWS is trusted by", true),
    pointer("SSL_CERT_FILE", false, "certificates that servers are trusted by", true),
    pointer("SSL_CERT_DIR", true, "certificates that servers are trusted by", true),
    pointer("REQUESTS_CA_BUNDLE", false, "certificates that servers are trusted by", true),
    pointer("CURL_CA_BUNDLE", false, "certificates that servers are trusted by", true),
    pointer("TF_CLI_CONFIG_FILE", false, "where Terraform gets providers", false),
    pointer("TF_PLUGIN_CACHE_DIR", true, "where Terraform keeps providers", true),
    pointer("PACKER_CONFIG", false, "Packer's settings", true),
    pointer("PACKER_CONFIG_DIR", true, "Packer's settings", false),
    pointer("PACKER_PLUGIN_PATH", true, "Packer's plugins", true),
    pointer("PACKER_CACHE_DIR", true, "what Packer keeps", false),
    pointer("XDG_CACHE_HOME", true, "what tools keep", false),
];

/// A variable that points nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Astray {
    /// Its name.
    pub name: &'static str,
    /// Where it points, why that is nothing, and what is missed.
    pub story: String,
    /// Whether the tools fail of it.
    pub needed: bool,
}

/// Finds those that point nowhere, at a file in place of a folder or the other way round, or for temporary files at a folder that takes
/// none. `cwd` is where the tools are started.
pub fn astray(cwd: &Path, env: &BTreeMap<String, String>) -> Vec<Astray> {
    let set = |pointer: &'static Pointer| Some((pointer, env.get(pointer.name).filter(|value| !value.is_empty())?));
    let mut found = vec![];
    for (pointer, value) in POINTERS.iter().filter_map(set) {
        let kind = if pointer.folder { "folder" } else { "file" };
        let why = match files::kind_followed(&cwd.join(value)) {
            Ok(Some(FileKind::Directory)) if pointer.name == TEMPORARY => match files::takes_files(&cwd.join(value)) {
                Ok(()) => continue,
                Err(e) => format!("where no file can be written: {e}"),
            },
            Ok(Some(FileKind::Directory)) if pointer.folder => continue,
            Ok(Some(FileKind::Directory)) => "which is a folder, not a file".to_string(),
            Ok(Some(_)) if !pointer.folder => continue,
            Ok(Some(_)) => "which is no folder".into(),
            Ok(None) => format!("and there is no such {kind}"),
            Err(e) => format!("which cannot be looked at: {e}"),
        };
        let story = format!("is {value}, {why} ({})", pointer.what);
        found.push(Astray { name: pointer.name, story, needed: pointer.needed });
    }
    found
}

/// Folders of `PATH` that are none: a program may be thought to be there.
pub fn missing_in_path(cwd: &Path, env: &BTreeMap<String, String>) -> Vec<String> {
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    let is_folder = |folder: &&str| matches!(files::kind_followed(&cwd.join(folder)), Ok(Some(FileKind::Directory)));
    path.split(':').filter(|folder| !folder.is_empty() && !is_folder(folder)).map(String::from).collect()
}
