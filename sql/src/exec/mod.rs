//! Runs plans: morsels of a source are pulled through pipelines of operators by several workers.
//!
//! Invariant: answers do not depend on the number of workers, except for the order of rows that
//! the query leaves open; every operator that holds rows answers to the query's memory budget.

mod aggregate;
mod batch;
mod build;
pub mod context;
mod drive;
mod fill;
mod gather;
mod held;
mod join;
mod limit;
pub mod memory;
mod operator;
mod pushed;
mod scan;
mod sets;
mod shared;
mod sort;
mod stages;
#[cfg(test)]
mod tests;
mod window;

pub use context::{Aside, CancelToken, ExecContext, Progress};
pub use drive::Flow;
pub use memory::MemoryTracker;

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};

use self::batch::Batch;
use self::build::Builder;
use crate::plan::Query;

/// What is known of an answer beside its rows.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// The row of WITH TOTALS.
    pub totals: Option<Block>,
    /// Rows there would be without LIMIT (at least), when there is one.
    pub rows_before_limit: Option<u64>,
}

/// The answer's schema.
pub fn schema_of(query: &Query) -> Result<Arc<Schema>> {
    let outputs = query.plan.outputs();
    let fields = query.columns.iter().map(|(name, id)| {
        let output = outputs.iter().find(|o| o.id == *id);
        let output = output.ok_or_else(|| Error::bug(format!("no column for {name}")))?;
        Ok(Field::new(name.clone(), output.ty.clone()))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
}

/// Runs the query and hands its blocks to `sink` in order, until it says stop.
///
/// # Errors
/// The first error of any worker; MEMORY_LIMIT_EXCEEDED, QUERY_WAS_CANCELLED or TIMEOUT_EXCEEDED
/// when the context says so; whatever `sink` returns.
pub fn execute(
    query: &Query,
    ctx: &ExecContext,
    sink: &mut dyn FnMut(Block) -> Result<Flow>,
) -> Result<Totals> {
    execute_as(&schema_of(query)?, query, ctx, sink)
}

/// [`execute`] for who knows the answer's schema already.
pub fn execute_as(
    schema: &Arc<Schema>,
    query: &Query,
    ctx: &ExecContext,
    sink: &mut dyn FnMut(Block) -> Result<Flow>,
) -> Result<Totals> {
    let ids = build::ids(&query.plan);
    let places = query.columns.iter().map(|(_, wanted)| {
        let place = ids.iter().position(|id| id == wanted);
        place.ok_or_else(|| Error::bug("an answer's column is not an output"))
    });
    let places = places.collect::<Result<Vec<_>>>()?;
    let to_block = |batch: &Batch| {
        let columns: Vec<Column> = places.iter().map(|p| batch.columns[*p].clone()).collect();
        Block::new(Arc::clone(schema), columns, batch.rows)
    };
    ctx.check()?;
    let mut held = memory::Reservation::empty(&ctx.memory);
    shared::prepare(&query.plan, ctx, &mut held)?;
    let ended = Builder::new(ctx).push(&query.plan, &mut |batch| sink(to_block(&batch)?))?;
    Ok(Totals {
        totals: ended.totals.as_ref().map(to_block).transpose()?,
        rows_before_limit: ended.rows_before_limit,
    })
}

/// Runs the query; all of its rows as one block.
pub fn collect(query: &Query, ctx: &ExecContext) -> Result<Block> {
    let mut blocks = Vec::new();
    let mut memory = memory::Reservation::empty(&ctx.memory);
    execute(query, ctx, &mut |block| {
        memory.add(block.memory_bytes())?;
        blocks.push(block);
        Ok(Flow::Continue)
    })?;
    Block::concat(schema_of(query)?, &blocks)
}
