//! Checks environment variables that contain paths. If one is wrong, the tools fail with misleading errors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::system::files::{self, FileKind};

/// A variable that contains a path.
struct Pointer {
    name: &'static str,
    folder: bool,
    /// What the path is for.
    what: &'static str,
    /// Whether the tools fail if the path is wrong. If not, they silently ignore it.
    needed: bool,
}

/// The variable for the folder that every tool writes to.
const TEMPORARY: &str = "TMPDIR";

const fn pointer(name: &'static str, folder: bool, what: &'static str, needed: bool) -> Pointer {
    Pointer { name, folder, what, needed }
}

/// The variables of the tools and of the libraries that they use.
const POINTERS: [Pointer; 18] = [
    pointer("HOME", true, "each tool's own settings and credentials", false),
    pointer(TEMPORARY, true, "temporary files", true),
    pointer("XDG_CONFIG_HOME", true, "Packer's settings", false),
    pointer("AWS_CONFIG_FILE", false, "profiles and their regions", false),
    pointer("AWS_SHARED_CREDENTIALS_FILE", false, "credentials", false),
    pointer("AWS_WEB_IDENTITY_TOKEN_FILE", false, "a token for credentials", true),
    pointer("AWS_CA_BUNDLE", false, "trusted certificates for AWS", true),
    pointer("SSL_CERT_FILE", false, "trusted certificates", true),
    pointer("SSL_CERT_DIR", true, "trusted certificates", true),
    pointer("REQUESTS_CA_BUNDLE", false, "trusted certificates", true),
    pointer("CURL_CA_BUNDLE", false, "trusted certificates", true),
    pointer("TF_CLI_CONFIG_FILE", false, "Terraform's settings", false),
    pointer("TF_PLUGIN_CACHE_DIR", true, "Terraform's provider cache", true),
    pointer("PACKER_CONFIG", false, "Packer's settings", true),
    pointer("PACKER_CONFIG_DIR", true, "Packer's settings", false),
    pointer("PACKER_PLUGIN_PATH", true, "Packer's plugins", true),
    pointer("PACKER_CACHE_DIR", true, "Packer's cache", false),
    pointer("XDG_CACHE_HOME", true, "the tools' caches", false),
];

/// A variable whose path is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPointer {
    /// Its name.
    pub name: &'static str,
    /// Its value, what is wrong with it, and what the path is for.
    pub story: String,
    /// Whether the tools fail because of it.
    pub needed: bool,
}

/// Finds variables whose path does not exist, is a file instead of a folder or the reverse, or, for temporary files, is a folder that
/// cannot be written to. `cwd` is where the tools are started.
pub fn broken(cwd: &Path, env: &BTreeMap<String, String>) -> Vec<BrokenPointer> {
    let set = |pointer: &'static Pointer| Some((pointer, env.get(pointer.name).filter(|value| !value.is_empty())?));
    let mut found = vec![];
    for (pointer, value) in POINTERS.iter().filter_map(set) {
        let kind = if pointer.folder { "folder" } else { "file" };
        let why = match files::kind_followed(&cwd.join(value)) {
            Ok(Some(FileKind::Directory)) if pointer.name == TEMPORARY => match files::takes_files(&cwd.join(value)) {
                Ok(()) => continue,
                Err(e) => format!("but that folder cannot be written to: {e}"),
            },
            Ok(Some(FileKind::Directory)) if pointer.folder => continue,
            Ok(Some(FileKind::Directory)) => "which is a folder; a file is needed".to_string(),
            Ok(Some(_)) if !pointer.folder => continue,
            Ok(Some(_)) => "which is a file; a folder is needed".into(),
            Ok(None) => format!("but there is no such {kind}"),
            Err(e) => format!("which cannot be read: {e}"),
        };
        let story = format!("is {value}, {why} ({})", pointer.what);
        found.push(BrokenPointer { name: pointer.name, story, needed: pointer.needed });
    }
    found
}

/// Returns the entries of `PATH` that are not folders. A program may have been expected there.
pub fn missing_in_path(cwd: &Path, env: &BTreeMap<String, String>) -> Vec<String> {
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    let is_folder = |folder: &&str| matches!(files::kind_followed(&cwd.join(folder)), Ok(Some(FileKind::Directory)));
    path.split(':').filter(|folder| !folder.is_empty() && !is_folder(folder)).map(String::from).collect()
}
