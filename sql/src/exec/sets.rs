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
use super::shared;
use crate::expr::{Expr, SetSource};
use crate::plan::{Distinct, Plan};

/// Fills every set that the plan's expressions ask.
pub(crate) fn fill(plan: &Plan, ctx: &ExecContext, held: &mut Reservation) -> Result<()> {
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
    sets.iter().try_for_each(|set| fill_one(set, ctx, held))
}

fn fill_one(set: &SetSource, ctx: &ExecContext, held: &mut Reservation) -> Result<()> {
    let Some(plan) = &set.plan else {
        return Ok(());
    };
    shared::prepare(plan, ctx, held)?;
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
    plan.for_each_expr(visit);
    plan.inputs()
        .into_iter()
        .for_each(|input| walk(input, visit));
}
