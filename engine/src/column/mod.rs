//! Columns in memory: a closed set of shapes in one of three representations.
//!
//! - [`Column::Flat`]: one entry per row;
//! - [`Column::Const`]: one entry, repeated;
//! - [`Column::Dict`]: entries once, rows as codes into them.
//!
//! Invariant: all parts of a column agree in length, offsets ascend and stay inside their values,
//! and codes stay inside their dictionary; constructors check, readers may index without fear.
//!
//! The logical type stands beside a column (in [`crate::block::Block`] or an expression), never in it.

pub mod buffer;
pub mod builder;
pub mod bytes;
pub mod flat;
pub mod native;

pub use buffer::Buffer;
pub use builder::ColumnBuilder;
pub use bytes::{BytesBuilder, BytesColumn};
pub use flat::{ArrayColumn, Flat, NullableColumn};
pub use native::Native;

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::types::{DataType, Value};

/// A column in one of three representations. Cloning and slicing are cheap.
#[derive(Debug, Clone)]
pub enum Column {
    /// One entry per row.
    Flat(Flat),
    /// `value` (of length one) repeated `len` times.
    Const {
        /// The one entry.
        value: Arc<Flat>,
        /// Number of rows.
        len: usize,
    },
    /// Row `i` is `dict[codes[i]]`. Entries may repeat and may be unused.
    Dict(DictColumn),
}

/// Codes over a shared dictionary.
#[derive(Debug, Clone)]
pub struct DictColumn {
    codes: Buffer<u32>,
    dict: Arc<Flat>,
}

impl DictColumn {
    /// Checks every code against the dictionary.
    pub fn new(codes: Buffer<u32>, dict: Arc<Flat>) -> Result<Self> {
        let entries = dict.len();
        match codes.iter().find(|&&c| c as usize >= entries) {
            Some(c) => Err(Error::corrupt(format!(
                "dictionary code {c} is outside a dictionary of {entries} entries"
            ))),
            None => Ok(DictColumn { codes, dict }),
        }
    }

    /// Code of each row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The codes as a buffer, to build another column over the same rows.
    pub fn codes_buffer(&self) -> &Buffer<u32> {
        &self.codes
    }

    /// The dictionary's entries.
    pub fn dict(&self) -> &Arc<Flat> {
        &self.dict
    }

    /// The same rows over other entries (a function applied to the dictionary once).
    pub fn with_dict(&self, dict: Flat) -> Result<DictColumn> {
        if dict.len() < self.dict.len() {
            return Err(Error::bug("a mapped dictionary lost entries"));
        }
        Ok(DictColumn {
            codes: self.codes.clone(),
            dict: Arc::new(dict),
        })
    }
}

/// The default of an enum, which need not be zero; `None` for all other types.
fn enum_default(ty: &DataType) -> Option<Value> {
    match ty {
        DataType::Enum8(names) | DataType::Enum16(names) => names
            .values
            .first()
            .map(|(number, _)| Value::Int((*number).into())),
        _ => None,
    }
}

impl From<Flat> for Column {
    fn from(flat: Flat) -> Self {
        Column::Flat(flat)
    }
}

impl Column {
    /// A constant column.
    pub fn constant(value: &Value, ty: &DataType, len: usize) -> Result<Column> {
        let mut builder = ColumnBuilder::new(ty, 1);
        builder.push(value)?;
        Ok(Column::Const {
            value: Arc::new(builder.finish()),
            len,
        })
    }

    /// `len` rows of the default value of `ty` (0, empty, NULL; of an enum its first value).
    pub fn defaults(ty: &DataType, len: usize) -> Column {
        let mut builder = ColumnBuilder::new(ty, 1);
        let special = enum_default(ty).filter(|value| builder.push(value).is_ok());
        if special.is_none() {
            builder.push_default();
        }
        Column::Const {
            value: Arc::new(builder.finish()),
            len,
        }
    }

    /// A flat column of a native type.
    pub fn native<T: Native>(values: Vec<T>) -> Column {
        Column::Flat(T::wrap(Buffer::from(values)))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Flat(f) => f.len(),
            Column::Const { len, .. } => *len,
            Column::Dict(d) => d.codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows `offset..offset + len`, shared. Panics when they are not all there.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Column {
        match self {
            Column::Flat(f) => Column::Flat(f.slice(offset, len)),
            Column::Const { value, len: all } => {
                assert!(
                    offset + len <= *all,
                    "slice past the end of a constant column"
                );
                Column::Const {
                    value: Arc::clone(value),
                    len,
                }
            }
            Column::Dict(d) => Column::Dict(DictColumn {
                codes: d.codes.slice(offset, len),
                dict: Arc::clone(&d.dict),
            }),
        }
    }

    /// The one entry of a constant column.
    pub fn as_const(&self) -> Option<&Flat> {
        match self {
            Column::Const { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The same rows, one entry per row.
    #[must_use]
    pub fn to_flat(&self) -> Flat {
        match self {
            Column::Flat(f) => f.clone(),
            Column::Const { value, len } => crate::kernels::take::repeat(value, *len),
            Column::Dict(d) => crate::kernels::take::take_flat(&d.dict, &d.codes),
        }
    }

    /// The representation's entries and the entry of row `i`: how kernels read any column.
    pub fn entry(&self, row: usize) -> (&Flat, usize) {
        match self {
            Column::Flat(f) => (f, row),
            Column::Const { value, .. } => (value, 0),
            Column::Dict(d) => (&d.dict, d.codes[row] as usize),
        }
    }

    /// Whether row `i` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        let (flat, at) = self.entry(row);
        flat.is_null(at)
    }

    /// The cell of row `i`; slow, for edges and tests.
    pub fn value(&self, row: usize) -> Value {
        let (flat, at) = self.entry(row);
        flat.value(at)
    }

    /// Resident bytes of the entries that this column keeps alive (shared parts counted whole).
    pub fn memory_bytes(&self) -> usize {
        match self {
            Column::Flat(f) => f.memory_bytes(),
            Column::Const { value, .. } => value.memory_bytes(),
            Column::Dict(d) => d.codes.len() * 4 + d.dict.memory_bytes(),
        }
    }

    /// The values of a native column without nulls, when flat; otherwise an error naming the bug.
    pub fn flat_slice<T: Native>(&self) -> Result<&[T]> {
        match self {
            Column::Flat(f) => f.slice_of::<T>(),
            _ => Err(Error::bug("expected a flat column")),
        }
    }

    /// Checks the shape against the type; for edges where bytes become columns.
    pub fn check(&self, ty: &DataType) -> Result<()> {
        let flat = match self {
            Column::Flat(f) => f,
            Column::Const { value, .. } => value,
            Column::Dict(d) => &d.dict,
        };
        if flat.has_shape(&ty.physical()) {
            return Ok(());
        }
        Err(Error::new(
            Code::LOGICAL_ERROR,
            format!(
                "a column of type {ty} has the wrong shape: {}",
                flat.shape_name()
            ),
        ))
    }
}
