//! Window functions: all rows are gathered and ordered by the window, then each function adds a
//! column.
//!
//! Invariant: rows come out in the order of the last window.

mod aggregate;
mod frame;
mod ranking;
mod running;
#[cfg(test)]
mod tests;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::sort::SortKey;
use roost_engine::kernels::take;
use roost_engine::types::DataType;

use self::frame::Parts;
use super::context::ExecContext;
use super::gather;
use super::memory::Reservation;
use super::operator::Stream;
use super::sort::Order;
use super::sort::encode;
use super::sort::order::order;
use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::plan::{SortExpr, Window, WindowCall, WindowFunction};

/// The rows with the functions' columns behind them, and what they hold.
pub(super) struct Windowed {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
    pub(super) memory: Vec<Reservation>,
}

/// Rows in a window's order, and where its partitions and peers are.
struct Rows<'a> {
    columns: &'a [Column],
    ids: &'a [ColumnId],
    rows: usize,
    parts: Parts,
    /// Values of the first ORDER BY key, for RANGE with an offset.
    first_key: Option<SortKey>,
    ctx: &'a ExecContext,
}

pub(super) fn run(
    window: &Window,
    input: &Stream,
    types: &[DataType],
    ctx: &ExecContext,
) -> Result<Windowed> {
    let (mut columns, rows, mut memory) = gather::gather(input, types, ctx)?;
    let ids = input.ids.clone();
    let mut done: Vec<Option<Column>> = vec![None; window.functions.len()];
    for calls in same_windows(window) {
        let call = &window.functions[calls[0]].1;
        let keys = window_keys(call, &columns, &ids, rows)?;
        if !keys.is_empty() {
            let keys = encode::keys(keys, true);
            let permutation = order(&keys, rows, None, ctx)?;
            let permute = |c: &Column| take::take(c, &permutation);
            columns = columns.iter().map(permute).collect();
            done.iter_mut().flatten().for_each(|c| *c = permute(c));
        }
        let keys = window_keys(call, &columns, &ids, rows)?;
        let first_key = keys.get(call.partition_by.len()).cloned();
        let parts = Parts::new(keys, call.partition_by.len(), rows);
        let in_window = Rows {
            columns: &columns,
            ids: &ids,
            rows,
            parts,
            first_key,
            ctx,
        };
        for place in calls {
            ctx.check()?;
            let column = in_window.function(&window.functions[place].1)?;
            let mut held = Reservation::empty(&ctx.memory);
            held.add(column.memory_bytes())?;
            memory.push(held);
            done[place] = Some(column);
        }
    }
    columns.extend(done.into_iter().flatten());
    Ok(Windowed {
        columns,
        rows,
        memory,
    })
}

/// Functions by window, in the order of their first appearance.
fn same_windows(window: &Window) -> Vec<Vec<usize>> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (place, (_, call)) in window.functions.iter().enumerate() {
        let partition = call.partition_by.iter().map(ToString::to_string);
        let order = call.order_by.iter().map(|k| {
            let SortExpr {
                expr,
                descending,
                nulls_first,
                ..
            } = k;
            format!("{expr} {descending} {nulls_first}")
        });
        let text = format!(
            "{:?} {:?}",
            partition.collect::<Vec<_>>(),
            order.collect::<Vec<_>>()
        );
        match groups.iter_mut().find(|g| g.0 == text) {
            Some(group) => group.1.push(place),
            None => groups.push((text, vec![place])),
        }
    }
    groups.into_iter().map(|g| g.1).collect()
}

/// PARTITION BY, then ORDER BY.
fn window_keys(
    call: &WindowCall,
    columns: &[Column],
    ids: &[ColumnId],
    rows: usize,
) -> Result<Vec<SortKey>> {
    let partition = call.partition_by.iter().map(|expr| SortExpr {
        expr: expr.clone(),
        descending: false,
        nulls_first: false,
        fill: None,
    });
    let all: Vec<SortExpr> = partition.chain(call.order_by.iter().cloned()).collect();
    Order::new(&all, ids)?.keys(columns, rows)
}

impl Rows<'_> {
    fn function(&self, call: &WindowCall) -> Result<Column> {
        match &call.function {
            WindowFunction::Aggregate(function) => aggregate::column(self, call, function),
            WindowFunction::Ranking { name, args } => {
                let args = self.evaluate(args)?;
                ranking::column(self, call, name, &args)
            }
        }
    }

    fn evaluate(&self, exprs: &[Expr]) -> Result<Vec<Column>> {
        Evaluator::new(exprs, self.ids)?.evaluate(self.columns, self.rows)
    }
}
