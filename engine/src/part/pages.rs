//! Pages of one column, one behind the other, as one column.
//!
//! Invariant: what is cheap stays cheap: constants with the same value stay constant, codes stay
//! codes, numbers are decoded where they will stay.

use std::sync::Arc;

use crate::codec::Cursor;
use crate::column::{Buffer, Column, ColumnBuilder, DictColumn, Flat};
use crate::error::Result;
use crate::format::Word;
use crate::format::column::{NumberPage, read_nullable_page, read_number_page};
use crate::kernels::compare::compare_flat;
use crate::kernels::concat::concat_flats;
use crate::kernels::mask::Mask;
use crate::kernels::squeeze::squeeze;
use crate::types::Physical;

/// A merged dictionary may have one entry per this many rows.
const ROWS_PER_ENTRY: usize = 2;

/// All rows of `columns`, which have `shape`.
pub(super) fn join(columns: &[Column], shape: &Physical) -> Result<Column> {
    match columns {
        [] => return Ok(Column::Flat(ColumnBuilder::of_shape(shape, 0).finish())),
        [one] => return Ok(one.clone()),
        _ => {}
    }
    let strings = crate::format::dictionary::allowed(shape);
    if strings && let Some(column) = join_dictionaries(columns)? {
        return Ok(column);
    }
    let flats: Vec<Flat> = columns.iter().map(Column::to_flat).collect();
    Ok(Column::Flat(concat_flats(&flats)?))
}

/// Constants and dictionaries of strings: shared entries stay shared, others stand behind each
/// other, unless there are too many for a dictionary to be worth it.
fn join_dictionaries(columns: &[Column]) -> Result<Option<Column>> {
    let rows: usize = columns.iter().map(Column::len).sum();
    let mut dicts: Vec<(&Arc<Flat>, u32)> = Vec::new();
    let mut entries = 0usize;
    let mut bases = Vec::with_capacity(columns.len());
    for column in columns {
        let dict = match column {
            Column::Flat(_) => return Ok(None),
            Column::Const { value, .. } => value,
            Column::Dict(d) => d.dict(),
        };
        let same = |known: &Arc<Flat>| {
            Arc::ptr_eq(known, dict)
                || (known.len() == 1 && dict.len() == 1 && compare_flat(known, 0, dict, 0).is_eq())
        };
        let known = dicts
            .iter()
            .rev()
            .take(4)
            .find(|(k, _)| same(k))
            .map(|(_, base)| *base);
        bases.push(known.unwrap_or(entries as u32));
        if known.is_none() {
            dicts.push((dict, entries as u32));
            entries += dict.len();
        }
    }
    if let ([(only, _)], true) = (&dicts[..], columns.iter().all(|c| c.as_const().is_some())) {
        return Ok(Some(Column::Const {
            value: Arc::clone(only),
            len: rows,
        }));
    }
    if dicts.len() > 1 && entries * ROWS_PER_ENTRY > rows {
        return Ok(None);
    }
    let mut codes: Vec<u32> = Vec::with_capacity(rows);
    for (column, base) in columns.iter().zip(bases) {
        match column {
            Column::Dict(d) if base == 0 => codes.extend_from_slice(d.codes()),
            Column::Dict(d) => codes.extend(d.codes().iter().map(|c| c + base)),
            other => codes.resize(codes.len() + other.len(), base),
        }
    }
    let dict = match &dicts[..] {
        [(only, _)] => Arc::clone(only),
        many => {
            let flats: Vec<Flat> = many.iter().map(|(d, _)| d.as_ref().clone()).collect();
            Arc::new(concat_flats(&flats)?)
        }
    };
    Ok(Some(Column::Dict(DictColumn::new(
        Buffer::from(codes),
        dict,
    )?)))
}

/// Decodes pages of numbers behind each other.
pub(super) enum NumberSink {
    U8(Numbers<u8>),
    U16(Numbers<u16>),
    U32(Numbers<u32>),
    U64(Numbers<u64>),
    U128(Numbers<u128>),
    I8(Numbers<i8>),
    I16(Numbers<i16>),
    I32(Numbers<i32>),
    I64(Numbers<i64>),
    I128(Numbers<i128>),
    F32(Numbers<f32>),
    F64(Numbers<f64>),
}

/// Numbers so far; with a mask when the column is Nullable.
pub(super) struct Numbers<T> {
    nulls: Option<Vec<u8>>,
    values: Vec<T>,
    /// The value (or NULL) of all rows so far, while they are the same.
    constant: Option<Option<T>>,
}

