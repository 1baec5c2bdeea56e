//! Flat shapes: one entry per row.
//!
//! Invariant: the parts of a nested shape agree in length (mask and values, offsets and elements,
//! the columns of a tuple); constructors check it.

use std::sync::Arc;

use super::{Buffer, BytesColumn, Column, Native};
use crate::error::{Error, Result};
use crate::types::{Physical, Value};
use crate::with_native;

/// One entry per row, by shape.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the number variants say it")]
pub enum Flat {
    /// Only a length: the column of type Nothing.
    Nothing(usize),
    U8(Buffer<u8>),
    U16(Buffer<u16>),
    U32(Buffer<u32>),
    U64(Buffer<u64>),
    U128(Buffer<u128>),
    I8(Buffer<i8>),
    I16(Buffer<i16>),
    I32(Buffer<i32>),
    I64(Buffer<i64>),
    I128(Buffer<i128>),
    F32(Buffer<f32>),
    F64(Buffer<f64>),
    /// Strings of any length.
    Bytes(BytesColumn),
    /// Strings of `width` bytes each; `data.len() == rows * width`.
    Fixed {
        /// Bytes of one string, at least one.
        width: usize,
        /// All strings back to back.
        data: Buffer<u8>,
    },
    /// Values that may be NULL.
    Nullable(NullableColumn),
    /// Lists.
    Array(ArrayColumn),
    /// Columns side by side; the length is kept for the empty tuple.
    Tuple(Arc<Vec<Column>>, usize),
}

/// Values with a mask; what stands under a NULL is the type's default or anything else.
#[derive(Debug, Clone)]
pub struct NullableColumn {
    nulls: Buffer<u8>,
    values: Arc<Flat>,
}

impl NullableColumn {
    /// `nulls[i] != 0` means NULL. Values must not be Nullable themselves.
    pub fn new(nulls: Buffer<u8>, values: Flat) -> Result<Self> {
        if nulls.len() != values.len() || matches!(values, Flat::Nullable(_)) {
            return Err(Error::bug("null mask and values do not belong together"));
        }
        Ok(NullableColumn {
            nulls,
            values: Arc::new(values),
        })
    }

    /// One byte a row, non-zero where NULL.
    pub fn nulls(&self) -> &[u8] {
        &self.nulls
    }

    /// The mask as a buffer.
    pub fn nulls_buffer(&self) -> &Buffer<u8> {
        &self.nulls
    }

    /// Values under the mask.
    pub fn values(&self) -> &Flat {
        &self.values
    }
}

/// Lists: `elements[offsets[i]..offsets[i + 1]]` is row `i`.
#[derive(Debug, Clone)]
pub struct ArrayColumn {
    offsets: Buffer<u64>,
    elements: Arc<Column>,
}

impl ArrayColumn {
    /// Offsets (rows + 1 of them, ascending, inside the elements) are checked.
    pub fn new(offsets: Buffer<u64>, elements: Column) -> Result<Self> {
        let ascending = offsets.windows(2).all(|w| w[0] <= w[1]);
        match offsets.last() {
            Some(&last) if ascending && last <= elements.len() as u64 => Ok(ArrayColumn {
                offsets,
                elements: Arc::new(elements),
            }),
            _ => Err(Error::corrupt("array offsets do not fit their elements")),
        }
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Offsets into [`Self::elements`], one more than rows; the first need not be zero.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Start and end of row `i` in the elements.
    #[inline]
    pub fn bounds(&self, row: usize) -> (usize, usize) {
        (self.offsets[row] as usize, self.offsets[row + 1] as usize)
    }

    /// The shared elements; only `offsets[0]..offsets[len]` belong to this column.
    pub fn elements(&self) -> &Column {
        &self.elements
    }

    /// Offsets from zero and exactly the elements that belong to these rows.
    pub fn compact(&self) -> (Buffer<u64>, Column) {
        let (first, last) = (self.offsets[0], self.offsets[self.len()]);
        if first == 0 && last == self.elements.len() as u64 {
            return (self.offsets.clone(), self.elements.as_ref().clone());
        }
        let offsets = self.offsets.iter().map(|o| o - first).collect();
        (
            offsets,
            self.elements.slice(first as usize, (last - first) as usize),
        )
    }
}

impl Flat {
    /// A native column.
    pub fn native<T: Native>(values: Vec<T>) -> Flat {
        T::wrap(Buffer::from(values))
    }

