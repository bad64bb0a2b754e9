//! Resolves names: variables, names bound by a `for`, and elements of their values.

use std::ops::Range;

use hcl_edit::Number;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::super::diagnostic::{Refusal, refuse};
use super::super::nearest::nearest;
use super::super::span::span;
use super::super::value::{Data, Evaluated};
use super::{Evaluation, Evaluator, ForScope, Reported, function};
use crate::blueprint::rules::language as is;

impl Evaluator<'_> {
    pub(super) fn word(&self, at: &Range<usize>, word: &str, scope: &ForScope) -> Evaluation {
        if let Some(value) = scope.find(word) {
            self.spend(at, value.weight())?;
            return Ok(value.moved(at));
        }
        let help = match word {
            "var" => "write the variable's name after it: `var.name`".to_string(),
            _ if self.variables.contains_key(word) => format!("write `var.{word}`"),
            _ => format!("if it is text, write \"{word}\""),
        };
        self.report(&is::BARE_WORD, at, format!("`{word}` without quotes is not a value"), help)
    }

    pub(super) fn traversal(&self, at: &Range<usize>, traversal: &Traversal, scope: &ForScope) -> Evaluation {
        let mut operators = traversal.operators.iter();
        let root = match &traversal.expr {
            Expression::Variable(root) if scope.find(root).is_none() => root.as_str(),
            _ => "",
        };
        let start = match root {
            "" => self.evaluate(&traversal.expr, scope)?,
            "var" => {
                let Some(TraversalOperator::GetAttr(name)) = operators.next().map(|operator| operator.value()) else {
                    return self.report(
                        &is::REFERENCE,
                        at,
                        "`var` alone is not a value",
                        "write the variable's name after it: `var.name`",
                    );
                };
                self.variable(at, name, &span(name))?
            }
            _ => {
                return self.settle(&span(&traversal.expr), foreign(root));
            }
        };
        let mut value = start;
        for operator in operators {
            let step_at = match operator.value() {
                TraversalOperator::GetAttr(name) => span(name),
                TraversalOperator::Index(index) => span(index),
                _ => span(operator),
            };
            let found = match operator.value() {
                TraversalOperator::GetAttr(name) => step(&value.data, &Data::Text(name.to_string())),
                TraversalOperator::Index(index) => step(&value.data, &self.evaluate(index, scope)?.data),
                TraversalOperator::LegacyIndex(index) => step(&value.data, &Data::Number(Number::from(*index.value()))),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    refuse(&is::UNSUPPORTED, "a splat is not supported", "write [for item in list : item.name]")
                }
            };
            value = self.settle(&step_at, found)?.moved(at);
        }
        Ok(Evaluated { at: at.clone(), ..value })
    }

    fn variable(&self, at: &Range<usize>, name: &str, name_at: &Range<usize>) -> Evaluation {
        let Some(value) = self.variables.get(name) else {
            if self.of_default {
                let problem = format!("a variable's declaration cannot refer to `var.{name}`");
                return self.report(
                    &is::REFERENCE,
                    name_at,
                    problem,
                    "write the value itself, or compute it inside the cluster block",
                );
            }
            let help = match nearest(name, self.variables.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `var.{meant}`?"),
                None => format!("declare it outside the cluster block: variable \"{name}\" {{ default = … }}"),
            };
            return self.report(&is::REFERENCE, name_at, format!("there is no variable `{name}`"), help);
        };
        // The problem was reported at the variable's declaration.
        if value.is_refused() {
            return Err(Reported);
        }
        self.spend(at, value.weight())?;
        Ok(value.moved(at))
    }
}

/// Evaluates `value[index]` or `value.name`.
fn step(value: &Data, index: &Data) -> Result<Evaluated, Refusal> {
    match (value, index) {
        (Data::List(items), Data::Number(number)) => {
            let found = number.as_u64().and_then(|i| usize::try_from(i).ok()).and_then(|i| items.get(i));
            match (found, items.len()) {
                (Some(item), _) => Ok(item.clone()),
                (None, 0) => refuse(&is::NO_PART, "the list is empty", "add an item to the list, or remove the index"),
                (None, n) => refuse(
                    &is::NO_PART,
                    format!("the list has no item {number}"),
                    format!("use an index from 0 to {}", n - 1),
                ),
            }
        }
        (Data::Map(entries), Data::Text(name)) => match entries.iter().find(|entry| entry.key == *name) {
            Some(entry) => Ok(entry.value.clone()),
            None => {
                let known = || entries.iter().map(|entry| entry.key.as_str());
                let help = match nearest(name, known()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the map's keys are {}", known().collect::<Vec<_>>().join(", ")),
                };
                refuse(&is::NO_PART, format!("the map has no key `{name}`"), help)
            }
        },
        (Data::List(_), _) => refuse(
            &is::NO_PART,
            format!("the index of a list must be a number, not {}", index.name()),
            "use a number, starting at 0",
        ),
        (Data::Map(_), _) => refuse(
            &is::NO_PART,
            format!("the key of a map must be text, not {}", index.name()),
            "write the key in double quotes",
        ),
        (other, _) => refuse(
            &is::NO_PART,
            format!("{} cannot be indexed", other.name()),
            "remove the index; only lists and maps have elements",
        ),
    }
}

/// Refuses a name that is not defined, such as one of Terraform's.
fn foreign<T>(root: &str) -> Result<T, Refusal> {
    let (rule, problem, help) = match root {
        "local" => (
            &is::REFERENCE,
            "blueprints do not support locals".to_string(),
            "declare a variable with a default, and refer to it as `var.name`".to_string(),
        ),
        "env" | "ENV" => return function::environment(),
        "data" | "module" | "path" | "terraform" | "each" | "self" | "count" => (
            &is::NOT_PURE,
            format!("`{root}` exists only in Terraform, and a blueprint is read before anything is created"),
            "write the value itself, or declare a variable and pass the value with --var".to_string(),
        ),
        _ => (
            &is::REFERENCE,
            format!("`{root}` is not defined"),
            "use `var.<name>`, or a name that an enclosing `for` binds".to_string(),
        ),
    };
    refuse(rule, problem, help)
}
