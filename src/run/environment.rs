//! Builds the environment that tools run in, and redacts its secrets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::events::Event;
use crate::system::Context;
use crate::tools::environment::Sorted;

/// The names that users of the original scripts export, and the names that the tools read.
const SEED_NAMES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID"), ("AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY")];
/// A variable with one of these words in its name holds a secret: `AWS_SECRET_ACCESS_KEY`, `TF_VAR_secret_key`, `PGPASSWORD` …
const SECRET: [&str; 5] = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "PRIVATE_KEY"];
/// A variable with one of these suffixes only says where a secret is.
const NO_SECRET: [&str; 3] = ["_FILE", "_PATH", "_URL"];

/// Returns the user's environment without variables that change what the tools do. If the AWS credential variables are not set, the
/// original scripts' names replace them.
pub fn of_tools(context: &Context) -> Sorted {
    let mut sorted = Sorted::of(&context.env);
    if uses_seed_names(context) {
        for (from, to) in SEED_NAMES {
            sorted.passed.extend(context.var(from).map(|value| (to.to_string(), value.to_string())));
        }
    }
    sorted
}

/// Returns whether the credentials are set by the original scripts' names.
pub fn uses_seed_names(context: &Context) -> bool {
    let chain = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"].iter().any(|name| context.var(name).is_some());
    !chain && SEED_NAMES.iter().all(|(from, _)| context.var(from).is_some())
}

/// Removes secrets from text that is printed or kept.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Makes a redactor for the secrets of an environment.
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        let hides = |name: &str| {
            let name = name.to_uppercase();
            SECRET.iter().any(|word| name.contains(word)) && !NO_SECRET.iter().any(|end| name.ends_with(end))
        };
        let values = env.iter().filter(|(name, _)| hides(name)).map(|(_, value)| value.as_str());
        // A private key has several lines, and the tools' output is redacted line by line.
        let parts = values.flat_map(|value| value.lines().chain([value]));
        // A value this short is no secret, and would black out half of everything.
        let mut secrets: Vec<String> = parts.filter(|part| part.len() >= 8).flat_map(forms).collect();
        // A secret that contains another is replaced first.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        secrets.dedup();
        Redactor { secrets }
    }

    /// Returns the event without secrets.
    pub fn event(&self, event: Event) -> Event {
        if self.secrets.is_empty() || matches!(event, Event::Output { .. }) {
            // The tool's keeper has already redacted its output.
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

    /// Returns the text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_string(), |text, secret| text.replace(secret, "[secret]"))
    }
}

/// Returns a text as it is, and as it appears in JSON, in a URL and in a word quoted for the shell. Tools print their input in all of
/// these forms.
fn forms(text: &str) -> [String; 4] {
    let json = Value::from(text).to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded =
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    [text.into(), json.trim_matches('"').into(), encoded, text.replace('\'', r"'\''")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(env: &[(&str, &str)]) -> Redactor {
        Redactor::of(&env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let redactor = redactor(&[("AWS_SECRET_ACCESS_KEY", r#"a/b+c"d\e'fgh"#), ("HOME", "/home/someone")]);
        for text in [r#"a/b+c"d\e'fgh"#, r#"a/b+c\"d\\e'fgh"#, "a%2Fb%2Bc%22d%5Ce%27fgh", r#"a/b+c"d\e'\''fgh"#] {
            assert_eq!(redactor.redact(&format!("<{text}>")), "<[secret]>");
        }
        assert_eq!(redactor.redact("/home/someone"), "/home/someone");
    }

    #[test]
    fn a_secret_of_several_lines_is_found_in_each() {
        let redactor = redactor(&[("TF_VAR_private_key", "-----BEGIN KEY-----\nMIIBVQIBADANBg\nkqhkiG\n")]);
        assert_eq!(redactor.redact("MIIBVQIBADANBg"), "[secret]");
        assert_eq!(redactor.redact("kqhkiG"), "kqhkiG", "a line as short as a word");
    }

    #[test]
    fn secrets_are_recognised_by_the_variables_name() {
        let redactor = redactor(&[
            ("PGPASSWORD", "longenough"),
            ("TF_VAR_secret_key", "longenough and more"),
            ("GITHUB_TOKEN", "short"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
        ]);
        assert_eq!(redactor.redact("longenough and more, longenough"), "[secret], [secret]");
        assert_eq!(redactor.redact("short /var/run/token"), "short /var/run/token");
    }

    #[test]
    fn an_event_loses_its_secrets_and_nothing_else() {
        let redactor = redactor(&[("PGPASSWORD", "thesecret")]);
        let waiting = |text: &str| Event::Waiting { stage: "verify".into(), text: text.into() };
        assert_eq!(redactor.event(waiting("for thesecret")), waiting("for [secret]"));
    }
}
