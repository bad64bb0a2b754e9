//! Says in a stage's log what a plan changes of a resource. `terraform plan -json` leaves that out, and a person who looks into the log
//! wants it.

use serde_json::Value;

use super::PlanAction;
use super::format::{ResourceChange, marks};

/// Characters of a value that are shown.
const LONGEST: usize = 120;

/// Returns a line for each attribute that another value takes the place of: `~ aws_instance.master: instance_type "a" -> "b"`. What
/// Terraform marks as sensitive is not shown.
pub fn of(doing: PlanAction, resource: &ResourceChange) -> Vec<String> {
    let change = &resource.change;
    let (Value::Object(before), Value::Object(after)) = (&change.before, &change.after) else { return vec![] };
    let hidden = |name: &str| [&change.before_sensitive, &change.after_sensitive].iter().any(|mask| marks(&mask[name]));
    let line = |name: &String| {
        let unknown = marks(&change.after_unknown[name]);
        let (old, new) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if old == new && !unknown {
            return None;
        }
        let (old, new) = match (hidden(name), unknown) {
            (true, _) => ("(sensitive)".to_string(), "(sensitive)".to_string()),
            (false, true) => (shown(old), "(known after apply)".to_string()),
            (false, false) => (shown(old), shown(new)),
        };
        Some(format!("{} {}: {name} {old} -> {new}", doing.sign(), resource.address))
    };
    let unknown = change.after_unknown.as_object().into_iter().flat_map(|all| all.keys());
    let mut names: Vec<&String> = before.keys().chain(after.keys()).chain(unknown).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(line).collect()
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changes_is_shown_and_what_is_sensitive_is_not() {
        let resource: ResourceChange = serde_json::from_value(json!({
            "address": "aws_instance.master", "mode": "managed", "type": "aws_instance",
            "change": {"actions": ["update"],
                "before": {"instance_type": "a", "password": "old", "public_ip": "192.0.2.1", "tags": {}},
                "after": {"instance_type": "b", "password": "new", "tags": {}},
                "after_unknown": {"public_ip": true}, "before_sensitive": {}, "after_sensitive": {"password": true}}
        }))
        .expect("a change");
        assert_eq!(
            of(PlanAction::Update, &resource),
            [
                "~ aws_instance.master: instance_type \"a\" -> \"b\"",
                "~ aws_instance.master: password (sensitive) -> (sensitive)",
                "~ aws_instance.master: public_ip \"192.0.2.1\" -> (known after apply)",
            ]
        );
    }
}
