//! Builders of answers, and the shortest way from a function of one row to a bound function.
//!
//! Invariant: closures are called once per row, in order.

use roost_engine::column::flat::ArrayColumn;
use roost_engine::column::{Buffer, BytesBuilder, Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{Strs, arity, strings};
use crate::functions::{Arg, BoundFunction};

/// A column of numbers.
pub(crate) fn nums<T: Native>(rows: usize, value: impl FnMut(usize) -> T) -> Column {
    Column::native((0..rows).map(value).collect::<Vec<T>>())
}

/// A column of numbers that may fail.
pub(crate) fn try_nums<T: Native>(
    rows: usize,
    value: impl FnMut(usize) -> Result<T>,
) -> Result<Column> {
    let values: Result<Vec<T>> = (0..rows).map(value).collect();
    Ok(Column::native(values?))
}

/// A column of strings, each appended to the buffer that the closure gets.
pub(crate) fn text(
    rows: usize,
    bytes: usize,
    mut write: impl FnMut(usize, &mut Vec<u8>),
) -> Column {
    let mut out = BytesBuilder::with_capacity(rows, bytes);
    for row in 0..rows {
        write(row, out.tail());
        out.end();
    }
    Column::Flat(Flat::Bytes(out.finish()))
}

/// A column of strings that may fail.
pub(crate) fn try_text(
    rows: usize,
    bytes: usize,
    mut write: impl FnMut(usize, &mut Vec<u8>) -> Result<()>,
) -> Result<Column> {
    let mut out = BytesBuilder::with_capacity(rows, bytes);
    for row in 0..rows {
        write(row, out.tail())?;
        out.end();
    }
    Ok(Column::Flat(Flat::Bytes(out.finish())))
}

/// A column of arrays from ascending offsets.
pub(crate) fn array(offsets: Vec<u64>, elements: impl Into<Column>) -> Result<Column> {
    let array = ArrayColumn::new(Buffer::from(offsets), elements.into())?;
    Ok(Column::Flat(Flat::Array(array)))
}

/// Grows a column of Array(String).
pub(crate) struct StringLists {
    offsets: Vec<u64>,
    elements: BytesBuilder,
}

impl StringLists {
    pub(crate) fn new(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        StringLists {
            offsets,
            elements: BytesBuilder::with_capacity(rows, bytes),
        }
    }

    /// Adds an element to the row under construction.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.elements.push(value);
    }

    /// Bytes of an element under construction; [`Self::end_element`] ends it.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.elements.tail()
    }

    pub(crate) fn end_element(&mut self) {
        self.elements.end();
    }

    /// Rows ended so far.
    pub(crate) fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn end_row(&mut self) {
        self.offsets.push(self.elements.len() as u64);
    }

    pub(crate) fn finish(self) -> Result<Column> {
        array(self.offsets, Flat::Bytes(self.elements.finish()))
    }
}

/// A column of Array(String); the closure pushes the elements of one row.
pub(crate) fn string_lists(
    rows: usize,
    bytes: usize,
    mut fill: impl FnMut(usize, &mut StringLists) -> Result<()>,
) -> Result<Column> {
    let mut out = StringLists::new(rows, bytes);
    for row in 0..rows {
        fill(row, &mut out)?;
        out.end_row();
    }
    out.finish()
}

/// `String -> number`.
pub(crate) fn text_nums<T: Native>(
    args: &[Arg],
    ty: DataType,
    value: impl Fn(&[u8]) -> T + Send + Sync + 'static,
) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        Ok(nums(rows, |i| value(s.get(i))))
    }))
}

/// `(String, String) -> number`.
pub(crate) fn text_text_nums<T: Native>(
    args: &[Arg],
    ty: DataType,
    value: impl Fn(&[u8], &[u8]) -> T + Send + Sync + 'static,
) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        Ok(nums(rows, |i| value(a.get(i), b.get(i))))
    }))
}

/// `String -> String`.
pub(crate) fn text_to_text(
    args: &[Arg],
    write: impl Fn(&[u8], &mut Vec<u8>) + Send + Sync + 'static,
) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let s = Strs::of(&columns[0])?;
            Ok(text(rows, s.size(rows), |i, out| write(s.get(i), out)))
        },
    ))
}
