//! A block: named, typed columns of equal length. What flows between operators and into parts.
//!
//! Invariant: as many columns as fields, each of the block's row count and of its field's shape.

use std::sync::Arc;

use crate::column::Column;
use crate::error::{Error, Result};
use crate::types::DataType;

/// A column's name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name, any text.
    pub name: String,
    /// Type.
    pub ty: DataType,
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        Field {
            name: name.into(),
            ty,
        }
    }
}

/// The fields of a block, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// Fields in order; names of a table's schema are unique, of a result they may repeat.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A shared schema.
    pub fn new(fields: Vec<Field>) -> Arc<Schema> {
        Arc::new(Schema { fields })
    }

    /// Position of the first field named `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Columns of equal length under a schema.
#[derive(Debug, Clone)]
pub struct Block {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    rows: usize,
}

impl Block {
    /// A block; `rows` counts when there are no columns.
    ///
    /// # Errors
    /// LOGICAL_ERROR when lengths or numbers of columns disagree.
    pub fn new(schema: Arc<Schema>, columns: Vec<Column>, rows: usize) -> Result<Self> {
        if columns.len() != schema.len() || columns.iter().any(|c| c.len() != rows) {
            return Err(Error::bug(format!(
                "block of {rows} rows and {} fields got columns of {:?} rows",
                schema.len(),
                columns.iter().map(Column::len).collect::<Vec<_>>()
            )));
        }
        debug_assert!(
            columns
                .iter()
                .zip(&schema.fields)
                .all(|(c, f)| c.check(&f.ty).is_ok())
        );
        Ok(Block {
            schema,
            columns,
            rows,
        })
    }

    /// No rows under a schema.
    pub fn empty(schema: Arc<Schema>) -> Self {
        let columns = schema
            .fields
            .iter()
            .map(|f| Column::defaults(&f.ty, 0))
            .collect();
        Block {
            schema,
            columns,
            rows: 0,
        }
    }

    /// Fields.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All columns in the schema's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, taken out.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// Column `i`. Panics past the end.
    pub fn column(&self, i: usize) -> &Column {
        &self.columns[i]
    }

    /// Column by name.
    pub fn column_named(&self, name: &str) -> Option<&Column> {
        self.schema.index_of(name).map(|i| &self.columns[i])
    }

    /// Rows `offset..offset + len`, shared.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Block {
        Block {
            schema: Arc::clone(&self.schema),
            columns: self.columns.iter().map(|c| c.slice(offset, len)).collect(),
            rows: len,
        }
    }

    /// Bytes that the block keeps alive.
    pub fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum()
    }

    /// The rows at `indices`, in that order.
    #[must_use]
    pub fn take(&self, indices: &[u32]) -> Block {
        Block {
            schema: Arc::clone(&self.schema),
            columns: self
                .columns
                .iter()
                .map(|c| crate::kernels::take::take(c, indices))
                .collect(),
            rows: indices.len(),
        }
    }

    /// All rows of `blocks` in order. Every block must have `schema`'s types.
    pub fn concat(schema: Arc<Schema>, blocks: &[Block]) -> Result<Block> {
        let rows = blocks.iter().map(Block::rows).sum();
        let columns = (0..schema.len())
            .map(|i| {
                let parts: Vec<&Column> = blocks.iter().map(|b| &b.columns[i]).collect();
                crate::kernels::concat::concat(&parts, &schema.fields[i].ty)
            })
            .collect::<Result<Vec<_>>>()?;
        Block::new(schema, columns, rows)
    }
}
