//! Collects the aliases of one SELECT: an alias written anywhere may be used anywhere.
//!
//! Invariant: one name stands for one expression; subqueries and lambdas keep theirs to themselves.

use std::collections::HashMap;
use std::rc::Rc;

use roost_engine::error::Result;

use crate::parse::ast::{
    Distinct, Expr, FrameBound, Function, GroupBy, JoinItem, JoinOn, Matcher, OrderBy, Over,
    Select, Transformer, WindowSpec, With,
};

/// Aliases by name.
pub(super) type Aliases = HashMap<String, Rc<Expr>>;

/// Adds the aliases of a whole SELECT.
pub(super) fn of_select(select: &Select, into: &mut Aliases) -> Result<()> {
    for item in &select.with {
        if let With::Expr { name, expr } = item {
            add(name, expr, into)?;
            of_expr(expr, into)?;
        }
    }
    let on: &[Expr] = match &select.distinct {
        Distinct::On(exprs) => exprs,
        _ => &[],
    };
    let single = [
        &select.prewhere,
        &select.filter,
        &select.having,
        &select.qualify,
    ];
    let single = single.into_iter().flatten();
    let limits = select.limit_by.iter().flat_map(|l| &l.by);
    let group = group_exprs(&select.group_by);
    let plain = select.items.iter().chain(on).chain(single).chain(limits);
    for expr in plain.chain(group) {
        of_expr(expr, into)?;
    }
    of_order(&select.order_by, into)?;
    for (_, window) in &select.windows {
        of_window(window, into)?;
    }
    let joins = select.from.iter().flat_map(|f| &f.joins);
    for join in joins {
        of_join(join, into)?;
    }
    Ok(())
}

fn group_exprs(group: &GroupBy) -> Vec<&Expr> {
    match group {
        GroupBy::Exprs(e) | GroupBy::Rollup(e) | GroupBy::Cube(e) => e.iter().collect(),
        GroupBy::Sets(sets) => sets.iter().flatten().collect(),
        GroupBy::All => Vec::new(),
    }
}

fn of_join(join: &JoinItem, into: &mut Aliases) -> Result<()> {
    match join {
        JoinItem::Join(join) => match &join.on {
            JoinOn::On(on) => of_expr(on, into),
            _ => Ok(()),
        },
        // The alias of an ARRAY JOIN item is a column, made in `from`.
        JoinItem::Array { exprs, .. } => exprs.iter().try_for_each(|e| match e {
            Expr::Alias(inner, _) => of_expr(inner, into),
            other => of_expr(other, into),
        }),
    }
}

/// Adds the aliases inside an expression.
pub(super) fn of_expr(expr: &Expr, into: &mut Aliases) -> Result<()> {
    match expr {
        Expr::Alias(inner, name) => {
            add(name, inner, into)?;
            of_expr(inner, into)
        }
        Expr::Function(function) => of_function(function, into),
        Expr::Matcher(matcher) => of_matcher(matcher, into),
        Expr::Identifier(_)
        | Expr::Literal(_)
        | Expr::Parameter { .. }
        | Expr::Lambda { .. }
        | Expr::Subquery(_) => Ok(()),
    }
}

fn of_function(function: &Function, into: &mut Aliases) -> Result<()> {
    for arg in function.args.iter().chain(&function.filter) {
        of_expr(arg, into)?;
    }
    match &function.over {
        Some(Over::Spec(spec)) => of_window(spec, into),
        _ => Ok(()),
    }
}

fn of_window(window: &WindowSpec, into: &mut Aliases) -> Result<()> {
    for expr in &window.partition_by {
        of_expr(expr, into)?;
    }
    of_order(&window.order_by, into)?;
    let bounds = window.frame.iter().flat_map(|f| [&f.start, &f.end]);
    for bound in bounds {
        if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
            of_expr(e, into)?;
        }
    }
    Ok(())
}

fn of_order(order: &[OrderBy], into: &mut Aliases) -> Result<()> {
    order.iter().try_for_each(|o| of_expr(&o.expr, into))
}

/// REPLACE's names are aliases like others: WHERE means the new value, as in ClickHouse.
fn of_matcher(matcher: &Matcher, into: &mut Aliases) -> Result<()> {
    for transformer in &matcher.transformers {
        if let Transformer::Replace(items) = transformer {
            for (expr, name) in items {
                add(name, expr, into)?;
                of_expr(expr, into)?;
            }
        }
    }
    Ok(())
}

fn add(name: &str, expr: &Expr, into: &mut Aliases) -> Result<()> {
    match into.get(name) {
        Some(other) if other.unaliased() != expr.unaliased() => Err(roost_engine::err!(
            MULTIPLE_EXPRESSIONS_FOR_ALIAS,
            "Multiple expressions {expr} and {other} for alias {name}"
        )),
        _ => {
            into.insert(name.to_owned(), Rc::new(expr.clone()));
            Ok(())
        }
    }
}
