//! Sorting: all rows are gathered and ordered, or only the first ones are kept as rows come.
//!
//! Invariant: the answer is a permutation of the input (or its first rows), stable by the input's
//! order when one worker reads.

pub(crate) mod encode;
pub(crate) mod order;
mod ranks;
#[cfg(test)]
mod tests;
mod top;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::sort::SortKey;
use roost_engine::types::DataType;

use super::context::ExecContext;
use super::drive;
use super::gather::{gather, join};
use super::held::Held;
use super::memory::Reservation;
use super::operator::{Stream, Tickets};
use super::pushed::Threshold;
use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::plan::SortExpr;

/// A limit up to which rows are thrown away as they come.
pub(super) const TOP_ROWS: u64 = 100_000;

/// Key expressions of an order.
pub(crate) struct Order {
    exprs: Evaluator,
    shape: Vec<(bool, bool)>,
}

impl Order {
    pub(crate) fn new(keys: &[SortExpr], ids: &[ColumnId]) -> Result<Self> {
        let exprs: Vec<Expr> = keys.iter().map(|k| k.expr.clone()).collect();
        Ok(Order {
            exprs: Evaluator::new(&exprs, ids)?,
            shape: keys.iter().map(|k| (k.descending, k.nulls_first)).collect(),
        })
    }

    /// The keys of some rows.
    pub(crate) fn keys(&self, columns: &[Column], rows: usize) -> Result<Vec<SortKey>> {
        let values = self.exprs.evaluate(columns, rows)?;
        let shaped = values.into_iter().zip(&self.shape);
        Ok(shaped
            .map(|(column, (descending, nulls_first))| SortKey {
                column,
                descending: *descending,
                nulls_first: *nulls_first,
            })
            .collect())
    }
}

/// Sorted rows, cut into batches when they are pulled, and how many rows came in.
pub(crate) fn run(
    keys: &[SortExpr],
    limit: Option<u64>,
    input: &Stream,
    types: &[DataType],
    threshold: &Threshold,
    tickets: Tickets,
    ctx: &ExecContext,
) -> Result<(Held, u64)> {
    let order = Order::new(keys, &input.ids)?;
    let limit_rows = limit.map(|l| usize::try_from(l).unwrap_or(usize::MAX));
    let (columns, rows, mut memory, seen) = match limit {
        Some(limit) if limit <= TOP_ROWS => {
            let top = top::Top::new(&order, limit as usize, threshold, ctx);
            let gathered = drive::on_workers(input.operator.as_ref(), ctx, |feed| {
                let mut worker = top.worker(types);
                while let Some(batch) = feed.next()? {
                    worker.add(batch)?;
                }
                worker.finish()
            })?;
            let seen = gathered.iter().map(|g| g.seen).sum();
            let (columns, rows, memory) = join(gathered, types, ctx)?;
            (columns, rows, memory, seen)
        }
        _ => {
            let (columns, rows, memory) = gather(input, types, ctx)?;
            (columns, rows, memory, rows as u64)
        }
    };
    let mut words = Reservation::empty(&ctx.memory);
    words.add(rows * 20)?;
    let keys = encode::keys(order.keys(&columns, rows)?, true);
    let permutation = order::order(&keys, rows, limit_rows, ctx)?;
    words.set(permutation.len() * 4)?;
    memory.push(words);
    Ok((
        Held::new(columns, rows, tickets, memory).ordered(permutation),
        seen,
    ))
}
