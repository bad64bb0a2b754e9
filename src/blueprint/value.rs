//! What an expression holds, if it is what was asked for.

use std::fmt::Display;
use std::ops::RangeInclusive;

use hcl_edit::expr::Expression;

use super::diagnostic::{Refusal, refuse};

/// The text of an expression that is one.
pub(super) fn text(expr: &Expression) -> Result<&str, Refusal> {
    match expr {
        Expression::String(text) => Ok(text.value()),
        Expression::Number(number) => mismatch(expr, "text", &format!("write it in quotes: \"{}\"", number.value())),
        Expression::Bool(value) => mismatch(expr, "text", &format!("write it in quotes: \"{}\"", value.value())),
        other => mismatch(other, "text", "write text in double quotes"),
    }
}

/// A whole number within bounds.
pub(super) fn whole_number(expr: &Expression, bounds: &RangeInclusive<u32>, unit: &str) -> Result<u32, Refusal> {
    let (low, high) = (bounds.start(), bounds.end());
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let help = format!("write a whole number from {low} to {high}");
    match expr {
        Expression::Number(number) if number.value().is_f64() => {
            refuse(format!("{} is no whole number", number.value()), help)
        }
        Expression::Number(number) => match number.value().as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n) if bounds.contains(&n) => Ok(n),
            _ => refuse(format!("{} is not within {low} to {high}{unit}", number.value()), help),
        },
        Expression::String(text) if text.parse::<u32>().is_ok() => {
            mismatch(expr, "a whole number", &format!("write {} without quotes", text.value()))
        }
        other => mismatch(other, "a whole number", &help),
    }
}

/// Refuses an expression of another type than the one expected.
pub(super) fn mismatch<T>(expr: &Expression, expected: impl Display, help: &str) -> Result<T, Refusal> {
    let found = match expr {
        Expression::Null(_) => return refuse("null is no value here", "leave the line out for the default"),
        Expression::Variable(word) => {
            let word = word.as_str();
            let help = if help.contains("quotes") && !help.contains("without") {
                format!("write \"{word}\"")
            } else {
                help.into()
            };
            return refuse(format!("the bare word `{word}` is no value"), help);
        }
        Expression::Bool(_) => "true or false",
        Expression::Number(_) => "a number",
        Expression::String(_) => "text",
        Expression::Array(_) => "a list",
        Expression::Object(_) => "a map",
        Expression::HeredocTemplate(_) => "a heredoc",
        Expression::StringTemplate(_) => {
            return refuse("a template is not evaluated here", "write the text out; a literal `${` is written `$${`");
        }
        _ => return refuse("an expression is not evaluated here", "write the value out"),
    };
    refuse(format!("expected {expected}, not {found}"), help)
}
