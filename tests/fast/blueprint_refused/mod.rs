//! Blueprints that must be refused, each with the code, the line, the column and part of the message
//! of its only diagnostic.

mod accept;
mod expressions;
mod founding;
mod machines;
mod names;
mod network;
mod partitions;
mod postgres;
mod shape;
mod syntax;
mod vpc;

use pgherd::blueprint::{self, rules};

/// A blueprint with one mistake.
pub struct Case {
    code: &'static str,
    text: String,
    line: usize,
    column: usize,
    /// Part of the problem or of the help.
    says: String,
}

/// A whole file.
fn file(code: &'static str, line: usize, column: usize, text: &str, says: &str) -> Case {
    Case { code, text: text.into(), line, column, says: says.into() }
}

/// Text inside an otherwise valid cluster. Lines are counted from the text's first.
fn inside(code: &'static str, line: usize, column: usize, text: &str, says: &str) -> Case {
    file(code, line + 2, column, &format!("cluster \"herd\" {{\nregion = \"eu-west-1\"\n{text}\n}}\n"), says)
}

fn hold(cases: Vec<Case>) {
    let mut wrong = vec![];
    for Case { code, text, line, column, says } in cases {
        let found = blueprint::parse("blueprints/bad.hcl", &text).err().unwrap_or_default();
        let fits = |d: &blueprint::Diagnostic| {
            (d.code, d.line, d.column) == (code, line, column) && (d.problem.contains(&says) || d.help.contains(&says))
        };
        if found.len() != 1 || !fits(&found[0]) {
            let shown: String = found.iter().map(|d| format!("{d}\n")).collect();
            wrong.push(format!("expected {code} at {line}:{column} {says:?} of\n{text}\nbut got\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n----\n"));
}

#[test]
fn syntax() {
    hold(syntax::cases());
}

#[test]
fn shape() {
    hold(shape::cases());
}

#[test]
fn expressions() {
    hold(expressions::cases());
}

#[test]
fn accept() {
    hold(accept::cases());
}

#[test]
fn names() {
    hold(names::cases());
}

#[test]
fn network() {
    hold(network::cases());
}

#[test]
fn vpc() {
    hold(vpc::cases());
}

#[test]
fn partitions() {
    hold(partitions::cases());
}

#[test]
fn machines() {
    hold(machines::cases());
}

#[test]
fn postgres() {
    hold(postgres::cases());
}

#[test]
fn founding() {
    hold(founding::cases());
}

/// Every code that a blueprint's text alone can cause is in the table, and has a story.
#[test]
fn every_code_has_its_case() {
    let tables = [
        syntax::cases(),
        shape::cases(),
        expressions::cases(),
        accept::cases(),
        names::cases(),
        network::cases(),
        vpc::cases(),
        machines::cases(),
        partitions::cases(),
        postgres::cases(),
        founding::cases(),
    ];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    assert!(cases.len() >= 300, "{}", cases.len());
    for (rule, story) in rules::language::ALL {
        assert!(cases.iter().any(|case| case.code == rule.code), "{} ({}) has no case", rule.code, rule.title);
        assert!(story.len() > 40 && !rule.acceptable, "{}", rule.code);
    }
}
