//! Evaluates expressions: a small, pure subset of HCL's expression language. Every error carries its position.
//!
//! The evaluator of hcl-rs panics on `1 % 0` and on integer overflow, does not bound the result of a `for`, and reports
//! errors without a position. No blueprint may make this one panic, hang or exhaust memory, so both the nesting depth and
//! the amount of work are limited.

mod collection;
mod function;
mod operation;
mod reference;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::template::{Element, StringTemplate};

use super::diagnostic::{Refusal, SourceText};
use super::span::span;
use super::value::{Data, Evaluated};
use crate::blueprint::rules::{Rule, language as is};

/// The most elements and characters that all expressions of a file may produce. A real blueprint needs a few hundred.
const MOST_WORK: usize = 250_000;
/// The deepest nesting of an expression. It fits the 2 MiB stack of a test's thread.
const DEEPEST: usize = 160;

/// Marks that an evaluation failed and the problem has been reported.
#[derive(Debug)]
pub(super) struct Reported;

type Evaluation = Result<Evaluated, Reported>;

/// Evaluates the expressions of one file.
pub(super) struct Evaluator<'a> {
    source: &'a SourceText<'a>,
    variables: &'a BTreeMap<String, Evaluated>,
    /// Whether the expressions belong to a variable's declaration, which cannot refer to variables.
    of_default: bool,
    work: Cell<usize>,
}

/// The names bound by the enclosing `for` expressions, innermost first, and the nesting depth.
#[derive(Clone, Default)]
struct ForScope<'s> {
    bound: Option<&'s Bound<'s>>,
    depth: usize,
}

struct Bound<'s> {
    names: Vec<(String, Evaluated)>,
    outer: Option<&'s Bound<'s>>,
}

impl<'s> ForScope<'s> {
    fn find(&self, name: &str) -> Option<&'s Evaluated> {
        let mut at = self.bound;
        while let Some(bound) = at {
            if let Some((_, value)) = bound.names.iter().find(|(known, _)| known == name) {
                return Some(value);
            }
            at = bound.outer;
        }
        None
    }
}

impl<'a> Evaluator<'a> {
    /// Creates an evaluator; `variables` holds the value of each `var.<name>`.
    pub fn new(source: &'a SourceText<'a>, variables: &'a BTreeMap<String, Evaluated>) -> Self {
        Evaluator { source, variables, of_default: false, work: Cell::new(0) }
    }

    /// Creates an evaluator for a variable's declaration, which cannot refer to variables; `none` is an empty map.
    pub fn of_default(source: &'a SourceText<'a>, none: &'a BTreeMap<String, Evaluated>) -> Self {
        Evaluator { of_default: true, ..Evaluator::new(source, none) }
    }

    /// Returns an attribute's value. If the expression cannot be evaluated, reports why and returns [`Data::Refused`].
    pub fn value(&self, expr: &Expression) -> Evaluated {
        self.element(expr, &ForScope::default())
    }

    /// Evaluates an element. Leaves a bare word to the reader, which knows whether it expects text.
    fn element(&self, expr: &Expression, scope: &ForScope) -> Evaluated {
        let at = span(expr);
        match expr {
            Expression::Variable(word) if scope.find(word).is_none() => {
                Evaluated::new(at, Data::Word(word.to_string()))
            }
            Expression::HeredocTemplate(_) => Evaluated::new(at, Data::Heredoc),
            _ => self.evaluate(expr, scope).unwrap_or(Evaluated::new(at, Data::Refused)),
        }
    }

