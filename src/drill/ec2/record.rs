//! The record of machines that a drill stops, on the disk from before they stop until they run again.
//!
//! A drill that is killed leaves it. Whoever finds it knows what has to be started.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::system::files;

/// A machine that a drill stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedMachine {
    /// Its name.
    pub name: String,
    /// The instance's id.
    pub id: String,
}

/// The record in a cluster's private folder.
#[derive(Debug, Clone)]
pub struct StopRecord {
    path: PathBuf,
}

impl StopRecord {
    /// Returns the record in the private folder.
    pub fn new(private: &Path) -> Self {
        StopRecord { path: private.join("drill.json") }
    }

    /// Returns the machines on record; none if there is no record.
    ///
    /// # Errors
    /// If it cannot be read. Nothing may be concluded from that.
    pub fn read(&self) -> Result<Vec<StoppedMachine>> {
        let Some(text) = files::read_text(&self.path)? else { return Ok(vec![]) };
        let damaged =
            || format!("{} is damaged: start the cluster's stopped instances, then remove it", self.path.display());
        serde_json::from_str(&text).with_context(damaged)
    }

    /// Replaces the record. When this returns, it is on the disk.
    pub fn write(&self, machines: &[StoppedMachine]) -> Result<()> {
        let text = serde_json::to_string_pretty(machines)? + "\n";
        let dir = self.path.parent().unwrap_or(&self.path);
        files::replace(&self.path, &self.path.with_extension("new"), text.as_bytes(), 0o600)
            .and_then(|()| files::sync(dir))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Removes the record: everything runs again.
    pub fn clear(&self) -> Result<()> {
        files::remove(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }
}

/// Returns the names of machines with the ids of their instances.
pub fn names(machines: &[StoppedMachine]) -> String {
    let names: Vec<String> = machines.iter().map(|machine| format!("{} ({})", machine.name, machine.id)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_not_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let record = StopRecord::new(dir.path());
        assert_eq!(record.read().unwrap(), []);
        let machines = [StoppedMachine { name: "master".into(), id: "i-1".into() }];
        record.write(&machines).unwrap();
        assert_eq!(record.read().unwrap(), machines);
        record.clear().unwrap();
        record.clear().unwrap();
        assert_eq!(record.read().unwrap(), []);
        files::write(&dir.path().join("drill.json"), b"[{\"name\": \"mas").unwrap();
        assert!(format!("{:#}", record.read().unwrap_err()).contains("is damaged"));
    }
}
