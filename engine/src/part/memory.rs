//! Rows of a part that are not in a file yet.
//!
//! Invariant: statistics are counted at most once per column, when somebody asks.

use std::sync::OnceLock;

use super::stats::{ColumnStats, PageStats, StatsBuilder};
use crate::block::Block;

#[derive(Debug)]
pub(super) struct MemoryPart {
    block: Block,
    stats: Vec<OnceLock<Option<PageStats>>>,
}

impl MemoryPart {
    pub(super) fn new(block: Block) -> Self {
        let stats = block.columns().iter().map(|_| OnceLock::new()).collect();
        MemoryPart { block, stats }
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    pub(super) fn page_stats(&self, c: usize, granule_rows: usize) -> Option<&PageStats> {
        let count = || {
            let (column, rows) = (self.block.column(c), self.block.rows());
            let mut stats = StatsBuilder::new(&self.block.schema().fields[c].ty.physical())?;
            for start in (0..rows).step_by(granule_rows) {
                stats
                    .add(&column.slice(start, granule_rows.min(rows - start)))
                    .ok()?;
            }
            stats.finish().ok()
        };
        self.stats[c].get_or_init(count).as_ref()
    }

    pub(super) fn column_stats(&self, c: usize, granule_rows: usize) -> Option<ColumnStats> {
        self.page_stats(c, granule_rows).map(PageStats::whole)
    }
}