    fn report<T>(
        &self,
        rule: &'static Rule,
        at: &Range<usize>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<T, Reported> {
        self.source.report(rule, at, problem, help);
        Err(Reported)
    }

    fn settle<T>(&self, at: &Range<usize>, result: Result<T, Refusal>) -> Result<T, Reported> {
        result.map_err(|refusal| {
            self.source.refused(at, refusal);
            Reported
        })
    }

    /// Counts work towards the file's limit. Reports once that the limit is exceeded.
    fn spend(&self, at: &Range<usize>, amount: usize) -> Result<(), Reported> {
        let before = self.work.get();
        let after = before.saturating_add(amount);
        self.work.set(after);
        if after <= MOST_WORK {
            return Ok(());
        }
        if before <= MOST_WORK {
            let problem = format!("the file's expressions produce more than {MOST_WORK} elements and characters");
            self.source.report(&is::TOO_MUCH, at, problem, "shorten the expression, or write the values themselves");
        }
        Err(Reported)
    }

    fn evaluate(&self, expr: &Expression, scope: &ForScope) -> Evaluation {
        let at = span(expr);
        let scope = &ForScope { depth: scope.depth + 1, ..scope.clone() };
        if scope.depth > DEEPEST {
            return self.report(
                &is::TOO_MUCH,
                &at,
                "this expression is nested too deeply",
                "move a part of it into a variable, or write the value itself",
            );
        }
        self.spend(&at, 1)?;
        let data = match expr {
            Expression::Null(_) => Data::Null,
            Expression::Bool(value) => Data::Bool(*value.value()),
            Expression::Number(number) => Data::Number(*number.value()),
            Expression::String(text) => {
                self.spend(&at, text.len())?;
                Data::Text(text.to_string())
            }
            Expression::Array(array) => Data::List(array.iter().map(|item| self.element(item, scope)).collect()),
            Expression::Object(object) => Data::Map(self.object(object, scope)),
            Expression::StringTemplate(template) => return self.template(&at, template, scope),
            Expression::HeredocTemplate(_) => {
                return self.report(
                    &is::UNSUPPORTED,
                    &at,
                    "heredocs are not supported in expressions",
                    "write text in double quotes",
                );
            }
            Expression::Parenthesis(inner) => return Ok(Evaluated { at, ..self.evaluate(inner.inner(), scope)? }),
            Expression::Variable(word) => return self.word(&at, word, scope),
            Expression::Conditional(conditional) => {
                let condition = self.evaluate(&conditional.cond_expr, scope)?;
                let chosen = match condition.data {
                    Data::Bool(true) => &conditional.true_expr,
                    Data::Bool(false) => &conditional.false_expr,
                    _ => return self.unexpected(&condition, "true or false", "write a condition before the `?`"),
                };
                return Ok(Evaluated { at, ..self.evaluate(chosen, scope)? });
            }
            Expression::FuncCall(call) => self.call(&at, call, scope)?,
            Expression::Traversal(traversal) => return self.traversal(&at, traversal, scope),
            Expression::UnaryOp(operation) => {
                let value = self.evaluate(&operation.expr, scope)?;
                self.settle(&value.at, operation::unary(*operation.operator.value(), &value.data))?
            }
            Expression::BinaryOp(operation) => {
                let left = self.evaluate(&operation.lhs_expr, scope)?;
                let right = self.evaluate(&operation.rhs_expr, scope)?;
                self.spend(&at, left.weight().min(right.weight()))?;
                match operation::binary(*operation.operator.value(), &left.data, &right.data) {
                    Ok(data) => data,
                    Err((side, refusal)) => {
                        let at = [&left.at, &right.at, &at][side as usize];
                        return self.settle(at, Err(refusal));
                    }
                }
            }
            Expression::ForExpr(expr) => self.repeat(&at, expr, scope)?,
        };
        Ok(Evaluated::new(at, data))
    }

    fn unexpected<T>(&self, value: &Evaluated, expected: &str, help: &str) -> Result<T, Reported> {
        self.report(&is::OPERAND, &value.at, format!("expected {expected}, not {}", value.data.name()), help)
    }

    /// Evaluates a template. One that consists of a single `${…}` keeps the type of its value; every other one is text.
    fn template(&self, at: &Range<usize>, template: &StringTemplate, scope: &ForScope) -> Evaluation {
        let elements: Vec<&Element> = template.iter().collect();
        if let [Element::Interpolation(only)] = elements.as_slice() {
            return Ok(Evaluated { at: at.clone(), ..self.evaluate(&only.expr, scope)? });
        }
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(literal) => text.push_str(literal),
                Element::Interpolation(part) => {
                    let value = self.evaluate(&part.expr, scope)?;
                    match printed(&value.data) {
                        Some(part) => text.push_str(&part),
                        None => return self.unexpected(&value, "text or a number", "use join(\", \", …) for a list"),
                    }
                }
                Element::Directive(directive) => {
                    let help =
                        "write `${condition ? a : b}`, or `${join(\"\", [for …])}`; a literal `%{` is written `%%{`";
                    return self.report(
                        &is::UNSUPPORTED,
                        &span(directive.as_ref()),
                        "template directives are not supported",
                        help,
                    );
                }
            }
            self.spend(at, text.len())?;
        }
        Ok(Evaluated::new(at.clone(), Data::Text(text)))
    }

    fn call(&self, at: &Range<usize>, call: &FuncCall, scope: &ForScope) -> Result<Data, Reported> {
        let names = call.name.namespace.iter().chain([&call.name.name]).map(|part| part.as_str());
        let name = names.collect::<Vec<_>>().join("::");
        let name = name.as_str();
        let name_at = span(&call.name.name);
        self.settle(&name_at, function::known(name))?;
        if call.args.expand_final() {
            return self.report(
                &is::UNSUPPORTED,
                at,
                "expanding arguments with `...` is not supported",
                "write each argument",
            );
        }
        let mut arguments = vec![];
        for argument in call.args.iter() {
            arguments.push(self.evaluate(argument, scope)?);
        }
        // A result is no larger than the arguments, plus a separator before each item for `join`.
        let weight: usize = arguments.iter().map(Evaluated::weight).sum();
        let separator = if name == "join" { arguments.first().map_or(1, Evaluated::weight) } else { 1 };
        self.spend(at, weight.saturating_mul(separator))?;
        match function::call(name, arguments) {
            Ok(data) => Ok(data),
            Err((place, refusal)) => self.settle(&place.unwrap_or(name_at), Err(refusal)),
        }
    }
}

/// Returns the value as a template prints it; `None` if it cannot be printed.
fn printed(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) => Some(text.clone()),
        Data::Number(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
