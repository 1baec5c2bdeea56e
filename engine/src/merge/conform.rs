//! Rows of older parts under today's columns.
//!
//! Invariant: a column that a part lacks reads as its type's default.

use std::ops::Range;
use std::sync::Arc;

use crate::block::{Block, Schema};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::part::Part;

/// Rows `range` of `part` with the columns of `schema`.
///
/// # Errors
/// What reading says; NOT_IMPLEMENTED when a column has another type in the part.
pub fn read(part: &Part, schema: &Arc<Schema>, range: Range<usize>) -> Result<Block> {
    let columns = schema.fields.iter().map(|field| {
        let Some(c) = part.schema().index_of(&field.name) else {
            return Ok(Column::defaults(&field.ty, range.len()));
        };
        let found = &part.schema().fields[c].ty;
        if *found != field.ty {
            return Err(Error::not_implemented(format!(
                "reading column {} of type {found} as {}",
                field.name, field.ty
            )));
        }
        part.read(c, range.clone())
    });
    Block::new(
        Arc::clone(schema),
        columns.collect::<Result<_>>()?,
        range.len(),
    )
}
