//! The document with its expressions evaluated, as input for the readers.

use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Body as Syntax, Structure};

use super::expression::Evaluator;
use super::span::span;
use super::value::{Data, Evaluated};

/// The contents of a block.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
}

/// An attribute: `name = value`.
#[derive(Debug)]
pub(super) struct Attribute {
    pub name: String,
    /// The place of its name.
    pub at: Range<usize>,
    pub value: Evaluated,
    /// Whether its expression evaluates to null, so that the attribute counts as not set.
    pub left_out: bool,
}

/// A block: `name "label" { … }`.
#[derive(Debug)]
pub(super) struct Block {
    pub name: String,
    /// The place of its name.
    pub at: Range<usize>,
    /// Each label with its place.
    pub labels: Vec<(String, Range<usize>)>,
    pub body: Body,
}

impl Body {
    /// Evaluates every attribute of the body and of its inner blocks.
    pub fn evaluate(syntax: &Syntax, evaluator: &Evaluator) -> Self {
        let mut body = Body::default();
        for structure in syntax.iter() {
            match structure {
                Structure::Attribute(attribute) => {
                    let value = evaluator.value(&attribute.value);
                    let left_out = value.data == Data::Null && !matches!(attribute.value, Expression::Null(_));
                    let (name, at) = (attribute.key.to_string(), span(&attribute.key));
                    body.attributes.push(Attribute { name, at, value, left_out });
                }
                Structure::Block(block) => body.blocks.push(Block {
                    name: block.ident.to_string(),
                    at: span(&block.ident),
                    labels: block.labels.iter().map(|label| (label.as_str().to_string(), span(label))).collect(),
                    body: Body::evaluate(&block.body, evaluator),
                }),
            }
        }
        body
    }
}
