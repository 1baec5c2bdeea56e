//! What the writer of a part file is told.
//!
//! Invariant: everything that shapes the bytes is here; the same rows and spec give the same file.

use std::sync::Arc;

use super::info::{GRANULE_ROWS, KeyColumn, PartInfo, PartitionValue};
use crate::block::Schema;

pub use crate::codec::Compression;

/// How a part file is to be written.
#[derive(Debug, Clone)]
pub struct PartSpec<'a> {
    /// Columns.
    pub schema: &'a Arc<Schema>,
    /// Elements of the primary key; their values are handed in with each block.
    pub key: Vec<KeyColumn>,
    /// Inner text of `CODEC(...)` per column; missing ones mean none was given.
    pub codecs: &'a [Option<String>],
    /// Rows of a granule.
    pub granule_rows: usize,
    /// Compression of columns without a codec of their own.
    pub compression: Compression,
    /// Values of the partition key's elements.
    pub partition: Vec<PartitionValue>,
    /// Id, partition, level and commits; rows and sizes are filled in by the writer.
    pub info: PartInfo,
    /// Declared skip indexes.
    pub indexes: Vec<IndexSpec>,
}

impl<'a> PartSpec<'a> {
    /// A part of these columns, with defaults for the rest.
    pub fn new(schema: &'a Arc<Schema>, key: Vec<KeyColumn>, info: PartInfo) -> Self {
        PartSpec {
            schema,
            key,
            codecs: &[],
            granule_rows: GRANULE_ROWS,
            compression: Compression::Lz4,
            partition: Vec::new(),
            info,
            indexes: Vec::new(),
        }
    }
}

/// A skip index of a table: `INDEX name expression TYPE ty GRANULARITY granularity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSpec {
    /// Name.
    pub name: String,
    /// The column's name or the expression's text.
    pub expression: String,
    /// Type with its parameters: `bloom_filter(0.01)`.
    pub ty: String,
    /// Granules per index entry.
    pub granularity: usize,
}
