//! Evaluates expressions: a small, pure part of HCL's language, in which every mistake has its own place.
//!
//! hcl-rs has an evaluator, but its numbers panic on `1 % 0` and on an overflow, nothing bounds what a `for` makes, and
//! its errors do not know where they are. No blueprint may make this one panic, hang or fill memory: a depth and an amount
//! of work are the most that it does.

mod function;
mod operation;

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use hcl_edit::Number;
use hcl_edit::expr::{Expression, ForExpr, FuncCall, Object, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::{Element, StringTemplate};

use super::diagnostic::{Refusal, Source, refuse};
use super::tree::span;
use super::value::{Entry, Kind, Value};
use super::vocabulary::nearest;
use crate::blueprint::rules::{Rule, language as is};

/// Parts and characters that the expressions of one file may make in all; blueprints need a few hundred.
const MOST_WORK: usize = 250_000;
/// Deepest nesting: a test's thread has 2 MiB of stack.
const DEEPEST: usize = 160;

/// It was reported.
#[derive(Debug)]
pub(super) struct Reported;

type Evaluated = Result<Value, Reported>;

/// Evaluates the expressions of one file.
pub(super) struct Evaluator<'a> {
    source: &'a Source<'a>,
    variables: &'a BTreeMap<String, Value>,
    work: Cell<usize>,
}

/// What is evaluated where: the names that `for` bound, innermost last, and how deep it is.
#[derive(Clone, Default)]
struct Scope<'s> {
    bound: Option<&'s Bound<'s>>,
    depth: usize,
}

struct Bound<'s> {
    names: Vec<(String, Value)>,
    outer: Option<&'s Bound<'s>>,
}

impl<'s> Scope<'s> {
    fn find(&self, name: &str) -> Option<&'s Value> {
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
    pub fn new(source: &'a Source<'a>, variables: &'a BTreeMap<String, Value>) -> Self {
        Evaluator { source, variables, work: Cell::new(0) }
    }

    /// What an attribute holds; [`Kind::Refused`] if its expression cannot be evaluated, which is reported.
    pub fn value(&self, expr: &Expression) -> Value {
        self.element(expr, &Scope::default())
    }

