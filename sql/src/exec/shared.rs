//! Runs the plans that several places of a query read, before the query itself.
//!
//! Invariant: each runs once, after those that it reads; its rows count against the query's memory
//! until the query ends.

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::column::Column;
use roost_engine::error::Result;

use super::build::{self, Builder};
use super::context::ExecContext;
use super::drive::Flow;
use super::memory::Reservation;
use super::sets;
use crate::plan::{Plan, SharedSource, TableSource, as_shared};

/// Makes everything that must be there before `plan` starts: shared rows, then the sets of IN.
pub(crate) fn prepare(plan: &Plan, ctx: &ExecContext, held: &mut Reservation) -> Result<()> {
    for source in plan.shared() {
        if let Some(shared) = as_shared(source.as_ref())
            && !shared.is_filled()
        {
            fill(shared, ctx, held)?;
        }
    }
    sets::fill(plan, ctx, held)
}

fn fill(shared: &SharedSource, ctx: &ExecContext, held: &mut Reservation) -> Result<()> {
    let plan = shared.plan();
    prepare(&plan, ctx, held)?;
    let ids = build::ids(&plan);
    let places: Vec<Option<usize>> = shared
        .outputs()
        .iter()
        .map(|c| ids.iter().position(|id| *id == c.id))
        .collect();
    let schema = shared.schema();
    let mut blocks = Vec::new();
    Builder::new(ctx).push(&plan, &mut |batch| {
        held.add(batch.memory_bytes())?;
        let columns = places
            .iter()
            .zip(&schema.fields)
            .map(|(place, field)| match place {
                Some(place) => batch.columns[*place].clone(),
                // Nobody reads it.
                None => Column::defaults(&field.ty, batch.rows),
            });
        blocks.push(Block::new(
            Arc::clone(schema),
            columns.collect(),
            batch.rows,
        )?);
        Ok(Flow::Continue)
    })?;
    shared.fill(blocks);
    Ok(())
}
