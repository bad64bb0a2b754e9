//! What a plan would do to existing passwords, from `terraform show -json`
//! (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>).
//!
//! PostgreSQL keeps the password that it was initialised with, so no plan may put another one into Secrets Manager. `secrets.tf` ensures
//! that by the labels of versions. This checks every plan for it, whatever happened to the files and the state.

use serde_json::Value;

use super::plan::format::{PlanJson, ResourceChange};

/// The label of the version that readers get
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version>).
const CURRENT: &str = "AWSCURRENT";
const SECRET: &str = "aws_secretsmanager_secret";
const VERSION: &str = "aws_secretsmanager_secret_version";

/// What a plan does to secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passwords {
    /// The names of the secrets that it creates.
    pub made: Vec<String>,
    /// The addresses that would give an existing secret another password.
    pub overwritten: Vec<String>,
}

impl ResourceChange {
    fn is(&self, kind: &str) -> bool {
        self.mode != "data" && self.kind == kind
    }

    fn does(&self, action: &str) -> bool {
        self.change.actions.iter().any(|known| known == action)
    }

    /// Returns whether it is created and did not exist.
    fn is_made(&self) -> bool {
        self.change.actions == ["create"]
    }
}

/// Reads what a plan does to secrets.
///
/// # Errors
/// If the text is not a plan.
pub fn read(json: &str) -> Result<Passwords, String> {
    let plan = PlanJson::parse(json)?;
    let of = |kind: &'static str| plan.resource_changes.iter().filter(move |resource| resource.is(kind));
    let made: Vec<&ResourceChange> = of(SECRET).filter(|secret| secret.is_made()).collect();
    let name = |secret: &&ResourceChange| secret.change.after["name"].as_str().unwrap_or(&secret.address).to_string();
    let replaced = of(SECRET).filter(|secret| secret.does("create") && secret.does("delete"));
    let becomes_current = of(VERSION).filter(|version| {
        let is_new = made.iter().any(|secret| secret.index == version.index);
        let before = labels(&version.change.before).unwrap_or_default();
        match labels(&version.change.after) {
            _ if is_new => false,
            // Without labels Secrets Manager makes a new version the current one.
            None => version.does("create"),
            Some(labels) => labels.contains(&CURRENT) && (version.does("create") || !before.contains(&CURRENT)),
        }
    });
    // One that moves to another address is created again all the same.
    let deleted = of(SECRET).filter(|secret| secret.does("delete"));
    let renamed = deleted.filter(|old| {
        made.iter()
            .any(|new| !new.change.after["name"].is_null() && new.change.after["name"] == old.change.before["name"])
    });
    let overwritten = replaced.chain(renamed).chain(becomes_current).map(|resource| resource.address.clone()).collect();
    Ok(Passwords { made: made.iter().map(name).collect(), overwritten })
}

/// Returns the labels of a version; `None` if it has none, or they are not known yet.
fn labels(version: &Value) -> Option<Vec<&str>> {
    let labels: Vec<&str> = version["version_stages"].as_array()?.iter().filter_map(Value::as_str).collect();
    (!labels.is_empty()).then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(kind: &str, actions: &[&str], before: Value, after: Value) -> Value {
        json!({"address": format!("{kind}.password[\"herd/rewind\"]"), "mode": "managed", "type": kind, "index": "herd/rewind",
               "change": {"actions": actions, "before": before, "after": after}})
    }

    fn overwritten(changes: &[Value]) -> usize {
        read(&json!({ "resource_changes": changes }).to_string()).unwrap().overwritten.len()
    }

    #[test]
    fn only_a_version_that_becomes_current_overwrites_a_password() {
        let initial = || json!({"version_stages": ["pgherd-initial"]});
        let current = || json!({"version_stages": ["AWSCURRENT"]});
        let none = || json!({});
        for again in [&["create"][..], &["delete", "create"], &["create", "delete"]] {
            assert_eq!(overwritten(&[change(VERSION, again, none(), initial())]), 0);
            assert_eq!(overwritten(&[change(VERSION, again, none(), current())]), 1);
            // Unknown before it is made: Secrets Manager's default is the current one.
            assert_eq!(overwritten(&[change(VERSION, again, none(), none())]), 1);
        }
        assert_eq!(overwritten(&[change(VERSION, &["update"], initial(), current())]), 1);
        assert_eq!(overwritten(&[change(VERSION, &["update"], current(), current())]), 0);
        assert_eq!(overwritten(&[change(VERSION, &["no-op"], current(), current())]), 0);
        assert_eq!(overwritten(&[change(VERSION, &["delete"], current(), Value::Null)]), 0);
    }

    #[test]
    fn a_new_secret_gets_its_first_password_and_one_that_is_replaced_loses_its_own() {
        let secret = |actions: &[&str]| change(SECRET, actions, json!({}), json!({"name": "herd/rewind"}));
        let version = change(VERSION, &["create"], json!(null), json!({"version_stages": ["AWSCURRENT"]}));
        let plan = json!({ "resource_changes": [secret(&["create"]), version] }).to_string();
        assert_eq!(read(&plan).unwrap(), Passwords { made: vec!["herd/rewind".into()], overwritten: vec![] });
        assert_eq!(overwritten(&[secret(&["delete", "create"])]), 1);
        assert_eq!(overwritten(&[secret(&["update"]), version.clone()]), 1, "imported, and its version made anew");
        let old = change(SECRET, &["delete"], json!({"name": "herd/rewind"}), json!(null));
        assert_eq!(overwritten(&[old.clone(), secret(&["create"])]), 1, "made anew at another address");
        assert_eq!(overwritten(&[old]), 0, "gone for good, as a user that the blueprint no longer has");
        assert!(read("no plan").is_err());
    }
}
