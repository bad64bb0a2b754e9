//! `accept "<code>" { reason = "…" }`

use std::collections::BTreeMap;

use super::{BlockReader, Refusal, refuse};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::rules::language as is;
use crate::blueprint::rules::{self, Rule};

/// Codes of rules, each with the reason why the blueprint may break it.
pub fn read(r: &BlockReader) -> BTreeMap<&'static str, String> {
    let mut accepted = BTreeMap::new();
    let attributes = [("reason", Form::of(Holds::Text).required())];
    r.labelled("accept", "PGH003", &attributes, |r, code, at| {
        let reason = r.required("reason", "what makes it right here", reason).value;
        match acceptable(code) {
            Ok(rule) if accepted.contains_key(rule.code) => {
                let problem = format!("{code} is accepted already");
                r.source.report(&is::ACCEPT, &at, problem, "keep one of the two, with both reasons");
            }
            Ok(rule) => drop(accepted.insert(rule.code, reason)),
            Err(refusal) => r.source.refused(&at, refusal),
        }
    });
    accepted
}

fn acceptable(code: &str) -> Result<&'static Rule, Refusal> {
    let Some(rule) = rules::find(code) else {
        let known = || rules::ALL.iter().filter(|rule| rule.acceptable).map(|rule| rule.code);
        let help = match known().find(|known| known.eq_ignore_ascii_case(code)) {
            Some(meant) => format!("write \"{meant}\""),
            None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
        };
        return refuse(&is::ACCEPT, format!("`{code}` is no rule's code"), help);
    };
    if !rule.acceptable {
        let help = format!("change what breaks it; `pgherd explain {code}` tells why");
        return refuse(&is::ACCEPT, format!("{code} ({}) cannot be accepted", rule.title), help);
    }
    Ok(rule)
}

fn reason(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return refuse(
            &is::ACCEPT,
            "a reason is one line of words",
            "say what makes it right here: the next reader asks",
        );
    }
    Ok(text.trim().to_string())
}
