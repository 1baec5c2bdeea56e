//! Structural equality and replacement of typed expressions.
//!
//! Invariant: two expressions that are [`same`] give the same value on every row.

use std::sync::Arc;

use crate::expr::{Call, ColumnId, Expr, InSet, Lambda, SetSource};

/// Whether two expressions are the same up to the ids of lambda parameters. Expressions that are
/// not deterministic are the same when they are written the same, as ClickHouse has it.
pub fn same(a: &Expr, b: &Expr) -> bool {
    same_under(a, b, &mut Vec::new())
}

fn same_under(a: &Expr, b: &Expr, params: &mut Vec<(ColumnId, ColumnId)>) -> bool {
    match (a, b) {
        (Expr::Column(x, _), Expr::Column(y, _)) => {
            x == y || params.iter().any(|(l, r)| l == x && r == y)
        }
        (Expr::Literal(x, t), Expr::Literal(y, u)) => t == u && x == y,
        (Expr::Call(x), Expr::Call(y)) => {
            std::ptr::eq(x.function, y.function)
                && x.bound.ty == y.bound.ty
                && all_same(&x.args, &y.args, params)
        }
        (Expr::In(x), Expr::In(y)) => {
            same_set(&x.set, &y.set)
                && x.negated == y.negated
                && all_same(&x.needle, &y.needle, params)
        }
        (Expr::Lambda(x), Expr::Lambda(y)) => same_lambda(x, y, params),
        _ => false,
    }
}

/// One set, or two of equal constants.
fn same_set(a: &Arc<SetSource>, b: &Arc<SetSource>) -> bool {
    if Arc::ptr_eq(a, b) {
        return true;
    }
    let constant = a.plan.is_none() && b.plan.is_none() && a.types == b.types;
    let (Some(x), Some(y)) = (a.rows.get(), b.rows.get()) else {
        return false;
    };
    let equal_rows = |row: usize| {
        let mut pairs = x.columns().iter().zip(y.columns());
        pairs.all(|(l, r)| l.value(row) == r.value(row))
    };
    constant && x.rows() == y.rows() && (0..x.rows()).all(equal_rows)
}

fn same_lambda(a: &Lambda, b: &Lambda, params: &mut Vec<(ColumnId, ColumnId)>) -> bool {
    let equal_types = a
        .params
        .iter()
        .map(|p| &p.1)
        .eq(b.params.iter().map(|p| &p.1));
    let depth = params.len();
    params.extend(a.params.iter().zip(&b.params).map(|(x, y)| (x.0, y.0)));
    let equal = equal_types && same_under(&a.body, &b.body, params);
    params.truncate(depth);
    equal
}

fn all_same(a: &[Expr], b: &[Expr], params: &mut Vec<(ColumnId, ColumnId)>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same_under(x, y, params))
}

/// The expression with the topmost nodes for which `map` gives an answer replaced by it; nothing
/// below a replaced node is looked at.
#[must_use]
pub fn replace(expr: &Expr, map: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(new) = map(expr) {
        return new;
    }
    match expr {
        Expr::Call(call) => Expr::Call(Arc::new(Call {
            function: call.function,
            bound: call.bound.clone(),
            args: call.args.iter().map(|a| replace(a, map)).collect(),
        })),
        Expr::In(set) => Expr::In(Arc::new(InSet {
            needle: set.needle.iter().map(|a| replace(a, map)).collect(),
            set: Arc::clone(&set.set),
            negated: set.negated,
            ty: set.ty.clone(),
        })),
        Expr::Lambda(lambda) => Expr::Lambda(Arc::new(Lambda {
            params: lambda.params.clone(),
            body: replace(&lambda.body, map),
        })),
        leaf => leaf.clone(),
    }
}

/// The expression with columns replaced as `map` says.
#[must_use]
pub fn replace_columns(expr: &Expr, map: &dyn Fn(ColumnId) -> Option<Expr>) -> Expr {
    replace(expr, &mut |e| match e {
        Expr::Column(id, _) => map(*id),
        _ => None,
    })
}

/// The conjuncts of a predicate: the arguments of nested `and`s.
pub fn conjuncts(predicate: &Expr) -> Vec<Expr> {
    let mut all = Vec::new();
    collect(predicate, "and", &mut all);
    all
}

/// The disjuncts of a predicate.
pub fn disjuncts(predicate: &Expr) -> Vec<Expr> {
    let mut all = Vec::new();
    collect(predicate, "or", &mut all);
    all
}

fn collect(predicate: &Expr, name: &str, all: &mut Vec<Expr>) {
    match predicate.as_call() {
        Some((found, args)) if found == name => args.iter().for_each(|a| collect(a, name, all)),
        _ => all.push(predicate.clone()),
    }
}

/// Whether every column of the expression is among `ids`.
pub fn uses_only(expr: &Expr, ids: &dyn Fn(ColumnId) -> bool) -> bool {
    expr.columns().into_iter().all(ids)
}
