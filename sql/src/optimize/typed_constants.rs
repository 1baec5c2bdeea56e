//! Constants in comparisons as values of the column's own type: `ts >= '2024-01-01'` compares times.
//!
//! Invariant: only exact conversions to the same or a finer unit, so that the answer is the same
//! for every row.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::key_condition::is_comparison;
use super::transform_up;
use crate::bind::call::call;
use crate::expr::Expr;
use crate::functions::BindContext;
use crate::functions::cast::convert_value;
use crate::plan::Query;

/// The rule.
pub(super) fn rule(query: &mut Query, context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |mut plan| {
        plan.for_each_expr_mut(&mut |expr| of_expr(expr, context));
        Ok(plan)
    })
}

/// The rule for one expression.
pub(super) fn of_expr(expr: &mut Expr, context: &BindContext) {
    expr.rewrite_in_place(&mut |e| rewritten(e, context));
}

fn rewritten(expr: &Expr, context: &BindContext) -> Option<Expr> {
    let (name, [a, b]) = expr.as_call()? else {
        return None;
    };
    if !is_comparison(name) && name != "notEquals" {
        return None;
    }
    let args = match (a, b) {
        (Expr::Literal(..), Expr::Literal(..)) => return None,
        (subject, Expr::Literal(..)) => vec![subject.clone(), typed(b, subject.ty(), context)?],
        (Expr::Literal(..), subject) => vec![typed(a, subject.ty(), context)?, subject.clone()],
        _ => return None,
    };
    call(name, args, context)
        .ok()
        .filter(|new| new.ty() == expr.ty())
}

pub(crate) fn typed(literal: &Expr, subject: &DataType, context: &BindContext) -> Option<Expr> {
    let Expr::Literal(value, ty) = literal else {
        return None;
    };
    let own = subject.value_type();
    let exact = match (own, ty) {
        (DataType::Date | DataType::Date32 | DataType::DateTime(_), DataType::String) => true,
        (DataType::DateTime64(..) | DataType::UUID, DataType::String) => true,
        (DataType::IPv4 | DataType::IPv6, DataType::String) => true,
        (DataType::DateTime(_) | DataType::DateTime64(..), DataType::Date) => true,
        (DataType::DateTime64(..), DataType::DateTime(_)) => true,
        (DataType::DateTime64(p, _), DataType::DateTime64(q, _)) => q < p,
        _ => false,
    };
    if !exact || value.is_null() {
        return None;
    }
    let converted = convert_value(value, ty, own, context).ok()??;
    Some(Expr::Literal(converted, own.clone()))
}
