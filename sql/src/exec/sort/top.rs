//! The first rows of an order, kept while rows come: what is behind the worst kept row is dropped.
//!
//! Invariant: a dropped row comes after at least `limit` rows that are kept.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::{concat, take};
use roost_engine::types::DataType;

use super::Order;
use super::encode::Keys;
use super::order;
use crate::exec::batch::Batch;
use crate::exec::context::ExecContext;
use crate::exec::gather::Gathered;
use crate::exec::memory::Reservation;
use crate::exec::pushed::{Threshold, upper};

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
        let batch = match self.top.threshold.worst() {
            None => batch,
            Some(worst) => {
                let keys = self.top.order.keys(&batch.columns, batch.rows)?;
                let words = Keys::new(keys, false).words(batch.rows);
                let rows = 0..batch.rows as u32;
                let kept: Vec<u32> = rows
                    .filter(|row| upper(&words, *row as usize) <= worst)
                    .collect();
                match kept.len() == batch.rows {
                    true => batch,
                    false => batch.take(&kept),
                }
            }
        };
        if batch.rows == 0 {
            return Ok(());
        }
        self.memory.add(batch.memory_bytes())?;
        self.rows += batch.rows;
        self.candidates.push(batch);
        if self.rows >= (self.top.limit * 4).max(16_384) {
            self.shrink()?;
        }
        Ok(())
    }

    /// Keeps the first rows of the candidates only.
    fn shrink(&mut self) -> Result<()> {
        let columns = (0..self.types.len()).map(|i| {
            let parts: Vec<&Column> = self.candidates.iter().map(|b| &b.columns[i]).collect();
            concat::concat(&parts, &self.types[i])
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let keys = Keys::new(self.top.order.keys(&columns, self.rows)?, false);
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
