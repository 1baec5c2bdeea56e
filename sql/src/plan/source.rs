//! What a scan reads from: tables of the engine, system tables, table functions.
//!
//! Invariant: a source is a snapshot: reading it twice gives the same rows.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::hooks::Condition;

/// What a scan wants of its source.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
    /// Places in the source's schema, in the order wanted.
    pub columns: Vec<usize>,
    /// Conditions that every wanted row fulfils; the source may use them to skip rows.
    pub conditions: Vec<Condition>,
    /// Enough rows, when no more are wanted (a hint).
    pub limit: Option<u64>,
    /// Preferred rows per block.
    pub block_rows: usize,
}

/// Rows of something that looks like a table.
pub trait TableSource: Send + Sync + Debug {
    /// `database.table`, or the call of a table function: for EXPLAIN and messages.
    fn name(&self) -> String;
    /// All columns.
    fn schema(&self) -> &Arc<Schema>;
    /// Rows, when known without reading.
    fn row_count(&self) -> Option<u64> {
        None
    }
    /// Opens the rows for reading by any number of threads at once.
    fn open(&self, request: &SourceRequest) -> Result<Arc<dyn SourceReader>>;
    /// The concrete source, so that the scan of a MergeTree table can read columns late.
    fn as_any(&self) -> &dyn Any;
}

/// An opened source: numbered morsels that any thread may read in any order.
pub trait SourceReader: Send + Sync {
    /// The next morsel nobody has taken yet: its number (from zero, in the order of rows) and its
    /// rows under the requested columns. `None` at the end.
    fn next(&self) -> Result<Option<(u64, Block)>>;
}
