//! The contract of streaming operators: any number of workers pull batches through cursors of
//! their own.
//!
//! Invariant: a cursor gives every morsel that it took as one or more batches (perhaps empty ones)
//! whose last has `more` unset, so that an ordered consumer can count tickets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_engine::error::Result;

use super::batch::Batch;
use crate::expr::ColumnId;

/// A streaming operator over its inputs.
pub(crate) trait Operator: Send + Sync {
    /// A worker's own way through the rows; all cursors together give each row once.
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>>;
    /// Passes over the first `rows` rows where that is free, before any cursor is opened; how many
    /// it passed over.
    fn skip(&self, _rows: u64) -> u64 {
        0
    }
    /// Whether one worker is enough (few rows).
    fn is_small(&self) -> bool {
        false
    }
}

/// One worker's way through an operator.
pub(crate) trait Cursor {
    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<Batch>>;
}

/// An operator with the ids of its output columns.
#[derive(Clone)]
pub(crate) struct Stream {
    /// The operator.
    pub(crate) operator: Arc<dyn Operator>,
    /// Ids of the columns in order.
    pub(crate) ids: Vec<ColumnId>,
}

/// Hands out the tickets of one pipeline.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tickets(Arc<AtomicU64>);

impl Tickets {
    /// The next ticket. Sources call it under the lock that orders their morsels.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
