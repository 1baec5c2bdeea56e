//! What the engine needs from the layers above, as traits: compiled expressions, aggregate
//! functions for merges. And what it is told about a query's filter.
//!
//! Invariant: the only upward-facing traits of the crate are here; the engine never sees SQL text
//! other than to hand it back to a [`Compiler`].

use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

use crate::block::{Block, Schema};
use crate::column::Column;
use crate::error::Result;
use crate::types::{DataType, Value};

/// An expression bound to a schema: sorting key, partition key, bucket key, TTL, DEFAULT.
pub trait BlockExpr: Send + Sync + Debug {
    /// One value per row of `block`, which has the schema that the expression was compiled for
    /// (or at least the columns of [`BlockExpr::inputs`], found by name).
    fn evaluate(&self, block: &Block) -> Result<Column>;
    /// Type of the values.
    fn data_type(&self) -> &DataType;
    /// Names of the columns it reads.
    fn inputs(&self) -> &[String];
    /// The text it was compiled from, as ClickHouse would print it.
    fn text(&self) -> &str;
}

/// Turns texts into what the engine runs; given to the engine when it opens.
pub trait Compiler: Send + Sync + Debug {
    /// Compiles one expression over the columns of `schema`.
    fn expression(&self, text: &str, schema: &Schema) -> Result<Arc<dyn BlockExpr>>;
    /// Splits a key clause into its elements: `(a, toDate(b))` into two texts, `tuple()` into none.
    fn key_elements(&self, text: &str) -> Result<Vec<String>>;
    /// Prints `value` of `ty` as ClickHouse's text (partition ids, messages).
    fn text_of(&self, value: &Value, ty: &DataType) -> String;
    /// Compiles the value of a column of type `ty`, cast to it: a DEFAULT of rows that lack the
    /// column, or the column's name under its old type.
    fn default_value(
        &self,
        text: &str,
        _ty: &DataType,
        schema: &Schema,
    ) -> Result<Arc<dyn BlockExpr>> {
        self.expression(text, schema)
    }
    /// How merges combine values of `ty`, an AggregateFunction or SimpleAggregateFunction.
    ///
    /// # Errors
    /// NOT_IMPLEMENTED when the function is not known.
    fn state_factory(&self, ty: &DataType) -> Result<Arc<dyn StateFactory>> {
        Err(crate::error::Error::not_implemented(format!(
            "merging values of type {ty}"
        )))
    }
}

/// Makes the states that merges combine rows with.
pub trait StateFactory: Send + Sync + Debug {
    /// States of no group yet.
    fn states(&self) -> Box<dyn MergeStates>;
}

/// A range of values of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRange {
    /// Lower end.
    pub low: Bound<Value>,
    /// Upper end.
    pub high: Bound<Value>,
}

impl ValueRange {
    /// Exactly one value.
    pub fn point(value: Value) -> Self {
        ValueRange {
            low: Bound::Included(value.clone()),
            high: Bound::Included(value),
        }
    }

    /// Whether a value between `min` and `max` (inclusive) may lie in the range.
    pub fn overlaps(&self, min: &Value, max: &Value) -> bool {
        let above = match &self.low {
            Bound::Unbounded => true,
            Bound::Included(v) => max.compare(v).is_ge(),
            Bound::Excluded(v) => max.compare(v).is_gt(),
        };
        let below = match &self.high {
            Bound::Unbounded => true,
            Bound::Included(v) => min.compare(v).is_le(),
            Bound::Excluded(v) => min.compare(v).is_lt(),
        };
        above && below
    }
}

/// One condition that every row of the answer fulfils: the column's value lies in one of the
/// ranges (NULL never does). A filter becomes a list of these, all of which must hold; they are
/// implied by the filter, not equal to it, so rows are still filtered afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// A column's name, or the text of a key expression.
    pub column: String,
    /// Ascending, disjoint ranges. None: no row can match.
    pub ranges: Vec<ValueRange>,
}

impl Condition {
    /// Whether some value between `min` and `max` may fulfil the condition.
    pub fn may_match(&self, min: &Value, max: &Value) -> bool {
        self.ranges.iter().any(|r| r.overlaps(min, max))
    }
}

/// All groups' states of one aggregate function, as merges of aggregating tables need them.
pub trait MergeStates: Send {
    /// Merges the states of `states[i]` (bytes as stored) into group `groups[i]`.
    fn merge(&mut self, states: &Column, groups: &[u32], n_groups: usize) -> Result<()>;
    /// The stored bytes (or the plain value of a SimpleAggregateFunction) of every group.
    fn finish(&mut self) -> Result<Column>;
}
