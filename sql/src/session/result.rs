//! Answers kept in memory, for programs that embed the database.
//!
//! Invariant: all blocks have the result's schema.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::Column;
use roost_engine::error::Result;

use crate::Value;
use crate::exec::Totals;
use crate::interpret::RowSink;

/// The rows of a query.
#[derive(Debug, Clone)]
pub struct QueryResult {
    block: Block,
}

impl QueryResult {
    /// Names and types.
    pub fn schema(&self) -> &Arc<Schema> {
        self.block.schema()
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.block.rows()
    }

    /// The rows as values; dates, times, enums and decimals are their numbers.
    pub fn rows(&self) -> Vec<Vec<Value>> {
        let row = |i| self.block.columns().iter().map(|c| c.value(i)).collect();
        (0..self.block.rows()).map(row).collect()
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        self.block.columns()
    }

    /// The whole as one block.
    pub fn block(&self) -> &Block {
        &self.block
    }
}

/// A sink that keeps blocks.
#[derive(Default)]
pub(super) struct Collector {
    schema: Option<Arc<Schema>>,
    blocks: Vec<Block>,
}

impl Collector {
    /// The rows.
    pub(super) fn finish(self) -> Result<QueryResult> {
        let schema = self.schema.unwrap_or_default();
        Ok(QueryResult {
            block: Block::concat(schema, &self.blocks)?,
        })
    }
}

impl RowSink for Collector {
    fn start(&mut self, schema: &Arc<Schema>) -> Result<()> {
        self.schema = Some(Arc::clone(schema));
        Ok(())
    }

    fn block(&mut self, block: Block) -> Result<()> {
        self.blocks.push(block);
        Ok(())
    }

    fn end(&mut self, _totals: &Totals) -> Result<()> {
        Ok(())
    }

    fn tells_rows_before_limit(&self) -> bool {
        false
    }
}
