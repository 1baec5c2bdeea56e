//! Aggregations that do less: keys that follow from other keys leave GROUP BY, and constants leave
//! sums (`sum(x + 1)` is `sum(x) + count()`).
//!
//! Invariant: the node that takes an aggregation's place gives the same output ids.

use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::transform_up;
use crate::bind::call::{NEVER_FOLDED, call};
use crate::bind::rewrite::{replace_columns, same};
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::functions::BindContext;
use crate::functions::aggregates::resolve::bind_aggregate;
use crate::plan::{AggregatePlan, Plan, Project, Query};

/// Keys that are constant, or functions of other keys, are computed from the groups.
pub(super) fn dependent_keys(query: &mut Query, _context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |plan| {
        Ok(match plan {
            Plan::Aggregate(node) => without_dependent(*node),
            other => other,
        })
    })
}

fn without_dependent(mut node: AggregatePlan) -> Plan {
    if node.keys.len() < 2 || !node.grouping_sets.is_empty() || node.with_totals {
        return Plan::Aggregate(Box::new(node));
    }
    // Columns that are keys as they are, under the first key's id.
    let mut plain: Vec<(ColumnId, Expr)> = Vec::new();
    for (id, key) in &node.keys {
        if let Expr::Column(column, ty) = key
            && plain.iter().all(|(known, _)| known != column)
        {
            plain.push((*column, Expr::Column(*id, ty.clone())));
        }
    }
    let of = |id: ColumnId| plain.iter().find(|(c, _)| *c == id).map(|(_, e)| e.clone());
    let mut outputs = Vec::new();
    let mut kept = Vec::new();
    for (id, key) in &node.keys {
        let own = Expr::Column(*id, key.ty().clone());
        let from_groups = replace_columns(key, &of);
        let is_first = match &from_groups {
            Expr::Column(source, _) => source == id,
            _ => false,
        };
        let follows = is_plain_function(key) && key.columns().iter().all(|c| of(*c).is_some());
        // A constant alone still makes groups.
        if follows && !is_first && !plain.is_empty() {
            outputs.push((*id, from_groups));
        } else {
            kept.push((*id, key.clone()));
            outputs.push((*id, own));
        }
    }
    if kept.len() == node.keys.len() {
        return Plan::Aggregate(Box::new(node));
    }
    node.keys = kept;
    for (id, aggregate) in &node.aggregates {
        outputs.push((*id, Expr::Column(*id, aggregate.function.return_type())));
    }
    Plan::Project(Box::new(Project {
        input: Plan::Aggregate(Box::new(node)),
        exprs: outputs,
    }))
}

/// Whether the value of a row depends on its columns alone.
fn is_plain_function(expr: &Expr) -> bool {
    let mut plain = expr.is_deterministic();
    expr.walk(&mut |e| {
        if let Some((name, _)) = e.as_call() {
            plain &= !NEVER_FOLDED.contains(&name);
        }
    });
    plain
}

/// `sum(x + c)` of whole numbers by `sum(x)` and `count()`, when that saves aggregates.
pub(super) fn constants_in_sums(query: &mut Query, context: &BindContext) -> Result<()> {
    let mut next = highest_id(&query.plan) + 1;
    transform_up(&mut query.plan, &mut |plan| {
        Ok(match plan {
            Plan::Aggregate(node) => {
                leaner_sums(&node, &mut next, context).unwrap_or(Plan::Aggregate(node))
            }
            other => other,
        })
    })
}

fn highest_id(plan: &Plan) -> u32 {
    let own = plan.outputs().iter().map(|c| c.id.0).max().unwrap_or(0);
    let below = plan.inputs().into_iter().map(highest_id);
    below.fold(own, u32::max)
}

