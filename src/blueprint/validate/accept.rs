//! Reads `accept "<code>" { reason = "…" }` blocks.

use std::collections::BTreeMap;

use super::{BlockReader, Refusal, doc, is, refuse};
use crate::blueprint::rules::{self, Rule};

/// Reads the accepted rules. Returns the reason for each rule's code.
pub fn read(r: &BlockReader) -> BTreeMap<&'static str, String> {
    let mut accepted = BTreeMap::new();
    let doc_accept = doc(
        "accept",
        "A rule that this cluster violates on purpose; the label is its code. `pgherd explain <code>` describes it.",
    );
    r.labelled(doc_accept, "code", "PGH003", |r, code, at| {
        let reason_doc =
            doc("reason", "Why the violation is right for this cluster, in one line. The next reader will ask.");
        let reason = r.required(reason_doc, "why this is right for this cluster", reason).value;
        match acceptable(code) {
            Ok(rule) if accepted.contains_key(rule.code) => {
                let problem = format!("{code} is accepted twice");
                r.source.report(&is::ACCEPT, &at, problem, "merge the two blocks into one, with both reasons");
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
            None => format!("the rules that can be accepted are {}", known().collect::<Vec<_>>().join(", ")),
        };
        return refuse(&is::ACCEPT, format!("`{code}` is not the code of a rule"), help);
    };
    if !rule.acceptable {
        let help = format!("change what violates the rule; `pgherd explain {code}` describes it");
        return refuse(&is::ACCEPT, format!("{code} ({}) cannot be accepted", rule.title), help);
    }
    Ok(rule)
}

fn reason(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return refuse(
            &is::ACCEPT,
            "the reason must be one line of text, and must not be empty",
            "write why the violation is right for this cluster",
        );
    }
    Ok(text.trim().to_string())
}
