//! The place in one input of a merge.
//!
//! Invariant: a cursor that is not at its end stands on a row of its chunk.

use std::cmp::Ordering;
use std::sync::Arc;

use super::run::MergeSpec;
use crate::block::Block;
use crate::column::Flat;
use crate::error::Result;
use crate::kernels::compare::compare_flat;
use crate::part::Part;

/// Some rows of an input with their keys.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) block: Block,
    /// Number of its first row in the part.
    pub(super) first: usize,
    keys: Vec<Flat>,
}

impl Chunk {
    pub(super) fn new(block: Block, first: usize, spec: &MergeSpec) -> Result<Self> {
        let keys = spec.order.iter().map(|e| Ok(e.evaluate(&block)?.to_flat()));
        let keys = keys.collect::<Result<_>>()?;
        Ok(Chunk { block, first, keys })
    }

    pub(super) fn rows(&self) -> usize {
        self.block.rows()
    }

    /// Order of two rows by key.
    pub(super) fn compare(&self, i: usize, other: &Chunk, j: usize) -> Ordering {
        let keys = self.keys.iter().zip(&other.keys);
        keys.map(|(a, b)| compare_flat(a, i, b, j))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

pub(super) struct Cursor<'a> {
    part: &'a Part,
    spec: &'a MergeSpec,
    next: usize,
    pub(super) chunk: Arc<Chunk>,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor on the first row; `None` for a part without rows.
    pub(super) fn start(part: &'a Part, spec: &'a MergeSpec) -> Result<Option<Self>> {
        Ok(load(part, spec, 0)?.map(|(chunk, next)| Cursor {
            part,
            spec,
            next,
            chunk,
            at: 0,
        }))
    }

    /// Moves `rows` on inside the chunk; false at the end of the part.
    pub(super) fn advance(&mut self, rows: usize) -> Result<bool> {
        self.at += rows;
        if self.at < self.chunk.rows() {
            return Ok(true);
        }
        let Some((chunk, next)) = load(self.part, self.spec, self.next)? else {
            return Ok(false);
        };
        (self.chunk, self.next, self.at) = (chunk, next, 0);
        Ok(true)
    }

    /// Rows from here on in the chunk that come before the row `other` stands on; `first` tells
    /// who wins among equal keys.
    pub(super) fn rows_before(&self, other: &Cursor<'_>, first: bool) -> usize {
        let before = |row: usize| {
            let order = self.chunk.compare(row, &other.chunk, other.at);
            order.is_lt() || (first && order.is_eq())
        };
        let (left, mut low, mut step) = (self.chunk.rows() - self.at, 0, 1);
        while low + step <= left && before(self.at + low + step - 1) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step - 1).min(left);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.at + middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The next rows from `start` on that are left, and where the ones behind them start; `None` at the
/// end of the part.
fn load(part: &Part, spec: &MergeSpec, mut start: usize) -> Result<Option<(Arc<Chunk>, usize)>> {
    while start < part.rows() {
        let end = part.rows().min(start + spec.block_rows.max(1));
        let mut block = spec.columns.read(part, start..end)?;
        if let Some((expiry, now)) = &spec.expiry
            && let Some(alive) = expiry.alive(&block, *now)?
        {
            block = block.take(&alive);
        }
        if block.rows() > 0 {
            let chunk = Chunk::new(block, start, spec)?;
            return Ok(Some((Arc::new(chunk), end)));
        }
        start = end;
    }
    Ok(None)
}
