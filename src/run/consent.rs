//! Whether a plan that destroys something may be done.

/// An answer to a plan that destroys something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Do it.
    Yes,
    /// Do not.
    No,
    /// Nobody was asked, and the data of these machines would go.
    Unconfirmed(Vec<String>),
}

/// What is wrong where nobody confirmed it.
pub fn goes(names: &[String]) -> String {
    format!("this would destroy the data of {}", names.join(" and "))
}

/// How it is confirmed.
pub fn confirm(names: &[String]) -> String {
    let confirm: Vec<String> = names.iter().map(|name| format!("--confirm {name}")).collect();
    format!("look at the plan with --plan-only; if that is meant, add {}", confirm.join(" "))
}
