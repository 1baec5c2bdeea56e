//! Values as text, and columns of one type as another: thin names over the casts.
//!
//! Invariant: what is a string already is not copied.

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

/// The values of `column` as strings.
pub(crate) fn to_text(column: &Column, ty: &DataType) -> Result<Column> {
    match ty {
        DataType::String | DataType::FixedString(_) => Ok(column.clone()),
        _ => Err(Error::not_implemented("to_text")),
    }
}
