//! Evaluates maps and `for` expressions.

use std::collections::HashSet;
use std::ops::Range;

use hcl_edit::expr::{Expression, ForExpr, Object, ObjectKey};

use super::super::span::span;
use super::super::value::{Data, Evaluated, MapEntry};
use super::{Bound, Evaluator, ForScope, Reported, printed};
use crate::blueprint::rules::language as is;

impl Evaluator<'_> {
    pub(super) fn object(&self, object: &Object, scope: &ForScope) -> Vec<MapEntry> {
        let mut entries: Vec<MapEntry> = vec![];
        let mut seen = HashSet::new();
        for (key, value) in object.iter() {
            let (key, key_at) = match key {
                ObjectKey::Ident(ident) => (Ok(ident.to_string()), span(ident)),
                ObjectKey::Expression(expr) => (self.key(expr, scope), span(expr)),
            };
            let value = self.element(value.expr(), scope);
            // The parser finds literal keys that are set twice; this finds computed ones.
            match key {
                Ok(_) if self.source.is_reported(&key_at) => {}
                Ok(key) if !seen.insert(key.clone()) => {
                    self.source.report(
                        &is::SET_TWICE,
                        &key_at,
                        format!("`{key}` is set twice in this map"),
                        "remove one of the two",
                    );
                }
                Ok(key) => entries.push(MapEntry { key, key_at, value }),
                Err(Reported) => {}
            }
        }
        entries
    }

    fn key(&self, expr: &Expression, scope: &ForScope) -> Result<String, Reported> {
        if let Expression::Traversal(traversal) = expr
            && let Expression::Variable(root) = &traversal.expr
            && root.as_str() != "var"
            && scope.find(root).is_none()
        {
            return self.report(
                &is::BARE_WORD,
                &span(expr),
                "a key that contains a dot must be quoted",
                "write the key in double quotes",
            );
        }
        let key = self.evaluate(expr, scope)?;
        match printed(&key.data) {
            Some(text) => Ok(text),
            None => self.unexpected(&key, "a key", "write the key in double quotes"),
        }
    }

    pub(super) fn repeat(&self, at: &Range<usize>, expr: &ForExpr, scope: &ForScope) -> Result<Data, Reported> {
        if expr.grouping {
            return self.report(
                &is::UNSUPPORTED,
                at,
                "grouping with `...` is not supported",
                "give each value a key of its own",
            );
        }
        let collection = self.evaluate(&expr.intro.collection_expr, scope)?;
        let pairs: Vec<(Data, Evaluated)> = match collection.data {
            Data::List(items) => items.into_iter().enumerate().map(|(i, v)| (Data::Number(i.into()), v)).collect(),
            Data::Map(entries) => entries.into_iter().map(|e| (Data::Text(e.key), e.value)).collect(),
            _ => {
                return self.unexpected(
                    &collection,
                    "a list or a map",
                    "write a list or a map after `in`, such as for x in [\"a\", \"b\"]",
                );
            }
        };
        let (mut list, mut map) = (vec![], Vec::<MapEntry>::new());
        for (key, value) in pairs {
            if value.is_refused() {
                return Err(Reported);
            }
            let mut names = vec![(expr.intro.value_var.to_string(), value)];
            if let Some(key_var) = &expr.intro.key_var {
                names.push((key_var.to_string(), Evaluated::new(at.clone(), key)));
            }
            let bound = Bound { names, outer: scope.bound };
            let scope = &ForScope { bound: Some(&bound), depth: scope.depth };
            if let Some(condition) = &expr.cond {
                let condition = self.evaluate(&condition.expr, scope)?;
                match condition.data {
                    Data::Bool(true) => {}
                    Data::Bool(false) => continue,
                    _ => return self.unexpected(&condition, "true or false", "write a comparison after `if`"),
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
                    format!("this `for` makes the key `{key}` twice"),
                    "make each key unique",
                );
            }
            map.push(MapEntry { key, key_at, value });
        }
        Ok(if expr.key_expr.is_some() { Data::Map(map) } else { Data::List(list) })
    }
}
