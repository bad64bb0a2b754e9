//! Arithmetic, comparison and logic. Integer results are exact; a result that is too large is refused, never wrapped.

use hcl_edit::Number;
use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use super::super::diagnostic::{Refusal, refuse};
use super::super::value::Data;
use crate::blueprint::rules::language as is;

/// The operand that an error is reported at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Left = 0,
    Right = 1,
    Both = 2,
}

/// Evaluates `-x` or `!x`.
pub(super) fn unary(operator: UnaryOperator, value: &Data) -> Result<Data, Refusal> {
    match (operator, value) {
        (UnaryOperator::Neg, Data::Number(number)) => Ok(Data::Number(-*number)),
        (UnaryOperator::Not, Data::Bool(value)) => Ok(Data::Bool(!value)),
        (UnaryOperator::Neg, other) => {
            refuse(&is::OPERAND, format!("`-` needs a number, not {}", other.name()), "write a number")
        }
        (UnaryOperator::Not, other) => {
            refuse(&is::OPERAND, format!("`!` needs true or false, not {}", other.name()), "write a comparison")
        }
    }
}

/// Evaluates `left operator right`.
pub(super) fn binary(operator: BinaryOperator, left: &Data, right: &Data) -> Result<Data, (Side, Refusal)> {
    use BinaryOperator as Op;
    match operator {
        Op::Eq | Op::NotEq => {
            // Comparing values of different types is most likely a mistake.
            let comparable = std::mem::discriminant(left) == std::mem::discriminant(right);
            if !comparable && *left != Data::Null && *right != Data::Null {
                let problem = format!("{} is never equal to {}", left.name(), right.name());
                return blame(Side::Both, refuse(&is::OPERAND, problem, "compare two values of the same type"));
            }
            Ok(Data::Bool(same(left, right) == (operator == Op::Eq)))
        }
        Op::And | Op::Or => {
            let flag = |side, value: &Data| match value {
                Data::Bool(flag) => Ok(*flag),
                other => blame(
                    side,
                    refuse(
                        &is::OPERAND,
                        format!("`{operator}` needs true or false, not {}", other.name()),
                        "write a comparison",
                    ),
                ),
            };
            let (left, right) = (flag(Side::Left, left)?, flag(Side::Right, right)?);
            Ok(Data::Bool(if operator == Op::And { left && right } else { left || right }))
        }
        _ => {
            let number = |side, value: &Data| match value {
                Data::Number(number) => Ok(*number),
                other => {
                    let help = match operator {
                        Op::Plus if matches!(other, Data::Text(_)) => "join text with a template: \"${a}${b}\"",
                        Op::Plus if matches!(other, Data::List(_)) => "write concat(a, b)",
                        _ => "write a number",
                    };
                    blame(side, refuse(&is::OPERAND, format!("`{operator}` needs numbers, not {}", other.name()), help))
                }
            };
            let (left, right) = (number(Side::Left, left)?, number(Side::Right, right)?);
            match operator {
                Op::LessEq => Ok(Data::Bool(left <= right)),
                Op::GreaterEq => Ok(Data::Bool(left >= right)),
                Op::Less => Ok(Data::Bool(left < right)),
                Op::Greater => Ok(Data::Bool(left > right)),
                _ => arithmetic(operator, left, right),
            }
        }
    }
}

fn blame<T>(side: Side, result: Result<T, Refusal>) -> Result<T, (Side, Refusal)> {
    result.map_err(|refusal| (side, refusal))
}

/// Compares contents and ignores positions.
fn same(left: &Data, right: &Data) -> bool {
    match (left, right) {
        (Data::List(a), Data::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.data, &b.data)),
        (Data::Map(a), Data::Map(b)) => {
            let find = |key: &str| b.iter().find(|entry| entry.key == key);
            a.len() == b.len() && a.iter().all(|e| find(&e.key).is_some_and(|o| same(&e.value.data, &o.value.data)))
        }
        _ => left == right,
    }
}

fn arithmetic(operator: BinaryOperator, left: Number, right: Number) -> Result<Data, (Side, Refusal)> {
    use BinaryOperator as Op;
    if matches!(operator, Op::Div | Op::Mod) && right.as_f64() == Some(0.0) {
        return blame(Side::Right, refuse(&is::ARITHMETIC, "division by 0", "use a divisor other than 0"));
    }
    let whole = |number: Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).filter(|_| !number.is_f64())
    };
    let exact = whole(left).zip(whole(right)).and_then(|(a, b)| match operator {
        Op::Plus => a.checked_add(b),
        Op::Minus => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Mod => a.checked_rem(b),
        _ => (a % b == 0).then_some(a / b),
    });
    let found = match exact {
        Some(exact) => i64::try_from(exact).ok().map(Number::from),
        None => {
            let (a, b) = (left.as_f64().unwrap_or(f64::NAN), right.as_f64().unwrap_or(f64::NAN));
            Number::from_f64(match operator {
                Op::Plus => a + b,
                Op::Minus => a - b,
                Op::Mul => a * b,
                Op::Mod => a % b,
                _ => a / b,
            })
        }
    };
    match found {
        Some(number) => Ok(Data::Number(number)),
        None => {
            blame(Side::Both, refuse(&is::ARITHMETIC, "the result is too large for a number", "use smaller numbers"))
        }
    }
}
