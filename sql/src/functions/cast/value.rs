//! Conversion of single values: literals, lists of IN, defaults.
//!
//! Invariant: the answer means the same as the value, or there is none.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::{CastMode, bind_cast};
use crate::functions::{BindContext, Kernel};

/// The value of a literal as a value of another type; `None` when `to` cannot hold it exactly
/// (300 as UInt8, 1.5 as Int32, NULL in a type without NULL).
///
/// # Errors
/// What CAST says of a text that does not parse, and of types that do not convert.
pub fn convert_value(
    value: &Value,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Option<Value>> {
    if from == to {
        return Ok(Some(value.clone()));
    }
    let target = to.value_type();
    if value.is_null() {
        let holds = to.is_nullable() || *target == DataType::Nothing;
        return Ok(holds.then_some(Value::Null));
    }
    match (value, from.value_type(), target) {
        (Value::Array(values), DataType::Array(a), DataType::Array(b)) => {
            let all = values.iter().map(|v| convert_value(v, a, b, context));
            Ok(all.collect::<Result<Option<Vec<_>>>>()?.map(Value::Array))
        }
        (Value::Tuple(values), DataType::Tuple(a), DataType::Tuple(b))
            if values.len() == a.types.len() && values.len() == b.types.len() =>
        {
            let pairs = values.iter().zip(a.types.iter().zip(&b.types));
            let all = pairs.map(|(v, (a, b))| convert_value(v, a, b, context));
            Ok(all.collect::<Result<Option<Vec<_>>>>()?.map(Value::Tuple))
        }
        (_, from, target) => plain(value, from, target, context),
    }
}

fn plain(
    value: &Value,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Option<Value>> {
    if from == to {
        return Ok(Some(value.clone()));
    }
    let numbers = from.is_numeric() && to.is_numeric();
    let mode = if numbers {
        CastMode::AccurateOrNull
    } else {
        CastMode::Strict
    };
    let Kernel::Plain(kernel) = bind_cast(from, to, mode, context)?.kernel else {
        return Ok(None);
    };
    let column = Column::constant(value, from, 1)?;
    let answer = match kernel(std::slice::from_ref(&column), 1) {
        Ok(answer) => answer,
        // A decimal that overflows is not representable; a text that does not parse is an error.
        Err(_) if numbers => return Ok(None),
        Err(error) => return Err(error),
    };
    let converted = answer.value(0);
    if converted.is_null() {
        return Ok(None);
    }
    // Digits may have been cut off: they must come back.
    let decimal = |ty: &DataType| matches!(ty, DataType::Decimal(..));
    if numbers && (decimal(from) || decimal(to)) && *to != DataType::Bool && !to.is_float() {
        let there = Column::constant(&converted, to, 1)?;
        let back = super::cast_column(&there, to, from, context).map(|c| c.value(0));
        if back.ok().as_ref() != Some(value) {
            return Ok(None);
        }
    }
    Ok(Some(converted))
}
