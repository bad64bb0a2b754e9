//! `accept`

use super::{Case, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    const WHY: &str = "reason = \"one zone is all there is\"";
    vec![
        inside("PGH106", 1, 1, &format!("accept {{\n  {WHY}\n}}"), "write `accept \"PGH003\" { … }`"),
        inside(
            "PGH162",
            1,
            8,
            &format!("accept \"PGH999\" {{\n  {WHY}\n}}"),
            "the rules that can be accepted are PGH001, PGH002",
        ),
        inside("PGH162", 1, 8, &format!("accept \"pgh001\" {{\n  {WHY}\n}}"), "write \"PGH001\""),
        inside("PGH162", 1, 8, &format!("accept \"PGH021\" {{\n  {WHY}\n}}"), "cannot be accepted"),
        inside("PGH109", 1, 1, "accept \"PGH001\" {\n}", "`accept.reason` is missing"),
        inside("PGH162", 2, 12, "accept \"PGH001\" {\n  reason = \"  \"\n}", "the reason must be one line of text"),
        inside(
            "PGH107",
            3,
            3,
            &format!("accept \"PGH001\" {{\n  {WHY}\n  until = 2030\n}}"),
            "`accept.until` is unknown",
        ),
        inside(
            "PGH162",
            4,
            8,
            &format!("accept \"PGH001\" {{\n  {WHY}\n}}\naccept \"PGH001\" {{\n  {WHY}\n}}"),
            "PGH001 is accepted twice",
        ),
    ]
}
