//! Optimizes the subqueries behind IN.
//!
//! Invariant: expressions that shared a set share it still, so that it is filled once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use roost_engine::error::Result;

use crate::expr::{Expr, InSet, SetSource};
use crate::functions::BindContext;
use crate::plan::{Plan, Query};

type Sets = HashMap<usize, Arc<SetSource>>;

/// The rule.
pub(super) fn rule(query: &mut Query, context: &BindContext) -> Result<()> {
    node(&mut query.plan, context, &mut Sets::new())
}

fn node(plan: &mut Plan, context: &BindContext, sets: &mut Sets) -> Result<()> {
    for input in plan.inputs_mut() {
        node(input, context, sets)?;
    }
    let mut failed = None;
    plan.for_each_expr_mut(&mut |expr| {
        if failed.is_none() && has_subquery(expr) {
            match rewritten(expr, context, sets) {
                Ok(new) => *expr = new,
                Err(e) => failed = Some(e),
            }
        }
    });
    failed.map_or(Ok(()), Err)
}

fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e, Expr::In(set) if set.set.plan.is_some()));
    found
}

fn rewritten(expr: &Expr, context: &BindContext, sets: &mut Sets) -> Result<Expr> {
    let mut failed = None;
    let new = expr.rewrite(&mut |e| match e {
        Expr::In(set) if failed.is_none() => match optimized(set, context, sets) {
            Ok(new) => new,
            Err(e) => {
                failed = Some(e);
                None
            }
        },
        _ => None,
    });
    failed.map_or(Ok(new), Err)
}

fn optimized(set: &InSet, context: &BindContext, sets: &mut Sets) -> Result<Option<Expr>> {
    let Some(plan) = &set.set.plan else {
        return Ok(None);
    };
    let place = Arc::as_ptr(&set.set) as usize;
    let source = match sets.get(&place) {
        Some(known) => Arc::clone(known),
        None => {
            let columns = plan.outputs().into_iter().map(|c| (String::new(), c.id));
            let query = Query {
                columns: columns.collect(),
                plan: plan.clone(),
            };
            let source = Arc::new(SetSource {
                types: set.set.types.clone(),
                plan: Some(super::optimize(query, context)?.plan),
                rows: OnceLock::new(),
            });
            sets.insert(place, Arc::clone(&source));
            source
        }
    };
    Ok(Some(Expr::In(Arc::new(InSet {
        needle: set.needle.clone(),
        set: source,
        negated: set.negated,
        ty: set.ty.clone(),
    }))))
}
