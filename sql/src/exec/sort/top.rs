//! The first rows of an order, kept while rows come: what is behind the worst kept row is dropped.
//!
//! Invariant: a dropped row comes after at least `limit` rows that are kept.

use std::collections::BinaryHeap;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::{concat, take};
use roost_engine::types::DataType;

use super::Order;
use super::encode;
use super::order;
use crate::exec::batch::Batch;
use crate::exec::context::ExecContext;
use crate::exec::gather::Gathered;
use crate::exec::memory::Reservation;
use crate::exec::pushed::{Threshold, upper};

/// Up to this limit every batch tells the threshold what it has.
const LEARN_ROWS: usize = 1024;

/// What the workers share.
pub(super) struct Top<'a> {
    order: &'a Order,
    limit: usize,
    ctx: &'a ExecContext,
    threshold: &'a Threshold,
}

/// One worker's candidates.
pub(super) struct Worker<'a> {
    top: &'a Top<'a>,
    types: &'a [DataType],
    candidates: Vec<Batch>,
    rows: usize,
    seen: u64,
    /// The best first words that were seen, when the limit is small.
    best: BinaryHeap<u64>,
    memory: Reservation,
}

impl<'a> Top<'a> {
    pub(super) fn new(
        order: &'a Order,
        limit: usize,
        threshold: &'a Threshold,
        ctx: &'a ExecContext,
    ) -> Self {
        Top {
            order,
            limit,
            ctx,
            threshold,
        }
    }

    pub(super) fn worker(&'a self, types: &'a [DataType]) -> Worker<'a> {
        Worker {
            top: self,
            types,
            candidates: Vec::new(),
            rows: 0,
            seen: 0,
            best: BinaryHeap::new(),
            memory: Reservation::empty(&self.ctx.memory),
        }
    }
}

impl Worker<'_> {
    pub(super) fn add(&mut self, batch: Batch) -> Result<()> {
        self.seen += batch.rows as u64;
        if batch.rows == 0 || self.top.limit == 0 {
            return Ok(());
        }
        let Some(batch) = self.good_enough(batch)? else {
            return Ok(());
        };
        self.memory.add(batch.memory_bytes())?;
        self.rows += batch.rows;
        self.candidates.push(batch);
        if self.rows >= (self.top.limit * 4).max(16_384) {
            self.shrink()?;
        }
        Ok(())
    }

    /// The rows of a batch that may be among the first; the threshold learns of them.
    fn good_enough(&mut self, batch: Batch) -> Result<Option<Batch>> {
        let worst = self.top.threshold.worst();
        if worst.is_none() && self.top.limit > LEARN_ROWS {
            return Ok(Some(batch));
        }
        let keys = self.top.order.keys(&batch.columns, batch.rows)?;
        let words = encode::keys(keys, false).words(batch.rows);
        if self.top.limit <= LEARN_ROWS {
            self.learn((0..batch.rows).map(|row| upper(&words, row)));
        }
        let worst = self.top.threshold.worst().unwrap_or(u64::MAX);
        let rows = 0..batch.rows as u32;
        let kept = rows.filter(|row| upper(&words, *row as usize) <= worst);
        let kept: Vec<u32> = kept.collect();
        Ok(match kept.len() {
            0 => None,
            n if n == batch.rows => Some(batch),
            _ => Some(batch.take(&kept)),
        })
    }

    /// The worst of the best words so far is what later rows must reach.
    fn learn(&mut self, words: impl Iterator<Item = u64>) {
        for word in words {
            if self.best.len() < self.top.limit {
                self.best.push(word);
            } else if let Some(mut worst) = self.best.peek_mut()
                && word < *worst
            {
                *worst = word;
            }
        }
        if let Some(worst) = self
            .best
            .peek()
            .filter(|_| self.best.len() == self.top.limit)
        {
            self.top.threshold.tighten(*worst);
        }
    }

    /// Keeps the first rows of the candidates only.
    fn shrink(&mut self) -> Result<()> {
        let columns = (0..self.types.len()).map(|i| {
            let parts: Vec<&Column> = self.candidates.iter().map(|b| &b.columns[i]).collect();
            concat::concat(&parts, &self.types[i])
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let keys = encode::keys(self.top.order.keys(&columns, self.rows)?, false);
        let inline = ExecContext {
            threads: 1,
            ..self.top.ctx.clone()
        };
        let first = order::order(&keys, self.rows, Some(self.top.limit), &inline)?;
        if first.len() == self.top.limit
            && let Some(last) = first.last()
        {
            let worst = upper(&keys.words(self.rows), *last as usize);
            self.top.threshold.tighten(worst);
        }
        let columns: Vec<Column> = columns.iter().map(|c| take::take(c, &first)).collect();
        let ticket = self.candidates.first().map_or(0, |b| b.ticket);
        let mut kept = Batch::new(columns, first.len());
        kept.ticket = ticket;
        self.memory.set(kept.memory_bytes())?;
        self.rows = kept.rows;
        self.candidates = vec![kept];
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Gathered> {
        if self.rows > self.top.limit {
            self.shrink()?;
        }
        Ok(Gathered {
            batches: self.candidates,
            memory: self.memory,
            seen: self.seen,
        })
    }
}
