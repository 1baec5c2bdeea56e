//! Conversion between types.
//!
//! Invariant: a pair of types is decided once, in [`bind_cast`].

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::{BindContext, BoundFunction};

/// What happens to a value that the target type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastMode {
    /// CAST: texts must parse, numbers wrap.
    Strict,
    /// `to*OrNull`: NULL.
    OrNull,
    /// `to*OrZero`: the type's default.
    OrZero,
    /// `accurateCast`: an error.
    Accurate,
    /// `accurateCastOrNull`: NULL.
    AccurateOrNull,
}

/// The conversion of `from` to `to` as a function of one column.
pub fn bind_cast(
    from: &DataType,
    to: &DataType,
    mode: CastMode,
    context: &BindContext,
) -> Result<BoundFunction> {
    let _ = (mode, context);
    Err(Error::not_implemented(format!("CAST from {from} to {to}")))
}

/// Converts a column now. For more than one column keep what [`bind_cast`] gives.
pub fn cast_column(
    column: &Column,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Column> {
    match bind_cast(from, to, CastMode::Strict, context)?.kernel {
        super::Kernel::Plain(kernel) => kernel(std::slice::from_ref(column), column.len()),
        super::Kernel::Lambda(_) => Err(Error::bug("a cast is no lambda")),
    }
}

/// The value of a literal as a value of another type; `None` when `to` cannot hold it exactly.
pub fn convert_value(
    value: &Value,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Option<Value>> {
    let _ = (value, from, to, context);
    Err(Error::not_implemented("conversion of values"))
}
