//! Operators over rows that are held in memory, and over several inputs one after the other.
//!
//! Invariant: rows come out in the order in which they are held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take;

use super::batch::Batch;
use super::memory::Reservation;
use super::operator::{Cursor, Operator, Tickets};

/// Rows of a batch that is cut from held columns.
pub(crate) const BATCH_ROWS: usize = 65_536;

/// Columns in memory, perhaps in another order than they are held.
pub(crate) struct Held {
    columns: Vec<Column>,
    rows: usize,
    /// Held rows in the order of output; `None`: as they are.
    order: Option<Vec<u32>>,
    next: Mutex<usize>,
    tickets: Tickets,
    _memory: Vec<Reservation>,
}

impl Held {
    /// All rows of the columns.
    pub(crate) fn new(
        columns: Vec<Column>,
        rows: usize,
        tickets: Tickets,
        memory: Vec<Reservation>,
    ) -> Self {
        Held {
            columns,
            rows,
            order: None,
            next: Mutex::new(0),
            tickets,
            _memory: memory,
        }
    }

    /// The rows at `order`, in that order.
    pub(crate) fn ordered(mut self, order: Vec<u32>) -> Self {
        self.rows = order.len();
        self.order = Some(order);
        self
    }
}

impl Operator for Held {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(HeldCursor { held: self }))
    }

    fn skip(&self, rows: u64) -> u64 {
        let mut next = self.next.lock();
        let skipped = rows.min((self.rows - *next) as u64);
        *next += skipped as usize;
        skipped
    }

    fn is_small(&self) -> bool {
        self.rows <= BATCH_ROWS
    }
}

struct HeldCursor<'a> {
    held: &'a Held,
}

impl Cursor for HeldCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        let held = self.held;
        let (start, ticket) = {
            let mut next = held.next.lock();
            if *next >= held.rows {
                return Ok(None);
            }
            let start = *next;
            *next += BATCH_ROWS;
            (start, held.tickets.next())
        };
        let len = BATCH_ROWS.min(held.rows - start);
        let cut = |column: &Column| match &held.order {
            Some(order) => take::take(column, &order[start..start + len]),
            None => column.slice(start, len),
        };
        let mut batch = Batch::new(held.columns.iter().map(cut).collect(), len);
        batch.ticket = ticket;
        Ok(Some(batch))
    }
}

/// Batches in memory.
pub(crate) struct HeldBatches {
    batches: Vec<Batch>,
    next: Mutex<usize>,
    tickets: Tickets,
    _memory: Reservation,
}

impl HeldBatches {
    pub(crate) fn new(batches: Vec<Batch>, tickets: Tickets, memory: Reservation) -> Self {
        HeldBatches {
            batches,
            next: Mutex::new(0),
            tickets,
            _memory: memory,
        }
    }
}

impl Operator for HeldBatches {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(BatchesCursor { held: self }))
    }

    fn is_small(&self) -> bool {
        self.batches.iter().map(|b| b.rows).sum::<usize>() <= BATCH_ROWS
    }
}

struct BatchesCursor<'a> {
    held: &'a HeldBatches,
}

impl Cursor for BatchesCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        let mut next = self.held.next.lock();
        let Some(batch) = self.held.batches.get(*next) else {
            return Ok(None);
        };
        *next += 1;
        let mut batch = batch.clone();
        batch.ticket = self.held.tickets.next();
        batch.more = false;
        Ok(Some(batch))
    }
}

/// Inputs one after the other, each with the places of its columns in the output.
pub(crate) struct UnionOperator {
    pub(crate) inputs: Vec<(Arc<dyn Operator>, Vec<usize>)>,
    /// Inputs before this one are exhausted.
    pub(crate) at: AtomicUsize,
}

impl Operator for UnionOperator {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(UnionCursor {
            union: self,
            open: None,
        }))
    }

    fn is_small(&self) -> bool {
        self.inputs.iter().all(|(input, _)| input.is_small())
    }
}

struct UnionCursor<'a> {
    union: &'a UnionOperator,
    open: Option<(usize, Box<dyn Cursor + 'a>)>,
}

impl Cursor for UnionCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            let (at, cursor) = match &mut self.open {
                Some((at, cursor)) => (*at, cursor),
                None => {
                    let at = self.union.at.load(Ordering::Relaxed);
                    let Some((input, _)) = self.union.inputs.get(at) else {
                        return Ok(None);
                    };
                    let (_, cursor) = self.open.insert((at, input.cursor()?));
                    (at, cursor)
                }
            };
            if let Some(batch) = cursor.next()? {
                if batch.rows == 0 {
                    return Ok(Some(batch));
                }
                let places = &self.union.inputs[at].1;
                let columns = places.iter().map(|p| batch.columns[*p].clone());
                return Ok(Some(batch.with(columns.collect(), batch.rows)));
            }
            self.open = None;
            self.union.at.fetch_max(at + 1, Ordering::Relaxed);
        }
    }
}
