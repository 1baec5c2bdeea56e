//! Projections of projections as one.
//!
//! Invariant: nothing is computed more often than before: an inner expression that is no plain
//! column moves only when it is used once.

use roost_engine::error::Result;

use super::transform_up;
use crate::bind::rewrite::replace_columns;
use crate::expr::{ColumnId, ColumnMap, Expr};
use crate::functions::BindContext;
use crate::plan::{Plan, Project, Query};

/// The rule.
pub(super) fn rule(query: &mut Query, _context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |plan| {
        Ok(match plan {
            Plan::Project(project) => merged(*project),
            other => other,
        })
    })
}

fn merged(mut outer: Project) -> Plan {
    let Plan::Project(inner) = outer.input else {
        return Plan::Project(Box::new(outer));
    };
    let uses = uses(&outer.exprs);
    let may = inner.exprs.iter().all(|(id, expr)| {
        let trivial = matches!(expr, Expr::Column(..) | Expr::Literal(..));
        let times = uses.get(id).copied().unwrap_or(0);
        trivial || times == 0 || (times == 1 && expr.is_deterministic())
    });
    if !may {
        outer.input = Plan::Project(inner);
        return Plan::Project(Box::new(outer));
    }
    let map: ColumnMap<Expr> = inner.exprs.into_iter().collect();
    for (_, expr) in &mut outer.exprs {
        *expr = replace_columns(expr, &|id| map.get(&id).cloned());
    }
    outer.input = inner.input;
    Plan::Project(Box::new(outer))
}

/// How often each column is used; inside a lambda counts as often.
fn uses(exprs: &[(ColumnId, Expr)]) -> ColumnMap<usize> {
    let mut uses = ColumnMap::default();
    for (_, expr) in exprs {
        let mut in_lambda = Vec::new();
        expr.walk(&mut |e| match e {
            Expr::Column(id, _) => *uses.entry(*id).or_insert(0) += 1,
            Expr::Lambda(lambda) => in_lambda.extend(lambda.body.columns()),
            _ => {}
        });
        for id in in_lambda {
            *uses.entry(id).or_insert(0) += 2;
        }
    }
    uses
}
