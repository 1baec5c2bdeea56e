//! What a scan reads from: tables of the engine, system tables, table functions.
//!
//! Invariant: a source is a snapshot: reading it twice gives the same rows.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::hooks::Condition;
use roost_engine::kernels::mask::Mask;
use roost_engine::types::Value;

/// What a scan wants of its source.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
    /// Places in the source's schema that will be read.
    pub columns: Vec<usize>,
    /// Conditions that every wanted row fulfils (over column names of the source's schema, or texts
    /// of key expressions); the source may use them to skip rows.
    pub conditions: Vec<Condition>,
    /// Enough rows, when no more are wanted (a hint).
    pub limit: Option<u64>,
    /// The order whose first rows are wanted (a hint): a source that can tell which of its morsels
    /// may hold the very first hands those out first.
    pub order: Option<WantedOrder>,
}

/// An order of plain columns.
#[derive(Debug, Clone)]
pub struct WantedOrder {
    /// Places of the keys in the source's schema, and whether each descends.
    pub keys: Vec<(usize, bool)>,
    /// Whether these are all keys of the order, or only the first ones.
    pub whole: bool,
}

/// How the rows of a morsel stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The first of the wanted order come first.
    InOrder,
    /// The first of the wanted order come last.
    Reversed,
}

/// Rows of something that looks like a table.
pub trait TableSource: Send + Sync + Debug {
    /// `database.table`, or the call of a table function: for EXPLAIN and messages.
    fn name(&self) -> String;
    /// All columns that a query may name.
    fn schema(&self) -> &Arc<Schema>;
    /// How many of the schema's columns `*` stands for (the rest, at the end, are MATERIALIZED,
    /// ALIAS and virtual columns). By default all.
    fn visible_columns(&self) -> usize {
        self.schema().len()
    }
    /// Rows, when known without reading what is asked for.
    fn row_count(&self) -> Option<u64> {
        None
    }
    /// No more rows than these, when known at no cost.
    fn rows_at_most(&self) -> Option<u64> {
        self.row_count()
    }
    /// Smallest and largest value of a column, when known exactly without reading.
    fn min_max(&self, _column: usize) -> Option<(Value, Value)> {
        None
    }
    /// Names of the columns (or texts of the expressions) that rows are sorted by inside a part.
    fn sorting_key(&self) -> Vec<String> {
        Vec::new()
    }
    /// The same table read with FINAL.
    ///
    /// # Errors
    /// ILLEGAL_FINAL (as BAD_ARGUMENTS) where the engine has no FINAL.
    fn with_final(&self) -> Result<Arc<dyn TableSource>> {
        Err(roost_engine::err!(
            BAD_ARGUMENTS,
            "{} doesn't support FINAL",
            self.name()
        ))
    }
    /// Bytes that reading holds besides what is read.
    fn held_bytes(&self) -> usize {
        0
    }
    /// Opens the rows for reading by any number of threads at once.
    fn open(&self, request: &SourceRequest) -> Result<Arc<dyn SourceReader>>;
    /// Sources of one identity give the same rows; no other source has it while this one is there.
    fn identity(&self) -> (usize, bool) {
        (std::ptr::from_ref(self).cast::<()>() as usize, false)
    }
    /// The concrete source.
    fn as_any(&self) -> &dyn Any;
}

/// An opened source: numbered morsels that any thread may take.
pub trait SourceReader: Send + Sync {
    /// The next morsel that nobody has taken yet; `None` at the end.
    fn next(&self) -> Result<Option<Box<dyn Morsel>>>;
}

/// A run of rows of which columns are read when they are asked for: the scan reads the filter's
/// columns first and the others only for rows that survive.
pub trait Morsel: Send {
    /// Its number, from zero in the order of rows.
    fn number(&self) -> u64;
    /// Rows (tens of thousands at most).
    fn rows(&self) -> usize;
    /// Whether all of its rows are known to fulfil the request's conditions.
    fn is_certain(&self) -> bool {
        false
    }
    /// How rows that fulfil the request's conditions stand in the whole wanted order, when known.
    fn standing(&self) -> Option<Standing> {
        None
    }
    /// What no value of the wanted order's first key comes before. When morsels have it, it only
    /// gets worse from one to the next.
    fn best(&self) -> Option<&Value> {
        None
    }
    /// Which rows of a longer run the morsel's rows are, when [`Morsel::read_unmasked`] can read
    /// these columns of all of that run: columns that are computed when they are read are none of
    /// them, as an expression may fail on a row that is not shown.
    fn mask(&mut self, _columns: &[usize]) -> Option<Arc<Mask>> {
        None
    }
    /// The columns at these places of the schema, for all rows of the mask, shown or not.
    ///
    /// # Errors
    /// What reading says.
    fn read_unmasked(&mut self, _columns: &[usize]) -> Result<Vec<Column>> {
        Err(Error::bug("a morsel without a mask was read with it"))
    }
    /// The columns at these places of the schema, for all rows, or for the rows at `selection`
    /// (ascending).
    fn read(&mut self, columns: &[usize], selection: Option<&[u32]>) -> Result<Vec<Column>>;
}
