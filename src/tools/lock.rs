//! Terraform's lock on a state, as a command that found it taken prints it
//! (<https://developer.hashicorp.com/terraform/language/state/locking>).

/// Who holds a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateLock {
    /// What `terraform force-unlock` takes.
    pub id: String,
    /// `user@host`
    pub who: String,
    /// `OperationTypePlan`, `OperationTypeApply` …
    pub operation: String,
    /// When it was taken: `2026-11-24 16:50:11.123456 +0000 UTC`.
    pub created: String,
}

impl StateLock {
    /// Takes in a line of what a command printed.
    pub fn read_line(&mut self, line: &str) {
        let Some((name, value)) = line.trim_start_matches(['│', ' ']).split_once(':') else { return };
        let value = value.trim().to_string();
        match name {
            "ID" => self.id = value,
            "Who" => self.who = value,
            "Operation" => self.operation = value,
            "Created" => self.created = value,
            _ => {}
        }
    }

    /// Whether a lock was printed at all.
    pub fn is_taken(&self) -> bool {
        !self.id.is_empty() && !self.created.is_empty()
    }

    /// `plan`, `apply` …
    pub fn doing(&self) -> String {
        self.operation.trim_start_matches("OperationType").to_lowercase()
    }

    /// For people: who does what since when.
    pub fn holder(&self) -> String {
        format!("{} ({}) since {}", self.who, self.doing(), self.created)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_read_as_it_is_printed() {
        let printed = "
Error: Error acquiring the state lock

Error message: operation error S3: PutObject, https response error
StatusCode: 412, api error PreconditionFailed
Lock Info:
  ID:        9a1b8e2c-0000-1111-2222-333344445555
  Path:      states/pgherd/herd/network.tfstate
  Operation: OperationTypeApply
  Who:       root@herder
  Version:   1.11.4
  Created:   2026-11-24 16:50:11.123456 +0000 UTC
  Info:      
";
        let mut lock = StateLock::default();
        printed.lines().for_each(|line| lock.read_line(line));
        assert!(lock.is_taken());
        assert_eq!(lock.id, "9a1b8e2c-0000-1111-2222-333344445555");
        assert_eq!(lock.holder(), "root@herder (apply) since 2026-11-24 16:50:11.123456 +0000 UTC");
        let mut lock = StateLock::default();
        "Plan: 1 to add\n  + ID: 5".lines().for_each(|line| lock.read_line(line));
        assert!(!lock.is_taken());
    }
}
