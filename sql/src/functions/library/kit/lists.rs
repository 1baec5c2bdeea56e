//! Arrays (and maps, which are arrays of pairs) of any representation.
//!
//! Invariant: `bounds(row)` lies inside `elements()`; a constant array is not repeated.

use roost_engine::bail;
use roost_engine::column::{ArrayColumn, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take::take_or_default;
use roost_engine::types::DataType;

use super::array;
use crate::functions::Arg;

/// The arrays of a column.
pub(crate) struct Lists<'a> {
    array: &'a ArrayColumn,
    rows: Rows<'a>,
}

enum Rows<'a> {
    Each,
    One,
    Coded(&'a [u32]),
}

impl<'a> Lists<'a> {
    pub(crate) fn of(column: &'a Column) -> Result<Self> {
        let (flat, rows) = match column {
            Column::Flat(flat) => (flat, Rows::Each),
            Column::Const { value, .. } => (value.as_ref(), Rows::One),
            Column::Dict(d) => (d.dict().as_ref(), Rows::Coded(d.codes())),
        };
        match flat {
            Flat::Array(array) => Ok(Lists { array, rows }),
            other => Err(Error::bug(format!(
                "expected arrays, found {}",
                other.shape_name()
            ))),
        }
    }

    /// Start and end of a row's elements.
    #[inline]
    pub(crate) fn bounds(&self, row: usize) -> (usize, usize) {
        self.array.bounds(match self.rows {
            Rows::Each => row,
            Rows::One => 0,
            Rows::Coded(codes) => codes[row] as usize,
        })
    }

    /// All elements that any row may have, and perhaps more.
    pub(crate) fn elements(&self) -> &'a Column {
        self.array.elements()
    }
}

/// Elements of a column by index ([`roost_engine::kernels::take::NO_ROW`] gives the default) as
/// arrays that end at `offsets`.
pub(crate) fn gather(offsets: Vec<u64>, elements: &Column, indices: &[u32]) -> Result<Column> {
    if indices.len() > u32::MAX as usize / 2 {
        bail!(
            TOO_LARGE_ARRAY_SIZE,
            "an array column of {} elements is too large",
            indices.len()
        );
    }
    array(offsets, take_or_default(elements, indices))
}

/// The element type of an array type; `Nothing` for others.
pub(crate) fn element(ty: &DataType) -> DataType {
    match ty {
        DataType::Array(e) => e.as_ref().clone(),
        DataType::Map(..) => ty.map_entry().unwrap_or(DataType::Nothing),
        _ => DataType::Nothing,
    }
}

/// The element type of argument `i`, which must be an array.
pub(crate) fn list_arg(args: &[Arg], i: usize) -> Result<DataType> {
    match args.get(i).map(|a| &a.ty) {
        Some(DataType::Array(e)) => Ok(e.as_ref().clone()),
        Some(other) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument {}, expected an array",
            i + 1
        ),
        None => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "argument {} is missing, expected an array",
            i + 1
        ),
    }
}