    /// A word that stands for itself is left to the reader, which knows whether it wants text.
    fn element(&self, expr: &Expression, scope: &Scope) -> Value {
        let at = span(expr);
        match expr {
            Expression::Variable(word) if scope.find(word).is_none() => Value::new(at, Kind::Word(word.to_string())),
            Expression::HeredocTemplate(_) => Value::new(at, Kind::Heredoc),
            _ => self.evaluate(expr, scope).unwrap_or(Value::new(at, Kind::Refused)),
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

    fn evaluate(&self, expr: &Expression, scope: &Scope) -> Evaluated {
        let at = span(expr);
        let scope = &Scope { depth: scope.depth + 1, ..scope.clone() };
        if scope.depth > DEEPEST {
            return self.report(
                &is::TOO_MUCH,
                &at,
                "this nests too deep",
                "write a part of it as a variable, or write the value out",
            );
        }
        self.spend(&at, 1)?;
        let kind = match expr {
            Expression::Null(_) => Kind::Null,
            Expression::Bool(value) => Kind::Bool(*value.value()),
            Expression::Number(number) => Kind::Number(*number.value()),
            Expression::String(text) => {
                self.spend(&at, text.len())?;
                Kind::Text(text.to_string())
            }
            Expression::Array(array) => Kind::List(array.iter().map(|item| self.element(item, scope)).collect()),
            Expression::Object(object) => Kind::Map(self.object(object, scope)),
            Expression::StringTemplate(template) => return self.template(&at, template, scope),
            Expression::HeredocTemplate(_) => {
                return self.report(
                    &is::UNSUPPORTED,
                    &at,
                    "a heredoc is no part of an expression",
                    "write text in double quotes",
                );
            }
            Expression::Parenthesis(inner) => return Ok(Value { at, ..self.evaluate(inner.inner(), scope)? }),
            Expression::Variable(word) => return self.word(&at, word, scope),
            Expression::Conditional(conditional) => {
                let condition = self.evaluate(&conditional.cond_expr, scope)?;
                let chosen = match condition.kind {
                    Kind::Bool(true) => &conditional.true_expr,
                    Kind::Bool(false) => &conditional.false_expr,
                    _ => return self.unexpected(&condition, "true or false", "write a comparison before the `?`"),
                };
                return Ok(Value { at, ..self.evaluate(chosen, scope)? });
            }
            Expression::FuncCall(call) => self.call(&at, call, scope)?,
            Expression::Traversal(traversal) => return self.traversal(&at, traversal, scope),
            Expression::UnaryOp(operation) => {
                let value = self.evaluate(&operation.expr, scope)?;
                self.settle(&value.at, operation::unary(*operation.operator.value(), &value.kind))?
            }
            Expression::BinaryOp(operation) => {
                let left = self.evaluate(&operation.lhs_expr, scope)?;
                let right = self.evaluate(&operation.rhs_expr, scope)?;
                self.spend(&at, left.weight().min(right.weight()))?;
                match operation::binary(*operation.operator.value(), &left.kind, &right.kind) {
                    Ok(kind) => kind,
                    Err((side, refusal)) => {
                        let at = [&left.at, &right.at, &at][side as usize];
                        return self.settle(at, Err(refusal));
                    }
                }
            }
            Expression::ForExpr(expr) => self.repeat(&at, expr, scope)?,
        };
        Ok(Value::new(at, kind))
    }

    fn unexpected<T>(&self, value: &Value, expected: &str, help: &str) -> Result<T, Reported> {
        self.report(&is::OPERAND, &value.at, format!("expected {expected}, not {}", value.kind.name()), help)
    }

    fn word(&self, at: &Range<usize>, word: &str, scope: &Scope) -> Evaluated {
        if let Some(value) = scope.find(word) {
            self.spend(at, value.weight())?;
            return Ok(value.moved(at));
        }
        let help = match word {
            "var" => "write the variable's name behind it: `var.name`".to_string(),
            _ if self.variables.contains_key(word) => format!("write `var.{word}`"),
            _ => format!("write \"{word}\" if it is text"),
        };
        self.report(&is::BARE_WORD, at, format!("the bare word `{word}` is no value"), help)
    }

    fn object(&self, object: &Object, scope: &Scope) -> Vec<Entry> {
        let mut entries: Vec<Entry> = vec![];
        let mut seen = HashSet::new();
        for (key, value) in object.iter() {
            let (key, key_at) = match key {
                ObjectKey::Ident(ident) => (Ok(ident.to_string()), span(ident)),
                ObjectKey::Expression(expr) => (self.key(expr, scope), span(expr)),
            };
            let value = self.element(value.expr(), scope);
            // The parser knows names that stand there twice; this is for those that are made.
            match key {
                Ok(_) if self.source.is_reported(&key_at) => {}
                Ok(key) if !seen.insert(key.clone()) => {
                    self.source.report(
                        &is::SET_TWICE,
                        &key_at,
                        format!("`{key}` is set twice in this map"),
                        "keep one of the two",
                    );
                }
                Ok(key) => entries.push(Entry { key, key_at, value }),
                Err(Reported) => {}
            }
        }
        entries
    }

    fn key(&self, expr: &Expression, scope: &Scope) -> Result<String, Reported> {
        if let Expression::Traversal(traversal) = expr
            && let Expression::Variable(root) = &traversal.expr
            && root.as_str() != "var"
            && scope.find(root).is_none()
        {
            return self.report(
                &is::BARE_WORD,
                &span(expr),
                "a name with a dot is text",
                "write the name in double quotes",
            );
        }
        let key = self.evaluate(expr, scope)?;
        match printed(&key.kind) {
            Some(text) => Ok(text),
            None => self.unexpected(&key, "a name", "write the name in double quotes"),
        }
    }

    /// A template of one `${…}` alone is that value; every other one is text.
    fn template(&self, at: &Range<usize>, template: &StringTemplate, scope: &Scope) -> Evaluated {
        let elements: Vec<&Element> = template.iter().collect();
        if let [Element::Interpolation(only)] = elements.as_slice() {
            return Ok(Value { at: at.clone(), ..self.evaluate(&only.expr, scope)? });
        }
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(literal) => text.push_str(literal),
                Element::Interpolation(part) => {
                    let value = self.evaluate(&part.expr, scope)?;
                    match printed(&value.kind) {
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
        Ok(Value::new(at.clone(), Kind::Text(text)))
    }

    fn traversal(&self, at: &Range<usize>, traversal: &Traversal, scope: &Scope) -> Evaluated {
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
                        "`var` alone is no value",
                        "write the variable's name behind it: `var.name`",
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
                TraversalOperator::GetAttr(name) => step(&value.kind, &Kind::Text(name.to_string())),
                TraversalOperator::Index(index) => step(&value.kind, &self.evaluate(index, scope)?.kind),
                TraversalOperator::LegacyIndex(index) => step(&value.kind, &Kind::Number(Number::from(*index.value()))),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    refuse(&is::UNSUPPORTED, "a splat is not supported", "write [for item in list : item.name]")
                }
            };
            value = self.settle(&step_at, found)?.moved(at);
        }
        Ok(Value { at: at.clone(), ..value })
    }

    fn variable(&self, at: &Range<usize>, name: &str, name_at: &Range<usize>) -> Evaluated {
        let Some(value) = self.variables.get(name) else {
            let help = match nearest(name, self.variables.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `var.{meant}`?"),
                None => format!("declare it beside the cluster: variable \"{name}\" {{ default = … }}"),
            };
            return self.report(&is::REFERENCE, name_at, format!("there is no variable `{name}`"), help);
        };
        // What is wrong with the variable itself was said where it is declared.
        if value.is_refused() {
            return Err(Reported);
        }
        self.spend(at, value.weight())?;
        Ok(value.moved(at))
    }

    fn call(&self, at: &Range<usize>, call: &FuncCall, scope: &Scope) -> Result<Kind, Reported> {
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
        let weight: usize = arguments.iter().map(Value::weight).sum();
        let separator = if name == "join" { arguments.first().map_or(1, Value::weight) } else { 1 };
        self.spend(at, weight.saturating_mul(separator))?;
        match function::call(name, arguments) {
            Ok(kind) => Ok(kind),
            Err((place, refusal)) => self.settle(&place.unwrap_or(name_at), Err(refusal)),
        }
    }

    fn repeat(&self, at: &Range<usize>, expr: &ForExpr, scope: &Scope) -> Result<Kind, Reported> {
        if expr.grouping {
            return self.report(
                &is::UNSUPPORTED,
                at,
                "grouping with `...` is not supported",
                "give each value its own key",
            );
        }
        let collection = self.evaluate(&expr.intro.collection_expr, scope)?;
        let pairs: Vec<(Kind, Value)> = match collection.kind {
            Kind::List(items) => items.into_iter().enumerate().map(|(i, v)| (Kind::Number(i.into()), v)).collect(),
            Kind::Map(entries) => entries.into_iter().map(|e| (Kind::Text(e.key), e.value)).collect(),
            _ => return self.unexpected(&collection, "a list or a map", "write for x in [\"a\", \"b\"]"),
        };
        let (mut list, mut map) = (vec![], Vec::<Entry>::new());
        for (key, value) in pairs {
            if value.is_refused() {
                return Err(Reported);
            }
            let mut names = vec![(expr.intro.value_var.to_string(), value)];
            if let Some(key_var) = &expr.intro.key_var {
                names.push((key_var.to_string(), Value::new(at.clone(), key)));
            }
            let bound = Bound { names, outer: scope.bound };
            let scope = &Scope { bound: Some(&bound), depth: scope.depth };
            if let Some(condition) = &expr.cond {
                let condition = self.evaluate(&condition.expr, scope)?;
                match condition.kind {
                    Kind::Bool(true) => {}
                    Kind::Bool(false) => continue,
                    _ => return self.unexpected(&condition, "true or false", "write a comparison behind `if`"),
                }
            }
            let value = self.evaluate(&expr.value_expr, scope)?;
            let Some(key_expr) = &expr.key_expr else {
                list.push(value);
                continue;
            };
            let (key, key_at) = (self.key(key_expr, scope)?, span(key_expr));
            self.spend(&key_at, key.len() + map.len())?;
            if map.iter().any(|entry| entry.key == key) {
                return self.report(
                    &is::SET_TWICE,
                    &key_at,
                    format!("the key `{key}` comes twice"),
                    "make each key another one",
                );
            }
            map.push(Entry { key, key_at, value });
        }
        Ok(if expr.key_expr.is_some() { Kind::Map(map) } else { Kind::List(list) })
    }
}

/// As it stands in text.
fn printed(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Number(number) => Some(number.to_string()),
        Kind::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// `value[index]`, `value.name`
fn step(value: &Kind, index: &Kind) -> Result<Value, Refusal> {
    match (value, index) {
        (Kind::List(items), Kind::Number(number)) => {
            let found = number.as_u64().and_then(|i| usize::try_from(i).ok()).and_then(|i| items.get(i));
            match (found, items.len()) {
                (Some(item), _) => Ok(item.clone()),
                (None, 0) => refuse(&is::NO_PART, "the list is empty", "give it an item, or leave the index out"),
                (None, n) => {
                    refuse(&is::NO_PART, format!("the list has no item {number}"), format!("write 0 to {}", n - 1))
                }
            }
        }
        (Kind::Map(entries), Kind::Text(name)) => match entries.iter().find(|entry| entry.key == *name) {
            Some(entry) => Ok(entry.value.clone()),
            None => {
                let known = || entries.iter().map(|entry| entry.key.as_str());
                let help = match nearest(name, known()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
                };
                refuse(&is::NO_PART, format!("the map has no key `{name}`"), help)
            }
        },
        (Kind::List(_), _) => {
            refuse(&is::NO_PART, format!("a list has no item at {}", index.name()), "write a number from 0 on")
        }
        (Kind::Map(_), _) => {
            refuse(&is::NO_PART, format!("a map has no key that is {}", index.name()), "write a key's name")
        }
        (other, _) => {
            refuse(&is::NO_PART, format!("{} has no parts", other.name()), "only a list or a map has: leave it out")
        }
    }
}

/// Why a name of Terraform's is none here.
fn foreign<T>(root: &str) -> Result<T, Refusal> {
    let (rule, problem, help) = match root {
        "local" => (
            &is::REFERENCE,
            "a blueprint has no locals".to_string(),
            "declare a variable with a default: var.name".to_string(),
        ),
        "env" | "ENV" => return function::environment(),
        "data" | "module" | "path" | "terraform" | "each" | "self" | "count" => (
            &is::NOT_PURE,
            format!("`{root}` is Terraform's: a blueprint is read before anything exists"),
            "write the value out, or hand it in with a variable and --var".to_string(),
        ),
        _ => (
            &is::REFERENCE,
            format!("`{root}` is nothing here"),
            "there are `var.name`, and the names that a `for` binds".to_string(),
        ),
    };
    refuse(rule, problem, help)
}
