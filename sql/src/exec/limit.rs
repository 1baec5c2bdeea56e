//! Operators that see rows one batch after the other, in order: LIMIT, LIMIT BY, DISTINCT.
//!
//! Invariant: they run on the calling thread and stop their input as soon as they have enough.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::compare::compare;

use super::batch::Batch;
use super::context::ExecContext;
use super::drive::Flow;
use super::memory::Reservation;
use super::operator::{Cursor, Operator};
use super::sort::Order;
use crate::eval::Evaluator;
use crate::eval::groups::Groups;
use crate::expr::ColumnId;
use crate::plan::{Distinct, Limit, LimitBy, OutputColumn};

/// Where rows go next.
pub(crate) type Sink<'a> = dyn FnMut(Batch) -> Result<Flow> + 'a;

/// LIMIT and OFFSET, with ties.
pub(crate) struct LimitState {
    skip: u64,
    left: Option<u64>,
    ties: Option<Order>,
    /// Keys of the last row inside the limit.
    last: Option<Vec<Column>>,
    seen: u64,
}

impl LimitState {
    pub(crate) fn new(limit: &Limit, ids: &[ColumnId]) -> Result<Self> {
        let ties = match (limit.ties.is_empty(), limit.limit) {
            (false, Some(_)) => Some(Order::new(&limit.ties, ids)?),
            _ => None,
        };
        Ok(LimitState {
            skip: limit.offset,
            left: limit.limit,
            ties,
            last: None,
            seen: 0,
        })
    }

    /// Rows that came in.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Rows that need not come in at all.
    pub(crate) fn to_skip(&self) -> u64 {
        self.skip
    }

    /// So many of them did not.
    pub(crate) fn skipped(&mut self, rows: u64) {
        self.skip = self.skip.saturating_sub(rows);
        self.seen += rows;
    }

    /// Whether no row can pass any more, before any came.
    pub(crate) fn is_nothing(&self) -> bool {
        self.left == Some(0)
    }

    pub(crate) fn push(&mut self, batch: Batch, sink: &mut Sink<'_>) -> Result<Flow> {
        self.seen += batch.rows as u64;
        let skipped = self.skip.min(batch.rows as u64) as usize;
        self.skip -= skipped as u64;
        let batch = match skipped {
            0 => batch,
            n => batch.slice(n, batch.rows - n),
        };
        if batch.rows == 0 {
            return Ok(Flow::Continue);
        }
        let Some(left) = self.left else {
            return sink(batch);
        };
        let keep = left.min(batch.rows as u64) as usize;
        self.left = Some(left - keep as u64);
        if keep == 0 && self.ties.is_none() {
            return Ok(Flow::Stop);
        }
        let end = self.with_ties(&batch, keep)?;
        let done = self.left == Some(0) && (self.ties.is_none() || end < batch.rows);
        let whole = end == batch.rows;
        let flow = match (end, whole) {
            (0, _) => Flow::Continue,
            (_, true) => sink(batch)?,
            (n, false) => sink(batch.slice(0, n))?,
        };
        Ok(if done { Flow::Stop } else { flow })
    }

    /// How many rows pass when rows equal to the last one do as well.
    fn with_ties(&mut self, batch: &Batch, keep: usize) -> Result<usize> {
        let Some(order) = &self.ties else {
            return Ok(keep);
        };
        if self.left != Some(0) {
            return Ok(keep);
        }
        let keys = order.keys(&batch.columns, batch.rows)?;
        if keep > 0 {
            self.last = Some(keys.iter().map(|k| k.column.slice(keep - 1, 1)).collect());
        }
        let Some(last) = &self.last else {
            return Ok(keep);
        };
        let tied = |row: usize| {
            let pairs = keys.iter().zip(last);
            pairs
                .clone()
                .all(|(k, l)| compare(&k.column, row, l, 0).is_eq())
        };
        Ok((keep..batch.rows)
            .find(|row| !tied(*row))
            .unwrap_or(batch.rows))
    }
}

/// Rows of each group that were seen.
pub(crate) struct LimitByState {
    by: Evaluator,
    groups: Groups,
    seen: Vec<u64>,
    ids: Vec<u32>,
    from: u64,
    to: u64,
    memory: Reservation,
}