/// `sum(x + c)` as x, c with its sign, and whether c is taken off.
fn shifted_sum(aggregate: &AggregateCall) -> Option<(&Expr, &Expr, bool)> {
    let [argument] = &aggregate.args[..] else {
        return None;
    };
    if aggregate.name != "sum" || aggregate.distinct {
        return None;
    }
    let (name, [a, b]) = argument.as_call()? else {
        return None;
    };
    let (x, c) = match (name, a, b) {
        (_, Expr::Literal(..), Expr::Literal(..)) => return None,
        ("plus" | "minus", x, c @ Expr::Literal(..)) => (x, c),
        ("plus", c @ Expr::Literal(..), x) => (x, c),
        _ => return None,
    };
    let narrow =
        |ty: &DataType| ty.is_integer() && !matches!(ty, DataType::Int128 | DataType::UInt128);
    let whole = matches!(c.as_literal(), Some(Value::UInt(_) | Value::Int(_)));
    let fits = narrow(x.ty()) && narrow(c.ty()) && narrow(argument.ty()) && whole;
    fits.then_some((x, c, name == "minus"))
}

fn leaner_sums(node: &AggregatePlan, next: &mut u32, context: &BindContext) -> Option<Plan> {
    if node.with_totals || !node.grouping_sets.is_empty() {
        return None;
    }
    let shifted = node.aggregates.iter().filter_map(|(_, a)| shifted_sum(a));
    let mut bases: Vec<&Expr> = Vec::new();
    let mut found = 0;
    for (x, _, _) in shifted {
        found += 1;
        if !bases.iter().any(|known| same(known, x)) {
            bases.push(x);
        }
    }
    // Each base needs a sum, and all need one count.
    if found < bases.len() + 2 {
        return None;
    }
    let mut fresh = |ty: DataType| {
        *next += 1;
        Expr::Column(ColumnId(*next), ty)
    };
    let mut aggregates: Vec<(ColumnId, AggregateCall)> = Vec::new();
    let mut add = |name: &str, args: Vec<Expr>| {
        let types: Vec<DataType> = args.iter().map(|a| a.ty().clone()).collect();
        let (function, name) = bind_aggregate(name, &[], &types).ok()?;
        let column = fresh(function.return_type());
        if let Expr::Column(id, _) = &column {
            let aggregate = AggregateCall {
                name,
                params: Vec::new(),
                function,
                args,
                distinct: false,
            };
            aggregates.push((*id, aggregate));
        }
        Some(column)
    };
    let count = add("count", Vec::new())?;
    let sums = bases.iter().map(|x| add("sum", vec![(*x).clone()]));
    let sums = sums.collect::<Option<Vec<Expr>>>()?;
    let mut outputs: Vec<(ColumnId, Expr)> = Vec::new();
    for (id, key) in &node.keys {
        outputs.push((*id, Expr::Column(*id, key.ty().clone())));
    }
    for (id, aggregate) in &node.aggregates {
        let ty = aggregate.function.return_type();
        let Some((x, c, off)) = shifted_sum(aggregate) else {
            outputs.push((*id, Expr::Column(*id, ty)));
            aggregates.push((*id, aggregate.clone()));
            continue;
        };
        let place = bases.iter().position(|known| same(known, x))?;
        // Everything wraps at 64 bits, as the sum itself does.
        let shift = call("multiply", vec![count.clone(), c.clone()], context).ok()?;
        let name = if off { "minus" } else { "plus" };
        let sum = call(name, vec![sums[place].clone(), shift], context).ok()?;
        let cast = match ty {
            DataType::Int64 => "toInt64",
            DataType::UInt64 => "toUInt64",
            _ => return None,
        };
        let whole = matches!(sum.ty(), DataType::Int64 | DataType::UInt64);
        let answer = match *sum.ty() == ty {
            true => sum,
            false if whole => call(cast, vec![sum], context).ok()?,
            false => return None,
        };
        outputs.push((*id, answer));
    }
    Some(Plan::Project(Box::new(Project {
        input: Plan::Aggregate(Box::new(AggregatePlan {
            aggregates,
            ..node.clone()
        })),
        exprs: outputs,
    })))
}
