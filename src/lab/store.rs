//! Reads and writes the lab's records: one JSON file each, replaced as a whole.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::system::files;

/// Writes a record. A reader sees either the old one or the new one.
pub fn save(path: &Path, record: &impl Serialize) -> Result<()> {
    if let Some(dir) = path.parent() {
        files::make_dirs(dir)?;
    }
    let text = serde_json::to_string_pretty(record)?;
    files::replace(path, &path.with_extension("new"), text.as_bytes(), 0o600)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a record. Returns `None` if there is none.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = files::read_text(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
}