impl LimitByState {
    pub(crate) fn new(limit: &LimitBy, ids: &[ColumnId], ctx: &ExecContext) -> Result<Self> {
        let types: Vec<_> = limit.by.iter().map(|e| e.ty().clone()).collect();
        Ok(LimitByState {
            by: Evaluator::new(&limit.by, ids)?,
            groups: Groups::new(&types),
            seen: Vec::new(),
            ids: Vec::new(),
            from: limit.offset,
            to: limit.offset.saturating_add(limit.limit),
            memory: Reservation::empty(&ctx.memory),
        })
    }

    pub(crate) fn push(&mut self, batch: Batch, sink: &mut Sink<'_>) -> Result<Flow> {
        let keys = self.by.evaluate(&batch.columns, batch.rows)?;
        self.groups.assign(&keys, batch.rows, &mut self.ids)?;
        self.seen.resize(self.groups.len(), 0);
        self.memory
            .set(self.groups.memory_bytes() + self.seen.capacity() * 8)?;
        let mut kept = Vec::new();
        for (row, id) in self.ids.iter().enumerate() {
            let seen = &mut self.seen[*id as usize];
            if (self.from..self.to).contains(seen) {
                kept.push(row as u32);
            }
            *seen += 1;
        }
        forward(batch, &kept, sink)
    }
}

fn forward(batch: Batch, kept: &[u32], sink: &mut Sink<'_>) -> Result<Flow> {
    match kept.len() {
        0 => Ok(Flow::Continue),
        n if n == batch.rows => sink(batch),
        _ => sink(batch.take(kept)),
    }
}

/// Rows that were seen.
pub(crate) struct DistinctState {
    on: Vec<usize>,
    groups: Groups,
    ids: Vec<u32>,
    memory: Reservation,
}

impl DistinctState {
    pub(crate) fn new(
        distinct: &Distinct,
        input: &[OutputColumn],
        ctx: &ExecContext,
    ) -> Result<Self> {
        let place = |id: &ColumnId| input.iter().position(|c| c.id == *id);
        let on: Vec<usize> = distinct.on.iter().filter_map(place).collect();
        let types: Vec<_> = on.iter().map(|p| input[*p].ty.clone()).collect();
        Ok(DistinctState {
            on,
            groups: Groups::new(&types),
            ids: Vec::new(),
            memory: Reservation::empty(&ctx.memory),
        })
    }

    /// The rows of the batch that were not seen before.
    pub(crate) fn fresh(&mut self, batch: &Batch) -> Result<Vec<u32>> {
        let keys: Vec<Column> = self.on.iter().map(|p| batch.columns[*p].clone()).collect();
        let mut next = self.groups.len() as u32;
        self.groups.assign(&keys, batch.rows, &mut self.ids)?;
        self.memory.set(self.groups.memory_bytes())?;
        let mut kept = Vec::new();
        for (row, id) in self.ids.iter().enumerate() {
            if *id == next {
                kept.push(row as u32);
                next += 1;
            }
        }
        Ok(kept)
    }

    pub(crate) fn push(&mut self, batch: Batch, sink: &mut Sink<'_>) -> Result<Flow> {
        let kept = self.fresh(&batch)?;
        forward(batch, &kept, sink)
    }
}

/// Distinct rows of each worker: most repetitions end here.
pub(crate) struct DistinctOperator<'a> {
    pub(crate) input: Arc<dyn Operator>,
    pub(crate) distinct: &'a Distinct,
    pub(crate) outputs: &'a [OutputColumn],
    pub(crate) ctx: &'a ExecContext,
}

/// A worker that has seen so many different rows lets all others pass.
const MOST_SEEN: usize = 1 << 20;

impl Operator for DistinctOperator<'_> {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(DistinctCursor {
            input: self.input.cursor()?,
            state: DistinctState::new(self.distinct, self.outputs, self.ctx)?,
        }))
    }

    fn is_small(&self) -> bool {
        self.input.is_small()
    }
}

struct DistinctCursor<'a> {
    input: Box<dyn Cursor + 'a>,
    state: DistinctState,
}

impl Cursor for DistinctCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        match self.input.next()? {
            Some(batch) if batch.rows > 0 && self.state.groups.len() < MOST_SEEN => {
                let kept = self.state.fresh(&batch)?;
                Ok(Some(match kept.len() == batch.rows {
                    true => batch,
                    false => batch.take(&kept),
                }))
            }
            other => Ok(other),
        }
    }
}
