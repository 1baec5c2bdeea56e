//! Computes what is constant, and drops arms of conditionals that cannot be reached.
//!
//! Invariant: types stay; an arm is only dropped when its condition is a known constant.

use roost_engine::error::Result;
use roost_engine::types::Value;

use super::{no_rows, transform_up};
use crate::bind::call::{apply, call, cast};
use crate::bind::rewrite::conjuncts;
use crate::expr::Expr;
use crate::functions::BindContext;
use crate::plan::{Filter, Plan, Query};

/// The rule.
pub(super) fn rule(query: &mut Query, context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |mut plan| {
        plan.for_each_expr_mut(&mut |expr| simplify(expr, context));
        match plan {
            Plan::Filter(filter) => simplified_filter(*filter, context),
            other => Ok(other),
        }
    })
}

/// Computes the constants in the expression.
pub(super) fn simplify(expr: &mut Expr, context: &BindContext) {
    expr.rewrite_in_place(&mut |e| {
        let (name, args) = e.as_call()?;
        let new = match name {
            "if" => chosen_if(args),
            "multiIf" => chosen_arm(args, context),
            "and" | "or" => shortened(name, args, context),
            _ => None,
        };
        let new = match new {
            Some(new) => new,
            None => refolded(e, context)?,
        };
        // A cast can only fail to bind where the two types were never unified.
        match new.ty() == e.ty() {
            true => Some(new),
            false => cast(new, e.ty(), context).ok(),
        }
    });
}

/// The call again, when its arguments have become constants.
fn refolded(expr: &Expr, context: &BindContext) -> Option<Expr> {
    let Expr::Call(call) = expr else {
        return None;
    };
    let constant = !call.args.is_empty() && call.args.iter().all(|a| a.as_literal().is_some());
    if !constant || !call.function.deterministic {
        return None;
    }
    let new = apply(call.function, call.args.clone(), context).ok()?;
    new.as_literal().is_some().then_some(new)
}

/// Whether a condition is known: NULL and 0 choose the other arm.
fn known(condition: &Expr) -> Option<bool> {
    match condition.as_literal()? {
        Value::Null => Some(false),
        value => value.as_f64().map(|v| v != 0.0),
    }
}

fn chosen_if(args: &[Expr]) -> Option<Expr> {
    let [condition, then, otherwise] = args else {
        return None;
    };
    Some(match known(condition)? {
        true => then.clone(),
        false => otherwise.clone(),
    })
}

fn chosen_arm(args: &[Expr], context: &BindContext) -> Option<Expr> {
    let (otherwise, arms) = args.split_last()?;
    let mut kept: Vec<Expr> = Vec::with_capacity(args.len());
    let mut last = otherwise;
    for arm in arms.chunks(2) {
        let [condition, value] = arm else {
            return None;
        };
        match known(condition) {
            Some(false) => {}
            Some(true) => {
                last = value;
                break;
            }
            None => kept.extend([condition.clone(), value.clone()]),
        }
    }
    if kept.is_empty() {
        return Some(last.clone());
    }
    if kept.len() + 1 == args.len() {
        return None;
    }
    kept.push(last.clone());
    call("multiIf", kept, context).ok()
}

/// `and` without true arguments, false when one is false; `or` the other way round.
fn shortened(name: &str, args: &[Expr], context: &BindContext) -> Option<Expr> {
    let neutral = name == "and";
    let decided = |a: &&Expr| {
        let not_null = !a.as_literal().is_some_and(Value::is_null);
        not_null && known(a) == Some(!neutral)
    };
    if args.iter().any(|a| decided(&a)) {
        let value = Value::UInt(u64::from(!neutral));
        return Some(Expr::Literal(value, roost_engine::types::DataType::UInt8));
    }
    let is_neutral = |a: &Expr| known(a) == Some(neutral);
    let kept: Vec<Expr> = args.iter().filter(|a| !is_neutral(a)).cloned().collect();
    match kept.as_slice() {
        _ if kept.len() == args.len() => None,
        [] => None,
        [one] if is_boolean(one) => Some(one.clone()),
        [_] => None,
        _ => call(name, kept, context).ok(),
    }
}

/// Whether the expression only ever is 0, 1 or NULL.
pub(super) fn is_boolean(expr: &Expr) -> bool {
    match expr {
        Expr::In(_) => true,
        Expr::Call(c) => matches!(
            c.function.name,
            "equals"
                | "notEquals"
                | "less"
                | "greater"
                | "lessOrEquals"
                | "greaterOrEquals"
                | "and"
                | "or"
                | "not"
                | "like"
                | "ilike"
                | "notLike"
                | "notILike"
                | "isNull"
                | "isNotNull"
                | "has"
                | "empty"
                | "notEmpty"
                | "startsWith"
                | "endsWith"
        ),
        _ => false,
    }
}

/// A filter without conjuncts that are always true; no rows when one is never.
fn simplified_filter(filter: Filter, context: &BindContext) -> Result<Plan> {
    let all = conjuncts(&filter.predicate);
    if all.iter().any(|c| known(c) == Some(false)) {
        return Ok(no_rows(&filter.input.outputs()));
    }
    let count = all.len();
    let kept: Vec<Expr> = all.into_iter().filter(|c| known(c).is_none()).collect();
    if kept.len() == count {
        return Ok(Plan::Filter(Box::new(filter)));
    }
    match all_of(kept, context)? {
        None => Ok(filter.input),
        Some(predicate) => Ok(Plan::Filter(Box::new(Filter {
            input: filter.input,
            predicate,
        }))),
    }
}

/// The conjunction of predicates; `None` of none.
pub(crate) fn all_of(mut predicates: Vec<Expr>, context: &BindContext) -> Result<Option<Expr>> {
    Ok(match predicates.len() {
        0 => None,
        1 => predicates.pop(),
        _ => Some(call("and", predicates, context)?),
    })
}
