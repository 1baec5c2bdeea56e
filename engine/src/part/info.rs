//! What is known of a part without opening it.
//!
//! Invariant: plain data; the log stores it, selectors decide by it.

use crate::types::{DataType, Value};

/// Rows of a granule, and so of a page.
pub const GRANULE_ROWS: usize = 8192;

/// A part as the log and merge selectors see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartInfo {
    /// Unique in the store, ascending.
    pub id: u64,
    /// Text of the partition, as in `system.parts.partition_id`.
    pub partition: String,
    /// Bucket, 0 without BUCKET BY.
    pub bucket: u32,
    /// Merges behind the part.
    pub level: u32,
    /// First commit covered.
    pub min_block: u64,
    /// Last commit covered.
    pub max_block: u64,
    /// Number of rows.
    pub rows: u64,
    /// Bytes of the file (of a memory part: resident bytes).
    pub bytes: u64,
    /// Bytes of the columns before encoding.
    pub uncompressed_bytes: u64,
}

impl PartInfo {
    /// The same part, of `commit` when its commits are not known yet.
    #[must_use]
    pub fn at_commit(mut self, commit: u64) -> Self {
        if self.min_block == 0 {
            (self.min_block, self.max_block) = (commit, commit);
        }
        self
    }
}

impl super::Part {
    /// The same part, of `commit` when its commits are not known yet.
    #[must_use]
    pub fn at_commit(mut self, commit: u64) -> Self {
        self.info = self.info.at_commit(commit);
        self
    }
}

/// An element of the primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// The column's name or the expression's text, as conditions name it.
    pub name: String,
    /// Type of the element.
    pub ty: DataType,
}

impl KeyColumn {
    /// A key element.
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        KeyColumn {
            name: name.into(),
            ty,
        }
    }
}

/// One element of the partition key with its value, the same for all rows of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionValue {
    /// The column's name or the expression's text, as conditions name it.
    pub name: String,
    /// Type of the element.
    pub ty: DataType,
    /// Its value.
    pub value: Value,
}
