//! Operators as SQL text: between their operands, as they were written.
//!
//! Invariant: an operator inside an operator stands in parentheses, so that no precedence is needed
//! to read the text back.

use std::fmt::{self, Display, Formatter};

use super::ast::{Expr, Function};
use super::sql_text::SqlText;

/// The sign of a binary (or, for AND and OR, longer) operator.
fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        "plus" => "+",
        "minus" => "-",
        "multiply" => "*",
        "divide" => "/",
        "modulo" => "%",
        "equals" => "=",
        "notEquals" => "!=",
        "less" => "<",
        "greater" => ">",
        "lessOrEquals" => "<=",
        "greaterOrEquals" => ">=",
        "like" => "LIKE",
        "notLike" => "NOT LIKE",
        "ilike" => "ILIKE",
        "notILike" => "NOT ILIKE",
        "and" => "AND",
        "or" => "OR",
        "in" => "IN",
        "notIn" => "NOT IN",
        "globalIn" => "GLOBAL IN",
        "globalNotIn" => "GLOBAL NOT IN",
        _ => return None,
    })
}

fn is_bare(c: &Function) -> bool {
    c.params.is_none()
        && !c.distinct
        && c.filter.is_none()
        && c.respect_nulls.is_none()
        && c.over.is_none()
}

/// How a call prints as an operator.
enum Shape {
    Between(&'static str),
    Before(&'static str),
    Element,
    Tuple,
}

fn shape(c: &Function) -> Option<Shape> {
    let is_in = matches!(c.name.as_str(), "in" | "notIn" | "globalIn" | "globalNotIn");
    // A chain in parentheses counts as a call, see `closed`.
    let is_chain = matches!(c.name.as_str(), "and" | "or");
    if !(c.is_operator || is_in || is_chain) || !is_bare(c) {
        return None;
    }
    match (c.name.as_str(), &c.args[..]) {
        ("tuple", [_, _, ..]) => Some(Shape::Tuple),
        ("not", [_]) => Some(Shape::Before("NOT ")),
        // `-1` reads as a number.
        ("negate", [Expr::Literal(_)]) => None,
        ("negate", [_]) => Some(Shape::Before("-")),
        ("arrayElement", [Expr::Identifier(_), _]) => Some(Shape::Element),
        ("and" | "or", [_, _, ..]) | (_, [_, _]) => sign(&c.name).map(Shape::Between),
        _ => None,
    }
}

/// An operand: an operator gets parentheses.
struct Operand<'a>(&'a Expr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Function(c)
                if !matches!(shape(c), None | Some(Shape::Tuple | Shape::Element)) =>
            {
                write!(f, "({})", SqlText(self.0))
            }
            // `NOT and(a, b)` would read as a column NOT.
            Expr::Function(c) if matches!(c.name.as_str(), "and" | "or" | "not") => {
                write!(f, "({})", SqlText(self.0))
            }
            other => SqlText(other).fmt(f),
        }
    }
}

/// Prints a call as an operator; None where it has to be a call.
pub(super) fn operator(f: &mut Formatter<'_>, c: &Function) -> Option<fmt::Result> {
    let shape = shape(c)?;
    let operands = |f: &mut Formatter<'_>, between: &str| {
        for (i, arg) in c.args.iter().enumerate() {
            let between = if i == 0 { "" } else { between };
            write!(f, "{between}{}", Operand(arg))?;
        }
        Ok(())
    };
    Some(match shape {
        Shape::Between(sign) => operands(f, &format!(" {sign} ")),
        Shape::Before(sign) => f.write_str(sign).and_then(|()| operands(f, "")),
        Shape::Element => write!(f, "{}[{}]", SqlText(&c.args[0]), SqlText(&c.args[1])),
        Shape::Tuple => f
            .write_str("(")
            .and_then(|()| super::display::join(f, c.args.iter().map(SqlText), ", "))
            .and_then(|()| f.write_str(")")),
    })
}
