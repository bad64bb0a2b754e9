//! Evaluates expressions: a small, pure part of HCL's language, in which every mistake has its own place.
//!
//! hcl-rs has an evaluator, but its numbers panic on `1 % 0` and on an overflow, nothing bounds what a `for` makes, and
//! its errors do not know where they are. No blueprint may make this one panic, hang or fill memory: a depth and an amount
//! of work are the most that it does.

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
use super::tree::span;
use super::value::{Data, Evaluated};
use crate::blueprint::rules::{Rule, language as is};

/// Parts and characters that the expressions of one file may make in all; blueprints need a few hundred.
const MOST_WORK: usize = 250_000;
/// Deepest nesting: a test's thread has 2 MiB of stack.
const DEEPEST: usize = 160;

/// It was reported.
#[derive(Debug)]
pub(super) struct Reported;

type Evaluation = Result<Evaluated, Reported>;

/// Evaluates the expressions of one file.
pub(super) struct Evaluator<'a> {
    source: &'a SourceText<'a>,
    variables: &'a BTreeMap<String, Evaluated>,
    /// Whether a variable's own default is evaluated, which knows no variables.
    of_default: bool,
    work: Cell<usize>,
}

/// What is evaluated where: the names that `for` bound, innermost last, and how deep it is.
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
    /// `variables` are what `var.<name>` is.
    pub fn new(source: &'a SourceText<'a>, variables: &'a BTreeMap<String, Evaluated>) -> Self {
        Evaluator { source, variables, of_default: false, work: Cell::new(0) }
    }

    /// For a variable's default, which knows no variables: `none` there are.
    pub fn of_default(source: &'a SourceText<'a>, none: &'a BTreeMap<String, Evaluated>) -> Self {
        Evaluator { of_default: true, ..Evaluator::new(source, none) }
    }

    /// What an attribute holds; [`Data::Refused`] if its expression cannot be evaluated, which is reported.
    pub fn value(&self, expr: &Expression) -> Evaluated {
        self.element(expr, &ForScope::default())
    }

    /// A word that stands for itself is left to the reader, which knows whether it wants text.
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

    /// Counts work; the file's last straw is reported once.
    fn spend(&self, at: &Range<usize>, amount: usize) -> Result<(), Reported> {
        let before = self.work.get();
        let after = before.saturating_add(amount);
        self.work.set(after);
        if after <= MOST_WORK {
            return Ok(());
        }
        if before <= MOST_WORK {
            let problem = format!("the file's expressions make more than {MOST_WORK} parts and characters");
            self.source.report(&is::TOO_MUCH, at, problem, "write less of it, or write the values out");
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
                "this nests too deep",
                "write a part of it as a variable, or write the value out",
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
                    "a heredoc is no part of an expression",
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
                    _ => return self.unexpected(&condition, "true or false", "write a comparison before the `?`"),
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

    /// A template of one `${…}` alone is that value; every other one is text.
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
            return self.report(&is::UNSUPPORTED, at, "`...` is not supported", "write the arguments out");
        }
        let mut arguments = vec![];
        for argument in call.args.iter() {
            arguments.push(self.evaluate(argument, scope)?);
        }
        // What a function makes is at most its arguments, and a separator before each part.
        let weight: usize = arguments.iter().map(Evaluated::weight).sum();
        let separator = if name == "join" { arguments.first().map_or(1, Evaluated::weight) } else { 1 };
        self.spend(at, weight.saturating_mul(separator))?;
        match function::call(name, arguments) {
            Ok(data) => Ok(data),
            Err((place, refusal)) => self.settle(&place.unwrap_or(name_at), Err(refusal)),
        }
    }
}

/// As it stands in text.
fn printed(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) => Some(text.clone()),
        Data::Number(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
