//! Grows a flat column cell by cell; for edges (text formats, literals, tests), not for kernels.
//!
//! Invariant: `finish` gives a column of the type's physical shape with as many rows as pushes.

use std::sync::Arc;

use super::flat::{ArrayColumn, NullableColumn};
use super::{Buffer, BytesBuilder, Column, Flat};
use crate::error::{Code, Error, Result};
use crate::types::{DataType, Physical, Value};

/// A growing flat column.
#[derive(Debug, Clone)]
pub struct ColumnBuilder {
    grow: Grow,
}

/// The growing parts by shape; public so that readers may push raw numbers without a [`Value`].
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "mirrors Flat")]
pub enum Grow {
    Nothing(usize),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    U128(Vec<u128>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I128(Vec<i128>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(BytesBuilder),
    Fixed(usize, Vec<u8>),
    Nullable(Vec<u8>, Box<ColumnBuilder>),
    Array(Vec<u64>, Box<ColumnBuilder>),
    Tuple(Vec<ColumnBuilder>, usize),
}

impl ColumnBuilder {
    /// An empty column of `ty` with room for `rows`.
    pub fn new(ty: &DataType, rows: usize) -> Self {
        Self::of_shape(&ty.physical(), rows)
    }

    /// An empty column of a shape.
    pub fn of_shape(shape: &Physical, rows: usize) -> Self {
        let grow = match shape {
            Physical::Nothing => Grow::Nothing(0),
            Physical::U8 => Grow::U8(Vec::with_capacity(rows)),
            Physical::U16 => Grow::U16(Vec::with_capacity(rows)),
            Physical::U32 => Grow::U32(Vec::with_capacity(rows)),
            Physical::U64 => Grow::U64(Vec::with_capacity(rows)),
            Physical::U128 => Grow::U128(Vec::with_capacity(rows)),
            Physical::I8 => Grow::I8(Vec::with_capacity(rows)),
            Physical::I16 => Grow::I16(Vec::with_capacity(rows)),
            Physical::I32 => Grow::I32(Vec::with_capacity(rows)),
            Physical::I64 => Grow::I64(Vec::with_capacity(rows)),
            Physical::I128 => Grow::I128(Vec::with_capacity(rows)),
            Physical::F32 => Grow::F32(Vec::with_capacity(rows)),
            Physical::F64 => Grow::F64(Vec::with_capacity(rows)),
            Physical::Bytes => Grow::Bytes(BytesBuilder::with_capacity(rows, rows * 8)),
            Physical::Fixed(n) => Grow::Fixed(*n, Vec::with_capacity(rows * n)),
            Physical::Nullable(inner) => Grow::Nullable(
                Vec::with_capacity(rows),
                Box::new(Self::of_shape(inner, rows)),
            ),
            Physical::Array(inner) => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Grow::Array(offsets, Box::new(Self::of_shape(inner, rows)))
            }
            Physical::Tuple(shapes) => {
                Grow::Tuple(shapes.iter().map(|s| Self::of_shape(s, rows)).collect(), 0)
            }
        };
        ColumnBuilder { grow }
    }

    /// An empty builder of the same shape.
    #[must_use]
    pub fn empty_copy(&self) -> Self {
        let grow = match &self.grow {
            Grow::Nothing(_) => Grow::Nothing(0),
            Grow::U8(_) => Grow::U8(Vec::new()),
            Grow::U16(_) => Grow::U16(Vec::new()),
            Grow::U32(_) => Grow::U32(Vec::new()),
            Grow::U64(_) => Grow::U64(Vec::new()),
            Grow::U128(_) => Grow::U128(Vec::new()),
            Grow::I8(_) => Grow::I8(Vec::new()),
            Grow::I16(_) => Grow::I16(Vec::new()),
            Grow::I32(_) => Grow::I32(Vec::new()),
            Grow::I64(_) => Grow::I64(Vec::new()),
            Grow::I128(_) => Grow::I128(Vec::new()),
            Grow::F32(_) => Grow::F32(Vec::new()),
            Grow::F64(_) => Grow::F64(Vec::new()),
            Grow::Bytes(_) => Grow::Bytes(BytesBuilder::default()),
            Grow::Fixed(n, _) => Grow::Fixed(*n, Vec::new()),
            Grow::Nullable(_, inner) => Grow::Nullable(Vec::new(), Box::new(inner.empty_copy())),
            Grow::Array(_, inner) => Grow::Array(vec![0], Box::new(inner.empty_copy())),
            Grow::Tuple(all, _) => Grow::Tuple(all.iter().map(Self::empty_copy).collect(), 0),
        };
        ColumnBuilder { grow }
    }

    /// The growing parts, to push raw numbers into.
    pub fn grow(&mut self) -> &mut Grow {
        &mut self.grow
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        match &self.grow {
            Grow::U8(v) => v.len(),
            Grow::U16(v) => v.len(),
            Grow::U32(v) => v.len(),
            Grow::U64(v) => v.len(),
            Grow::U128(v) => v.len(),
            Grow::I8(v) => v.len(),
            Grow::I16(v) => v.len(),
            Grow::I32(v) => v.len(),
            Grow::I64(v) => v.len(),
            Grow::I128(v) => v.len(),
            Grow::F32(v) => v.len(),
            Grow::F64(v) => v.len(),
            Grow::Bytes(b) => b.len(),
            Grow::Fixed(n, data) => data.len() / n,
            Grow::Nullable(nulls, _) => nulls.len(),
            Grow::Array(offsets, _) => offsets.len() - 1,
            Grow::Tuple(_, len) | Grow::Nothing(len) => *len,
        }
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the type's default (0, empty, NULL).
    pub fn push_default(&mut self) {
        match &mut self.grow {
            Grow::Nothing(len) => *len += 1,
            Grow::U8(v) => v.push(0),
            Grow::U16(v) => v.push(0),
            Grow::U32(v) => v.push(0),
            Grow::U64(v) => v.push(0),
            Grow::U128(v) => v.push(0),
            Grow::I8(v) => v.push(0),
            Grow::I16(v) => v.push(0),
            Grow::I32(v) => v.push(0),
            Grow::I64(v) => v.push(0),
            Grow::I128(v) => v.push(0),
            Grow::F32(v) => v.push(0.0),
            Grow::F64(v) => v.push(0.0),
            Grow::Bytes(b) => b.push(b""),
            Grow::Fixed(n, data) => data.resize(data.len() + *n, 0),
            Grow::Nullable(nulls, values) => {
                nulls.push(1);
                values.push_default();
            }
            Grow::Array(offsets, elements) => offsets.push(elements.len() as u64),
            Grow::Tuple(columns, len) => {
                columns.iter_mut().for_each(ColumnBuilder::push_default);
                *len += 1;
            }
        }
    }

    /// Appends one value of the column's type.
    ///
    /// # Errors
    /// TYPE_MISMATCH when the value's class does not fit, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN for
    /// NULL without Nullable. Numbers must be in range: a cast before this call sees to it.
    pub fn push(&mut self, value: &Value) -> Result<()> {
        if value.is_null() && !matches!(self.grow, Grow::Nullable(..) | Grow::Nothing(_)) {
            return Err(Error::new(
                Code::CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
                "NULL in a column that is not Nullable",
            ));
        }
        macro_rules! number {
            ($v:expr, $ty:ty) => {{
                let n = match value {
                    Value::UInt(n) => <$ty>::try_from(*n).ok(),
                    Value::Int(n) => <$ty>::try_from(*n).ok(),
                    Value::UInt128(n) => <$ty>::try_from(*n).ok(),
                    Value::Int128(n) => <$ty>::try_from(*n).ok(),
                    _ => None,
                };
                $v.push(n.ok_or_else(|| mismatch(value, stringify!($ty)))?)
            }};
        }
        match &mut self.grow {
            Grow::Nothing(len) => *len += 1,
            Grow::U8(v) => number!(v, u8),
            Grow::U16(v) => number!(v, u16),
            Grow::U32(v) => number!(v, u32),
            Grow::U64(v) => number!(v, u64),
            Grow::U128(v) => number!(v, u128),
            Grow::I8(v) => number!(v, i8),
            Grow::I16(v) => number!(v, i16),
            Grow::I32(v) => number!(v, i32),
            Grow::I64(v) => number!(v, i64),
            Grow::I128(v) => number!(v, i128),
            Grow::F32(v) => {
                v.push(value.as_f64().ok_or_else(|| mismatch(value, "Float32"))? as f32)
            }
            Grow::F64(v) => v.push(value.as_f64().ok_or_else(|| mismatch(value, "Float64"))?),
            Grow::Bytes(b) => b.push(value.as_bytes().ok_or_else(|| mismatch(value, "String"))?),
            Grow::Fixed(n, data) => {
                let bytes = value.as_bytes().filter(|b| b.len() <= *n);
                let bytes = bytes.ok_or_else(|| mismatch(value, "FixedString"))?;
                data.extend_from_slice(bytes);
                data.resize(data.len() + *n - bytes.len(), 0);
            }
            Grow::Nullable(nulls, values) => {
                nulls.push(u8::from(value.is_null()));
                match value {
                    Value::Null => values.push_default(),
                    _ => values.push(value)?,
                }
            }
            Grow::Array(offsets, elements) => {
                push_elements(elements, value)?;
                offsets.push(elements.len() as u64);
            }
            Grow::Tuple(columns, len) => {
                push_tuple(columns, value)?;
                *len += 1;
            }
        }
        Ok(())
    }

    /// The finished column.
    pub fn finish(self) -> Flat {
        match self.grow {
            Grow::Nothing(len) => Flat::Nothing(len),
            Grow::U8(v) => Flat::native(v),
            Grow::U16(v) => Flat::native(v),
            Grow::U32(v) => Flat::native(v),
            Grow::U64(v) => Flat::native(v),
            Grow::U128(v) => Flat::native(v),
            Grow::I8(v) => Flat::native(v),
            Grow::I16(v) => Flat::native(v),
            Grow::I32(v) => Flat::native(v),
            Grow::I64(v) => Flat::native(v),
            Grow::I128(v) => Flat::native(v),
            Grow::F32(v) => Flat::native(v),
            Grow::F64(v) => Flat::native(v),
            Grow::Bytes(b) => Flat::Bytes(b.finish()),
            Grow::Fixed(width, data) => Flat::Fixed {
                width,
                data: Buffer::from(data),
            },
            Grow::Nullable(nulls, values) => {
                let values = values.finish();
                debug_assert_eq!(nulls.len(), values.len());
                match NullableColumn::new(Buffer::from(nulls), values) {
                    Ok(column) => Flat::Nullable(column),
                    Err(_) => Flat::Nothing(0),
                }
            }
            Grow::Array(offsets, elements) => {
                match ArrayColumn::new(Buffer::from(offsets), Column::Flat(elements.finish())) {
                    Ok(column) => Flat::Array(column),
                    Err(_) => Flat::Nothing(0),
                }
            }
            Grow::Tuple(columns, len) => Flat::Tuple(
                Arc::new(
                    columns
                        .into_iter()
                        .map(|c| Column::Flat(c.finish()))
                        .collect(),
                ),
                len,
            ),
        }
    }
}

fn push_elements(elements: &mut ColumnBuilder, value: &Value) -> Result<()> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|v| elements.push(v)),
        Value::Map(entries) => entries
            .iter()
            .try_for_each(|(k, v)| elements.push(&Value::Tuple(vec![k.clone(), v.clone()]))),
        other => Err(mismatch(other, "Array")),
    }
}

fn push_tuple(columns: &mut [ColumnBuilder], value: &Value) -> Result<()> {
    match value {
        Value::Tuple(values) if values.len() == columns.len() => columns
            .iter_mut()
            .zip(values)
            .try_for_each(|(c, v)| c.push(v)),
        other => Err(mismatch(other, "Tuple")),
    }
}

fn mismatch(value: &Value, expected: &str) -> Error {
    Error::new(
        Code::TYPE_MISMATCH,
        format!("value {value:?} does not fit a column of {expected}"),
    )
}
