//! The place in one input of a merge.
//!
//! Invariant: a cursor that is not at its end stands on a row of its chunk.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

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

    /// The keys alone, a column per element.
    pub(super) fn into_keys(self) -> Vec<Flat> {
        self.keys
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

/// Rows of a part that take part in a merge.
#[derive(Debug, Clone)]
pub(super) struct Input<'a> {
    pub(super) part: &'a Part,
    /// Ascending and disjoint.
    pub(super) rows: Vec<Range<usize>>,
}

impl<'a> Input<'a> {
    /// All rows of a part.
    pub(super) fn whole(part: &'a Part) -> Self {
        Input {
            part,
            rows: std::iter::once(0..part.rows()).collect(),
        }
    }
}

pub(super) struct Cursor<'a> {
    input: &'a Input<'a>,
    spec: &'a MergeSpec,
    next: usize,
    pub(super) chunk: Arc<Chunk>,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor on the first row; `None` for an input without rows.
    pub(super) fn start(input: &'a Input<'a>, spec: &'a MergeSpec) -> Result<Option<Self>> {
        Ok(load(input, spec, 0)?.map(|(chunk, next)| Cursor {
            input,
            spec,
            next,
            chunk,
            at: 0,
        }))
    }

    /// Moves `rows` on inside the chunk; false at the end of the input.
    pub(super) fn advance(&mut self, rows: usize) -> Result<bool> {
        self.at += rows;
        if self.at < self.chunk.rows() {
            return Ok(true);
        }
        let Some((chunk, next)) = load(self.input, self.spec, self.next)? else {
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

/// The next rows from row `start` on that are left, and where the ones behind them start; `None` at
/// the end of the input.
fn load(input: &Input<'_>, spec: &MergeSpec, start: usize) -> Result<Option<(Arc<Chunk>, usize)>> {
    for range in input.rows.iter().filter(|r| r.end > start) {
        let mut at = range.start.max(start);
        while at < range.end {
            let end = range.end.min(at + spec.block_rows.max(1));
            let mut block = spec.columns.read(input.part, at..end)?;
            if let Some(deadline) = &spec.expiry
                && let Some(alive) = deadline.expiry.alive(&block, deadline.now)?
            {
                deadline.met.fetch_or(alive.len() < block.rows(), Relaxed);
                block = block.take(&alive);
            }
            if block.rows() > 0 {
                let chunk = Chunk::new(block, at, spec)?;
                return Ok(Some((Arc::new(chunk), end)));
            }
            at = end;
        }
    }
    Ok(None)
}
