//! What flows between operators.
//!
//! Invariant: the columns stand in the order of the operator's outputs, all of `rows` rows; a batch
//! without rows may come without columns.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::take;

/// Some rows of a morsel.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Columns in the operator's order.
    pub(crate) columns: Vec<Column>,
    /// Rows; counts when there are no columns.
    pub(crate) rows: usize,
    /// The morsel's ticket: dense over the pipeline, in the order of the source's rows.
    pub(crate) ticket: u64,
    /// Whether more batches of the same morsel follow.
    pub(crate) more: bool,
    /// Which of the rows are rows of the answer, where [`super::pushed::Pushed::masks`] asked for it;
    /// none stands for all.
    pub(crate) mask: Option<Arc<Mask>>,
}

impl Batch {
    /// Rows of no particular morsel.
    pub(crate) fn new(columns: Vec<Column>, rows: usize) -> Self {
        Batch {
            columns,
            rows,
            ticket: 0,
            more: false,
            mask: None,
        }
    }

    /// Rows of which those that stand in `mask` count.
    pub(crate) fn masked(columns: Vec<Column>, mask: Arc<Mask>) -> Self {
        Batch {
            mask: Some(mask.clone()),
            ..Batch::new(columns, mask.len())
        }
    }

    /// The same morsel with other columns.
    pub(crate) fn with(&self, columns: Vec<Column>, rows: usize) -> Self {
        Batch {
            columns,
            rows,
            ticket: self.ticket,
            more: self.more,
            mask: None,
        }
    }

    /// The rows at `selection`.
    pub(crate) fn take(&self, selection: &[u32]) -> Self {
        let columns = self.columns.iter().map(|c| take::take(c, selection));
        self.with(columns.collect(), selection.len())
    }

    /// Rows `offset..offset + len`.
    pub(crate) fn slice(&self, offset: usize, len: usize) -> Self {
        let columns = self.columns.iter().map(|c| c.slice(offset, len));
        self.with(columns.collect(), len)
    }

    /// Bytes of the columns.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum()
    }
}
