//! Terraform's lock on a state: a JSON object beside the state, in a file or in the bucket
//! (<https://developer.hashicorp.com/terraform/language/state/locking>). It is read from there, not from what a command prints about it.

use serde::Deserialize;

/// The lock of a state that is a file, in the module's folder.
pub const LOCAL: &str = ".terraform.tfstate.lock.info";
/// What a lock in a bucket has in its key behind the state's
/// (<https://developer.hashicorp.com/terraform/language/backend/s3#state-locking>).
pub const SUFFIX: &str = ".tflock";

/// Who holds a state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateLock {
    /// What `terraform force-unlock` takes.
    #[serde(rename = "ID")]
    pub id: String,
    /// `user@host`
    pub who: String,
    /// `OperationTypePlan`, `OperationTypeApply` …
    pub operation: String,
    /// When it was taken, in UTC: `2026-11-24T16:50:11.123456Z`.
    pub created: String,
}

impl StateLock {
    /// Reads a lock.
    ///
    /// # Errors
    /// If the text is not a lock, or does not say who holds it since when.
    pub fn read(json: &str) -> Result<Self, String> {
        let lock: StateLock = serde_json::from_str(json).map_err(|e| format!("unexpected format of a lock: {e}"))?;
        match [&lock.id, &lock.who, &lock.created].iter().any(|value| value.is_empty()) {
            true => Err("the lock does not record who holds it, or since when".into()),
            false => Ok(lock),
        }
    }

    /// Returns what the holder does: `plan`, `apply` …
    pub fn doing(&self) -> String {
        self.operation.trim_start_matches("OperationType").to_lowercase()
    }

    /// Returns who does what since when, for people.
    pub fn holder(&self) -> String {
        format!("{} ({}) since {}", self.who, self.doing(), self.created)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_says_who_holds_it() {
        let json = r#"{"ID":"9a1b8e2c-0000-1111-2222-333344445555","Operation":"OperationTypeApply","Info":"","Who":"root@herder",
            "Version":"1.11.4","Created":"2026-11-24T16:50:11.123456Z","Path":"states/pgherd/herd/network.tfstate"}"#;
        let lock = StateLock::read(json).unwrap();
        assert_eq!(lock.id, "9a1b8e2c-0000-1111-2222-333344445555");
        assert_eq!(lock.holder(), "root@herder (apply) since 2026-11-24T16:50:11.123456Z");
        for unclear in ["", "torn", "{}", &json.replace("root@herder", ""), &json.replace("Created", "Made")] {
            assert!(StateLock::read(unclear).is_err(), "{unclear}");
        }
    }
}
