//! Sets of IN over subqueries: filled before the plan that asks them starts.
//!
//! Invariant: a set is filled at most once.

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::error::Result;

use super::build::{self, Builder};
use super::context::ExecContext;
use super::drive::Flow;
use super::limit::DistinctState;
use super::memory::Reservation;
use crate::expr::{Expr, SetSource};
use crate::plan::{Distinct, Plan};

/// Fills every set that the plan's expressions ask.
pub(crate) fn fill(plan: &Plan, ctx: &ExecContext) -> Result<()> {
    let mut sets: Vec<Arc<SetSource>> = Vec::new();
    walk(plan, &mut |expr| {
        expr.walk(&mut |e| {
            if let Expr::In(set) = e
                && set.set.rows.get().is_none()
                && !sets.iter().any(|s| Arc::ptr_eq(s, &set.set))
            {
                sets.push(Arc::clone(&set.set));
            }
        });
    });
    sets.iter().try_for_each(|set| fill_one(set, ctx))
}

fn fill_one(set: &SetSource, ctx: &ExecContext) -> Result<()> {
    let Some(plan) = &set.plan else {
        return Ok(());
    };
    fill(plan, ctx)?;
    let outputs = plan.outputs();
    let fields = outputs.iter().map(|c| Field::new("", c.ty.clone()));
    let schema = Schema::new(fields.collect());
    let mut memory = Reservation::empty(&ctx.memory);
    let all = Distinct {
        input: plan.clone(),
        on: build::ids(plan),
    };
    let mut seen = DistinctState::new(&all, &outputs, ctx)?;
    let mut blocks = Vec::new();
    Builder::new(ctx).push(plan, &mut |batch| {
        let fresh = seen.fresh(&batch)?;
        let batch = batch.take(&fresh);
        memory.add(batch.memory_bytes())?;
        let columns: Vec<Column> = batch.columns;
        blocks.push(Block::new(Arc::clone(&schema), columns, batch.rows)?);
        Ok(Flow::Continue)
    })?;
    let rows = Block::concat(schema, &blocks)?;
    // Somebody else may have been faster; the rows are the same.
    let _ = set.rows.set(Arc::new(rows));
    Ok(())
}

/// Visits every expression of the plan.
fn walk(plan: &Plan, visit: &mut dyn FnMut(&Expr)) {
    match plan {
        Plan::Scan(s) => s.filter.iter().for_each(&mut *visit),
        Plan::Filter(f) => visit(&f.predicate),
        Plan::Project(p) => p.exprs.iter().for_each(|(_, e)| visit(e)),
        Plan::Aggregate(a) => {
            a.keys.iter().for_each(|(_, e)| visit(e));
            let calls = a.aggregates.iter().flat_map(|(_, c)| &c.args);
            calls.for_each(&mut *visit);
        }
        Plan::Window(w) => {
            for (_, call) in &w.functions {
                call.partition_by.iter().for_each(&mut *visit);
                call.order_by.iter().for_each(|k| visit(&k.expr));
                match &call.function {
                    crate::plan::WindowFunction::Aggregate(a) => {
                        a.args.iter().for_each(&mut *visit)
                    }
                    crate::plan::WindowFunction::Ranking { args, .. } => {
                        args.iter().for_each(&mut *visit);
                    }
                }
            }
        }
        Plan::Sort(s) => s.keys.iter().for_each(|k| visit(&k.expr)),
        Plan::Limit(l) => l.ties.iter().for_each(|k| visit(&k.expr)),
        Plan::LimitBy(l) => l.by.iter().for_each(&mut *visit),
        Plan::Join(j) => {
            j.on.iter().for_each(|(a, b)| {
                visit(a);
                visit(b);
            });
            j.residual.iter().for_each(&mut *visit);
            if let Some((a, b, _)) = &j.asof {
                visit(a);
                visit(b);
            }
        }
        Plan::ArrayJoin(a) => a.arrays.iter().for_each(|(_, e)| visit(e)),
        Plan::Values(_) | Plan::Distinct(_) | Plan::Union(_) => {}
    }
    plan.inputs()
        .into_iter()
        .for_each(|input| walk(input, visit));
}