    /// A tuple of columns of equal length; `len` counts for the empty tuple.
    pub fn tuple(columns: Vec<Column>, len: usize) -> Result<Flat> {
        if columns.iter().any(|c| c.len() != len) {
            return Err(Error::bug("tuple columns differ in length"));
        }
        Ok(Flat::Tuple(Arc::new(columns), len))
    }

    /// `values` with a null mask.
    pub fn nullable(nulls: Vec<u8>, values: Flat) -> Result<Flat> {
        Ok(Flat::Nullable(NullableColumn::new(
            Buffer::from(nulls),
            values,
        )?))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        with_native!(self, |v| v.len(), other => match other {
            Flat::Bytes(b) => b.len(),
            Flat::Fixed { width, data } => data.len() / width,
            Flat::Nullable(n) => n.nulls.len(),
            Flat::Array(a) => a.len(),
            Flat::Tuple(_, len) | Flat::Nothing(len) => *len,
            _ => 0,
        })
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows `offset..offset + len`, shared. Panics when they are not all there.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Flat {
        with_native!(self, |v| Native::wrap(v.slice(offset, len)), other => match other {
            Flat::Bytes(b) => Flat::Bytes(b.slice(offset, len)),
            Flat::Fixed { width, data } => {
                Flat::Fixed { width: *width, data: data.slice(offset * width, len * width) }
            }
            Flat::Nullable(n) => Flat::Nullable(NullableColumn {
                nulls: n.nulls.slice(offset, len),
                values: Arc::new(n.values.slice(offset, len)),
            }),
            Flat::Array(a) => Flat::Array(ArrayColumn {
                offsets: a.offsets.slice(offset, len + 1),
                elements: Arc::clone(&a.elements),
            }),
            Flat::Tuple(columns, _) => {
                Flat::Tuple(Arc::new(columns.iter().map(|c| c.slice(offset, len)).collect()), len)
            }
            _ => Flat::Nothing(len),
        })
    }

    /// The values of a native column, or an error naming both types.
    pub fn slice_of<T: Native>(&self) -> Result<&[T]> {
        T::of(self).map(|b| &b[..]).ok_or_else(|| {
            Error::bug(format!(
                "expected a column of {}, found {}",
                T::NAME,
                self.shape_name()
            ))
        })
    }

    /// The strings of a bytes column, or an error.
    pub fn as_bytes(&self) -> Result<&BytesColumn> {
        match self {
            Flat::Bytes(b) => Ok(b),
            other => Err(Error::bug(format!(
                "expected strings, found {}",
                other.shape_name()
            ))),
        }
    }

    /// The lists of an array column, or an error.
    pub fn as_array(&self) -> Result<&ArrayColumn> {
        match self {
            Flat::Array(a) => Ok(a),
            other => Err(Error::bug(format!(
                "expected arrays, found {}",
                other.shape_name()
            ))),
        }
    }

    /// The columns of a tuple, or an error.
    pub fn as_tuple(&self) -> Result<&[Column]> {
        match self {
            Flat::Tuple(columns, _) => Ok(columns),
            other => Err(Error::bug(format!(
                "expected tuples, found {}",
                other.shape_name()
            ))),
        }
    }

    /// Mask (when there is one) and the values under it.
    pub fn split_nulls(&self) -> (Option<&[u8]>, &Flat) {
        match self {
            Flat::Nullable(n) => (Some(&n.nulls), &n.values),
            other => (None, other),
        }
    }

    /// Whether row `i` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Flat::Nullable(n) => n.nulls[row] != 0,
            Flat::Nothing(_) => true,
            _ => false,
        }
    }

    /// The string of row `i` of a Bytes or Fixed column; empty for other shapes.
    #[inline]
    pub fn bytes_at(&self, row: usize) -> &[u8] {
        match self {
            Flat::Bytes(b) => b.get(row),
            Flat::Fixed { width, data } => &data[row * width..(row + 1) * width],
            Flat::Nullable(n) => n.values.bytes_at(row),
            _ => &[],
        }
    }

