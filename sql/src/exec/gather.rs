//! Rows of all workers in one place.
//!
//! Invariant: rows come in the order of their tickets, and are accounted for while they are held.

use roost_engine::column::Column;
use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::kernels::concat;
use roost_engine::types::DataType;

use super::batch::Batch;
use super::context::ExecContext;
use super::drive;
use super::memory::Reservation;
use super::operator::Stream;

/// Up to so many rows are put together by the caller: starting a thread costs more than it saves.
const SMALL_ROWS: usize = 32_768;

/// Batches of one worker and what they hold.
pub(crate) struct Gathered {
    pub(crate) batches: Vec<Batch>,
    pub(crate) memory: Reservation,
    /// Rows that came in.
    pub(crate) seen: u64,
}

/// All rows as one run of columns, in the order of their tickets.
pub(crate) fn gather(
    input: &Stream,
    types: &[DataType],
    ctx: &ExecContext,
) -> Result<(Vec<Column>, usize, Vec<Reservation>)> {
    let gathered = drive::on_workers(input.operator.as_ref(), ctx, |feed| {
        let mut mine = Gathered {
            batches: Vec::new(),
            memory: Reservation::empty(&ctx.memory),
            seen: 0,
        };
        while let Some(batch) = feed.next()? {
            if batch.rows > 0 {
                mine.memory.add(batch.memory_bytes())?;
                mine.batches.push(batch);
            }
        }
        Ok(mine)
    })?;
    join(gathered, types, ctx)
}

/// What the workers gathered as one run of columns.
pub(crate) fn join(
    gathered: Vec<Gathered>,
    types: &[DataType],
    ctx: &ExecContext,
) -> Result<(Vec<Column>, usize, Vec<Reservation>)> {
    let (mut batches, mut memory) = (Vec::new(), Vec::new());
    for one in gathered {
        batches.extend(one.batches);
        memory.push(one.memory);
    }
    // The sort is stable within a morsel as well.
    batches.sort_by_key(|b| b.ticket);
    let rows: usize = batches.iter().map(|b| b.rows).sum();
    if rows >= u32::MAX as usize {
        return Err(err!(
            TOO_MANY_ROWS,
            "{rows} rows are too many to be held at once"
        ));
    }
    let mut whole = Reservation::empty(&ctx.memory);
    if batches.len() > 1 {
        whole.add(batches.iter().map(Batch::memory_bytes).sum())?;
    }
    let column = |i: usize| {
        let parts: Vec<&Column> = batches.iter().map(|b| &b.columns[i]).collect();
        concat::concat(&parts, &types[i])
    };
    let columns = match batches.len() > 1 && rows > SMALL_ROWS {
        true => drive::tasks(ctx, types.len(), column)?,
        false => (0..types.len()).map(column).collect::<Result<_>>()?,
    };
    drop(batches);
    // A copy is held instead of the batches.
    if whole.bytes() > 0 {
        memory = vec![whole];
    }
    Ok((columns, rows, memory))
}
