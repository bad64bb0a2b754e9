//! The environment that tools are started with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::events::Event;
use crate::system::Context;

/// The names that the seed's users export, and what the tools read.
const SEED_NAMES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID"), ("AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY")];
/// Variables whose values must not be seen.
const SECRETS: [&str; 7] = [
    "TF_VAR_secret_key",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "PGPASSWORD",
    "GITHUB_TOKEN",
];

/// The user's own environment; the seed's names stand in where the AWS chain's are absent.
pub fn of_tools(context: &Context) -> BTreeMap<String, String> {
    let mut env = context.env.clone();
    if uses_seed_names(context) {
        for (from, to) in SEED_NAMES {
            env.extend(context.var(from).map(|value| (to.to_string(), value.to_string())));
        }
    }
    env
}

/// Whether the credentials come by the seed's names.
pub fn uses_seed_names(context: &Context) -> bool {
    let chain = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"].iter().any(|name| context.var(name).is_some());
    !chain && SEED_NAMES.iter().all(|(from, _)| context.var(from).is_some())
}

/// Blots secrets out of text that is printed or kept.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Knows the secrets of an environment.
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        // A value this short is no secret, and would blot out half of everything.
        let secret = |name: &str| env.get(name).filter(|value| value.len() >= 8).cloned();
        Redactor { secrets: SECRETS.iter().filter_map(|name| secret(name)).collect() }
    }

    /// The event without them.
    pub fn event(&self, event: Event) -> Event {
        if self.secrets.is_empty() || matches!(event, Event::Output { .. }) {
            // A tool's keeper has taken them out already.
            return event;
        }
        let redacted = serde_json::to_value(&event).and_then(|value| serde_json::from_value(self.value(value)));
        redacted.unwrap_or(Event::Notice { stage: String::new(), text: "[secret]".into() })
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Array(all) => all.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(all) => all.into_iter().map(|(name, value)| (name, self.value(value))).collect(),
            other => other,
        }
    }

    /// The text without them.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_string(), |text, secret| text.replace(secret, "[secret]"))
    }
}