macro_rules! each_sink {
    ($sink:expr, $n:ident => $body:expr) => {
        match $sink {
            NumberSink::U8($n) => $body,
            NumberSink::U16($n) => $body,
            NumberSink::U32($n) => $body,
            NumberSink::U64($n) => $body,
            NumberSink::U128($n) => $body,
            NumberSink::I8($n) => $body,
            NumberSink::I16($n) => $body,
            NumberSink::I32($n) => $body,
            NumberSink::I64($n) => $body,
            NumberSink::I128($n) => $body,
            NumberSink::F32($n) => $body,
            NumberSink::F64($n) => $body,
        }
    };
}

impl NumberSink {
    /// For a column of numbers, Nullable or not; none for other shapes.
    pub(super) fn new(shape: &Physical) -> Option<NumberSink> {
        let (nullable, values) = match shape {
            Physical::Nullable(inner) => (true, &**inner),
            other => (false, other),
        };
        Some(match values {
            Physical::U8 => NumberSink::U8(Numbers::new(nullable)),
            Physical::U16 => NumberSink::U16(Numbers::new(nullable)),
            Physical::U32 => NumberSink::U32(Numbers::new(nullable)),
            Physical::U64 => NumberSink::U64(Numbers::new(nullable)),
            Physical::U128 => NumberSink::U128(Numbers::new(nullable)),
            Physical::I8 => NumberSink::I8(Numbers::new(nullable)),
            Physical::I16 => NumberSink::I16(Numbers::new(nullable)),
            Physical::I32 => NumberSink::I32(Numbers::new(nullable)),
            Physical::I64 => NumberSink::I64(Numbers::new(nullable)),
            Physical::I128 => NumberSink::I128(Numbers::new(nullable)),
            Physical::F32 => NumberSink::F32(Numbers::new(nullable)),
            Physical::F64 => NumberSink::F64(Numbers::new(nullable)),
            _ => return None,
        })
    }

    /// Makes room for `rows` rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        each_sink!(self, n => n.values.reserve(rows));
    }

    /// Decodes a page of `rows` rows.
    pub(super) fn add(&mut self, page: &[u8], rows: usize) -> Result<()> {
        each_sink!(self, n => n.add(page, rows))
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        each_sink!(self, n => n.values.len())
    }

    /// Of the rows from `start` on keeps those that stand.
    pub(super) fn keep(&mut self, start: usize, mask: &Mask) {
        each_sink!(self, n => n.keep(start, mask));
    }

    /// All rows.
    pub(super) fn finish(self) -> Result<Column> {
        each_sink!(self, n => n.finish())
    }
}

impl<T: Word> Numbers<T> {
    fn new(nullable: bool) -> Self {
        Numbers {
            nulls: nullable.then(Vec::new),
            values: Vec::new(),
            constant: None,
        }
    }

    fn add(&mut self, page: &[u8], rows: usize) -> Result<()> {
        let mut cursor = Cursor::new(page);
        let first = self.values.is_empty();
        let kind = match &mut self.nulls {
            None => read_number_page(&mut cursor, rows, &mut self.values)?,
            Some(nulls) => read_nullable_page(&mut cursor, rows, nulls, &mut self.values)?,
        };
        cursor.end()?;
        let same = |a: Option<T>, b: Option<T>| match (a, b) {
            (Some(a), Some(b)) => a.same(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.constant = match (kind, self.constant) {
            (NumberPage::Constant(v), _) if first => Some(v),
            (NumberPage::Constant(v), Some(known)) if same(v, known) => Some(known),
            _ => None,
        };
        Ok(())
    }

    fn keep(&mut self, start: usize, mask: &Mask) {
        if self.constant.is_some() {
            self.values.truncate(start + mask.shown());
            self.nulls
                .iter_mut()
                .for_each(|n| n.truncate(start + mask.shown()));
            return;
        }
        squeeze(&mut self.values, start, mask);
        if let Some(nulls) = &mut self.nulls {
            squeeze(nulls, start, mask);
        }
    }

    fn finish(mut self) -> Result<Column> {
        let len = self.values.len();
        if self.constant.is_some() {
            self.values.truncate(1);
            self.nulls.iter_mut().for_each(|n| n.truncate(1));
        }
        let values = Flat::native(self.values);
        let flat = match self.nulls {
            Some(nulls) => Flat::nullable(nulls, values)?,
            None => values,
        };
        Ok(match self.constant {
            Some(_) => Column::Const {
                value: Arc::new(flat),
                len,
            },
            None => Column::Flat(flat),
        })
    }
}