    /// The cell of row `i`; a Map comes back as the Array of its entry Tuples.
    pub fn value(&self, row: usize) -> Value {
        match self {
            Flat::Nothing(_) => Value::Null,
            Flat::U8(v) => Value::UInt(v[row].into()),
            Flat::U16(v) => Value::UInt(v[row].into()),
            Flat::U32(v) => Value::UInt(v[row].into()),
            Flat::U64(v) => Value::UInt(v[row]),
            Flat::U128(v) => Value::UInt128(v[row]),
            Flat::I8(v) => Value::Int(v[row].into()),
            Flat::I16(v) => Value::Int(v[row].into()),
            Flat::I32(v) => Value::Int(v[row].into()),
            Flat::I64(v) => Value::Int(v[row]),
            Flat::I128(v) => Value::Int128(v[row]),
            Flat::F32(v) => Value::Float(v[row].into()),
            Flat::F64(v) => Value::Float(v[row]),
            Flat::Bytes(_) | Flat::Fixed { .. } => Value::Bytes(self.bytes_at(row).to_vec()),
            Flat::Nullable(n) if n.nulls[row] != 0 => Value::Null,
            Flat::Nullable(n) => n.values.value(row),
            Flat::Array(a) => {
                let (start, end) = a.bounds(row);
                Value::Array((start..end).map(|i| a.elements.value(i)).collect())
            }
            Flat::Tuple(columns, _) => Value::Tuple(columns.iter().map(|c| c.value(row)).collect()),
        }
    }

    /// Bytes of the entries that this column spans.
    pub fn memory_bytes(&self) -> usize {
        fn of<T>(values: &[T]) -> usize {
            size_of_val(values)
        }
        with_native!(self, |v| of(v), other => match other {
            Flat::Bytes(b) => b.value_bytes() + b.offsets().len() * 8,
            Flat::Fixed { data, .. } => data.len(),
            Flat::Nullable(n) => n.nulls.len() + n.values.memory_bytes(),
            Flat::Array(a) => a.offsets.len() * 8 + a.elements.memory_bytes(),
            Flat::Tuple(columns, _) => columns.iter().map(Column::memory_bytes).sum(),
            _ => 0,
        })
    }

    /// Whether the column has this shape.
    pub fn has_shape(&self, shape: &Physical) -> bool {
        fn column_has(column: &Column, shape: &Physical) -> bool {
            match column {
                Column::Flat(f) => f.has_shape(shape),
                Column::Const { value, .. } => value.has_shape(shape),
                Column::Dict(d) => d.dict().has_shape(shape),
            }
        }
        match (self, shape) {
            (Flat::Nothing(_), Physical::Nothing)
            | (Flat::U8(_), Physical::U8)
            | (Flat::U16(_), Physical::U16)
            | (Flat::U32(_), Physical::U32)
            | (Flat::U64(_), Physical::U64)
            | (Flat::U128(_), Physical::U128)
            | (Flat::I8(_), Physical::I8)
            | (Flat::I16(_), Physical::I16)
            | (Flat::I32(_), Physical::I32)
            | (Flat::I64(_), Physical::I64)
            | (Flat::I128(_), Physical::I128)
            | (Flat::F32(_), Physical::F32)
            | (Flat::F64(_), Physical::F64)
            | (Flat::Bytes(_), Physical::Bytes) => true,
            (Flat::Fixed { width, .. }, Physical::Fixed(n)) => width == n,
            (Flat::Nullable(n), Physical::Nullable(inner)) => n.values.has_shape(inner),
            (Flat::Array(a), Physical::Array(inner)) => column_has(&a.elements, inner),
            (Flat::Tuple(columns, _), Physical::Tuple(shapes)) => {
                columns.len() == shapes.len()
                    && columns.iter().zip(shapes).all(|(c, s)| column_has(c, s))
            }
            _ => false,
        }
    }

    /// The shape's name, for messages.
    pub fn shape_name(&self) -> &'static str {
        match self {
            Flat::Nothing(_) => "nothing",
            Flat::U8(_) => "u8",
            Flat::U16(_) => "u16",
            Flat::U32(_) => "u32",
            Flat::U64(_) => "u64",
            Flat::U128(_) => "u128",
            Flat::I8(_) => "i8",
            Flat::I16(_) => "i16",
            Flat::I32(_) => "i32",
            Flat::I64(_) => "i64",
            Flat::I128(_) => "i128",
            Flat::F32(_) => "f32",
            Flat::F64(_) => "f64",
            Flat::Bytes(_) => "bytes",
            Flat::Fixed { .. } => "fixed bytes",
            Flat::Nullable(_) => "nullable",
            Flat::Array(_) => "array",
            Flat::Tuple(..) => "tuple",
        }
    }
}
