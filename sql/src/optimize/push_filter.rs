//! Moves filters towards the scans: through projections, grouping keys, unions, array joins, joins.
//!
//! Invariant: a predicate is moved below a node only when the node would drop or keep the same rows
//! either way; a predicate that is not deterministic stays where it was written.

use roost_engine::error::Result;

use super::fold::all_of;
use super::push_join::push_into_join;
use super::take;
use crate::bind::rewrite::{conjuncts, replace_columns, uses_only};
use crate::expr::{ColumnId, ColumnMap, ColumnSet, Expr};
use crate::functions::BindContext;
use crate::plan::{Filter, Plan, Query};

/// The rule.
pub(super) fn rule(query: &mut Query, context: &BindContext) -> Result<()> {
    let plan = take(&mut query.plan);
    query.plan = push(plan, Vec::new(), context)?;
    Ok(())
}

/// `plan` with the predicates applied, as deep as they go.
pub(super) fn push(plan: Plan, wanted: Vec<Expr>, context: &BindContext) -> Result<Plan> {
    let (movable, fixed): (Vec<Expr>, Vec<Expr>) =
        wanted.into_iter().partition(Expr::is_deterministic);
    let plan = push_movable(plan, movable, context)?;
    above(plan, fixed, context)
}

/// A filter of all predicates on top of `plan`, or `plan`.
pub(super) fn above(plan: Plan, predicates: Vec<Expr>, context: &BindContext) -> Result<Plan> {
    Ok(match all_of(predicates, context)? {
        None => plan,
        Some(predicate) => Plan::Filter(Box::new(Filter {
            input: plan,
            predicate,
        })),
    })
}

fn push_movable(plan: Plan, wanted: Vec<Expr>, context: &BindContext) -> Result<Plan> {
    match plan {
        Plan::Filter(filter) => {
            let mut all = conjuncts(&filter.predicate);
            if !all.iter().all(Expr::is_deterministic) {
                // Later predicates must not run on rows that this one has not let through.
                let input = push(filter.input, Vec::new(), context)?;
                let kept = above(input, all, context)?;
                return above(kept, wanted, context);
            }
            all.extend(wanted);
            push_movable(filter.input, all, context)
        }
        Plan::Scan(mut scan) => {
            let mut all: Vec<Expr> = scan.filter.iter().flat_map(conjuncts).collect();
            all.extend(wanted);
            scan.filter = all_of(all, context)?;
            Ok(Plan::Scan(scan))
        }
        Plan::Values(_) => above(plan, wanted, context),
        Plan::Project(mut project) => {
            if wanted.is_empty() {
                project.input = push(project.input, wanted, context)?;
                return Ok(Plan::Project(project));
            }
            let map: ColumnMap<&Expr> = project.exprs.iter().map(|(id, e)| (*id, e)).collect();
            let (below, kept): (Vec<Expr>, Vec<Expr>) = wanted.into_iter().partition(|p| {
                let used = p.columns();
                used.iter()
                    .all(|id| map.get(id).is_none_or(|e| e.is_deterministic()))
            });
            let below = below
                .iter()
                .map(|p| replace_columns(p, &|id| map.get(&id).copied().cloned()))
                .collect();
            project.input = push(project.input, below, context)?;
            above(Plan::Project(project), kept, context)
        }
        Plan::Aggregate(mut node) => {
            let simple = node.grouping_sets.is_empty() && !node.with_totals;
            let keys: ColumnMap<Expr> = match simple {
                true => node.keys.iter().cloned().collect(),
                false => ColumnMap::default(),
            };
            let (below, kept) = split(wanted, |id| {
                keys.get(&id).is_some_and(Expr::is_deterministic)
            });
            let below = below
                .iter()
                .map(|p| replace_columns(p, &|id| keys.get(&id).cloned()))
                .collect();
            node.input = push(node.input, below, context)?;
            above(Plan::Aggregate(node), kept, context)
        }
        Plan::Window(mut node) => {
            let shared = partition_columns(&node);
            let (below, kept) = split(wanted, |id| shared.contains(&id));
            node.input = push(node.input, below, context)?;
            above(Plan::Window(node), kept, context)
        }
        Plan::Sort(mut node) => {
            let fills = node.keys.iter().any(|k| k.fill.is_some());
            let (below, kept) = split(wanted, |_| !fills && node.limit.is_none());
            node.input = push(node.input, below, context)?;
            above(Plan::Sort(node), kept, context)
        }
        Plan::Limit(mut node) => {
            node.input = push(node.input, Vec::new(), context)?;
            above(Plan::Limit(node), wanted, context)
        }
        Plan::LimitBy(mut node) => {
            let by = plain_columns(&node.by);
            let (below, kept) = split(wanted, |id| by.contains(&id));
            node.input = push(node.input, below, context)?;
            above(Plan::LimitBy(node), kept, context)
        }
        Plan::Distinct(mut node) => {
            let (below, kept) = split(wanted, |id| node.on.contains(&id));
            node.input = push(node.input, below, context)?;
            above(Plan::Distinct(node), kept, context)
        }
        Plan::Union(mut node) => {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for (input, ids) in node.inputs {
                let own = |id: ColumnId| {
                    let at = node.columns.iter().position(|c| c.id == id)?;
                    Some(Expr::Column(*ids.get(at)?, node.columns[at].ty.clone()))
                };
                let below = wanted.iter().map(|p| replace_columns(p, &own)).collect();
                inputs.push((push(input, below, context)?, ids));
            }
            node.inputs = inputs;
            Ok(Plan::Union(node))
        }
        Plan::Join(node) => push_into_join(*node, wanted, context),
        Plan::ArrayJoin(mut node) => {
            let made: ColumnSet = node.arrays.iter().map(|(id, _)| *id).collect();
            let (below, kept) = split(wanted, |id| !made.contains(&id));
            node.input = push(node.input, below, context)?;
            above(Plan::ArrayJoin(node), kept, context)
        }
    }
}

/// Predicates that use only columns that may go below, and the others. A predicate without columns
/// stays: it might fail where no row would have asked it.
fn split(wanted: Vec<Expr>, may: impl Fn(ColumnId) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    wanted
        .into_iter()
        .partition(|p| !p.columns().is_empty() && uses_only(p, &may))
}

fn plain_columns(exprs: &[Expr]) -> ColumnSet {
    let ids = exprs.iter().filter_map(|e| match e {
        Expr::Column(id, _) => Some(*id),
        _ => None,
    });
    ids.collect()
}

/// Columns by which every window is partitioned.
fn partition_columns(node: &crate::plan::Window) -> ColumnSet {
    let mut all = node
        .functions
        .iter()
        .map(|(_, call)| plain_columns(&call.partition_by));
    let Some(first) = all.next() else {
        return ColumnSet::default();
    };
    all.fold(first, |kept, one| {
        kept.intersection(&one).copied().collect()
    })
}
