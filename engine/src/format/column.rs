//! A column as bytes: representation, then values by shape.
//!
//! Invariant: reading keeps the representation that was written (constant, dictionary, values) and
//! gives exactly the rows asked for.

use std::sync::Arc;

use super::Word;
use super::dictionary::{self, PageDictionary, SharedDictionary};
use super::numbers::{pick_numbers, put_numbers, read_numbers};
use super::strings::{
    lengths_choice, lengths_of, pick_strings, put_strings, read_offsets, read_strings,
};
use crate::codec::cursor::put_varint;
use crate::codec::{CodecChoice, Cursor, blob};
use crate::column::{ArrayColumn, Buffer, Column, DictColumn, Flat};
use crate::error::{Code, Error, Result};
use crate::kernels::take::take_flat;
use crate::types::Physical;
use crate::with_native;

pub(super) const VALUES: u8 = 0;
pub(super) const CONSTANT: u8 = 1;
pub(super) const DICTIONARY: u8 = 2;
pub(super) const SHARED: u8 = 3;

/// Most elements of an array column in one page.
pub const ELEMENTS_MAX: u64 = 1 << 26;

/// A page's dictionary may have one entry per this many rows.
const ROWS_PER_ENTRY: usize = 4;

/// A column that was looked at: the cheapest representation of its rows.
pub struct Prepared {
    column: Column,
    dictionary: Option<PageDictionary>,
}

impl Prepared {
    /// Finds out whether `column` is constant or (when it is of strings) repeats a few entries.
    pub fn new(column: &Column, shared: Option<&SharedDictionary>) -> Result<Prepared> {
        let plain = |column: Column| Prepared {
            column,
            dictionary: None,
        };
        if column.is_empty() {
            return Ok(plain(column.clone()));
        }
        if let Some(one) = constant_of(column) {
            return Ok(plain(Column::Const {
                value: Arc::new(one),
                len: column.len(),
            }));
        }
        if !is_string(column) {
            return Ok(plain(Column::Flat(column.to_flat())));
        }
        let open = shared.is_some_and(SharedDictionary::is_open);
        let most = column.len() / if open { 2 } else { ROWS_PER_ENTRY };
        match PageDictionary::of(column, most) {
            Some(page) => Ok(Prepared {
                column: page.column()?,
                dictionary: Some(page),
            }),
            None => Ok(plain(Column::Flat(column.to_flat()))),
        }
    }

    /// The rows: Const, Dict with entries that differ and are all used, or Flat.
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// Appends the column; pages of one column may share a dictionary.
    pub fn put(
        &self,
        out: &mut Vec<u8>,
        choice: CodecChoice,
        shared: Option<&mut SharedDictionary>,
    ) -> Result<()> {
        if let (Column::Const { value, .. }, false) = (&self.column, self.column.is_empty()) {
            out.extend_from_slice(&[CONSTANT, VALUES]);
            return put_values(out, value, choice);
        }
        if let Some(page) = &self.dictionary {
            if let Some(codes) = shared.and_then(|s| s.codes(page)) {
                out.push(SHARED);
                put_numbers(out, &codes, lengths_choice(choice));
                return Ok(());
            }
            if page.len() * ROWS_PER_ENTRY <= self.column.len() {
                out.push(DICTIONARY);
                put_varint(out, page.len() as u64);
                out.push(VALUES);
                put_values(out, &page.entries(), choice)?;
                put_numbers(out, page.codes(), lengths_choice(choice));
                return Ok(());
            }
        }
        out.push(VALUES);
        put_values(out, &self.column.to_flat(), choice)
    }
}

/// Appends a column; pages of one column may share a dictionary.
pub fn put_column(
    out: &mut Vec<u8>,
    column: &Column,
    choice: CodecChoice,
    shared: Option<&mut SharedDictionary>,
) -> Result<()> {
    Prepared::new(column, shared.as_deref())?.put(out, choice, shared)
}

fn is_string(column: &Column) -> bool {
    let flat = match column {
        Column::Flat(f) => f,
        Column::Const { value, .. } => value,
        Column::Dict(d) => d.dict(),
    };
    matches!(flat.split_nulls().1, Flat::Bytes(_) | Flat::Fixed { .. })
}

/// The one entry of a column whose rows all have the same bits.
fn constant_of(column: &Column) -> Option<Flat> {
    fn all_same<T: Word>(values: &[T]) -> bool {
        values.windows(2).all(|w| w[0].same(w[1]))
    }
    let flat = match column {
        Column::Const { value, .. } => return Some(value.as_ref().clone()),
        Column::Dict(d) => {
            let first = *d.codes().first()?;
            return d
                .codes()
                .iter()
                .all(|c| *c == first)
                .then(|| d.dict().slice(first as usize, 1));
        }
        Column::Flat(f) => f,
    };
    fn constant(flat: &Flat) -> bool {
        with_native!(flat, |v| all_same(v), other => match other {
            Flat::Bytes(b) => (1..b.len()).all(|i| b.get(i) == b.get(0)),
            Flat::Fixed { width, data } => data.chunks(*width).all(|c| c == &data[..*width]),
            Flat::Nullable(n) => {
                let null = n.nulls().iter().filter(|m| **m != 0).count();
                null == n.nulls().len() || (null == 0 && constant(n.values()))
            }
            Flat::Nothing(_) => true,
            _ => false,
        })
    }
    constant(flat).then(|| flat.slice(0, 1))
}

/// Appends values by shape.
fn put_values(out: &mut Vec<u8>, flat: &Flat, choice: CodecChoice) -> Result<()> {
    with_native!(flat, |v| {
        put_numbers(out, v, choice);
        Ok(())
    }, other => match other {
        Flat::Bytes(strings) => put_strings(out, strings, choice),
        Flat::Fixed { data, .. } => {
            blob::put(out, data, choice.compression);
            Ok(())
        }
        Flat::Nullable(n) => {
            let mask: Vec<u8> = n.nulls().iter().map(|m| u8::from(*m != 0)).collect();
            put_numbers(out, &mask, lengths_choice(choice));
            put_column(out, &Column::Flat(n.values().clone()), choice, None)
        }
        Flat::Array(lists) => {
            let (offsets, elements) = lists.compact();
            if elements.len() as u64 > ELEMENTS_MAX {
                return Err(Error::new(
                    Code::TOO_LARGE_ARRAY_SIZE,
                    format!(
                        "{} rows hold {} array elements, expected at most {ELEMENTS_MAX}",
                        lists.len(),
                        elements.len()
                    ),
                ));
            }
            put_numbers(out, &lengths_of(&offsets)?, lengths_choice(choice));
            put_column(out, &elements, choice, None)
        }
        Flat::Tuple(columns, _) => columns.iter().try_for_each(|c| put_column(out, c, choice, None)),
        _ => Ok(()),
    })
}

/// Reads a column of `rows` rows.
pub fn read_column(
    cursor: &mut Cursor<'_>,
    shape: &Physical,
    rows: usize,
    shared: Option<&Arc<Flat>>,
) -> Result<Column> {
    match cursor.u8()? {
        VALUES => Ok(Column::Flat(read_values(cursor, shape, rows)?)),
        CONSTANT => {
            let value = Arc::new(read_entries(cursor, shape, 1)?);
            Ok(Column::Const { value, len: rows })
        }
        DICTIONARY if dictionary::allowed(shape) => {
            let entries = cursor.count(rows, "dictionary entries")?;
            let dict = Arc::new(read_entries(cursor, shape, entries)?);
            read_codes(cursor, rows, dict)
        }
        SHARED => match shared {
            Some(dict) => read_codes(cursor, rows, Arc::clone(dict)),
            None => Err(cursor.broken("found codes without a shared dictionary")),
        },
        tag => Err(cursor.broken(format!("found representation {tag} of a column"))),
    }
}

/// Of a column of `rows` rows those at `picks`, which ascend and are below `rows`; what is not
/// asked for is decoded only where others stand on it.
pub fn pick_column(
    cursor: &mut Cursor<'_>,
    shape: &Physical,
    rows: usize,
    shared: Option<&Arc<Flat>>,
    picks: &[u32],
) -> Result<Column> {
    let codes = |cursor: &mut Cursor<'_>, dict: Arc<Flat>| {
        let mut codes: Vec<u32> = Vec::new();
        pick_numbers(cursor, rows, picks, &mut codes)?;
        Ok(Column::Dict(DictColumn::new(Buffer::from(codes), dict)?))
    };
    match cursor.u8()? {
        VALUES => Ok(Column::Flat(pick_values(cursor, shape, rows, picks)?)),
        CONSTANT => {
            let value = Arc::new(read_entries(cursor, shape, 1)?);
            let len = picks.len();
            Ok(Column::Const { value, len })
        }
        DICTIONARY if dictionary::allowed(shape) => {
            let entries = cursor.count(rows, "dictionary entries")?;
            let dict = Arc::new(read_entries(cursor, shape, entries)?);
            codes(cursor, dict)
        }
        SHARED => match shared {
            Some(dict) => codes(cursor, Arc::clone(dict)),
            None => Err(cursor.broken("found codes without a shared dictionary")),
        },
        tag => Err(cursor.broken(format!("found representation {tag} of a column"))),
    }
}

/// Reads a column that must be stored as values: a constant or the entries of a dictionary.
pub fn read_entries(cursor: &mut Cursor<'_>, shape: &Physical, rows: usize) -> Result<Flat> {
    match cursor.u8()? {
        VALUES => read_values(cursor, shape, rows),
        tag => Err(cursor.broken(format!("found representation {tag}, expected values"))),
    }
}

/// Appends a column as values: the entries of a shared dictionary.
pub fn put_entries(out: &mut Vec<u8>, entries: &Flat, choice: CodecChoice) -> Result<()> {
    out.push(VALUES);
    put_values(out, entries, choice)
}

/// How a page of numbers was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberPage<T> {
    /// All rows are this value, or NULL.
    Constant(Option<T>),
    /// Anything else.
    Values,
}

/// Reads `rows` rows of a column of numbers and appends them.
pub fn read_number_page<T: Word>(
    cursor: &mut Cursor<'_>,
    rows: usize,
    out: &mut Vec<T>,
) -> Result<NumberPage<T>> {
    match cursor.u8()? {
        VALUES => {
            read_numbers(cursor, rows, out)?;
            Ok(NumberPage::Values)
        }
        CONSTANT if cursor.u8()? == VALUES => {
            let mut one: Vec<T> = Vec::new();
            read_numbers(cursor, 1, &mut one)?;
            let value = one.first().copied().unwrap_or_default();
            out.resize(out.len() + rows, value);
            Ok(NumberPage::Constant(Some(value)))
        }
        tag => Err(cursor.broken(format!("found representation {tag} of {}s", T::NAME))),
    }
}

/// Reads `rows` rows of a Nullable column of numbers and appends mask and values.
pub fn read_nullable_page<T: Word>(
    cursor: &mut Cursor<'_>,
    rows: usize,
    nulls: &mut Vec<u8>,
    out: &mut Vec<T>,
) -> Result<NumberPage<T>> {
    match cursor.u8()? {
        VALUES => {
            read_numbers(cursor, rows, nulls)?;
            read_number_page(cursor, rows, out)?;
            Ok(NumberPage::Values)
        }
        CONSTANT if cursor.u8()? == VALUES => {
            let (mut null, mut one): (Vec<u8>, Vec<T>) = (Vec::new(), Vec::new());
            read_numbers(cursor, 1, &mut null)?;
            read_number_page(cursor, 1, &mut one)?;
            let null = null.first().copied().unwrap_or(1);
            let value = one.first().copied().unwrap_or_default();
            nulls.resize(nulls.len() + rows, null);
            out.resize(out.len() + rows, value);
            Ok(NumberPage::Constant((null == 0).then_some(value)))
        }
        tag => Err(cursor.broken(format!("found representation {tag} of {}s", T::NAME))),
    }
}

fn read_codes(cursor: &mut Cursor<'_>, rows: usize, dict: Arc<Flat>) -> Result<Column> {
    let mut codes: Vec<u32> = Vec::new();
    read_numbers(cursor, rows, &mut codes)?;
    Ok(Column::Dict(DictColumn::new(Buffer::from(codes), dict)?))
}

fn native<T: Word>(cursor: &mut Cursor<'_>, rows: usize) -> Result<Flat> {
    let mut values: Vec<T> = Vec::new();
    read_numbers(cursor, rows, &mut values)?;
    Ok(Flat::native(values))
}

fn read_values(cursor: &mut Cursor<'_>, shape: &Physical, rows: usize) -> Result<Flat> {
    match shape {
        Physical::Nothing => Ok(Flat::Nothing(rows)),
        Physical::U8 => native::<u8>(cursor, rows),
        Physical::U16 => native::<u16>(cursor, rows),
        Physical::U32 => native::<u32>(cursor, rows),
        Physical::U64 => native::<u64>(cursor, rows),
        Physical::U128 => native::<u128>(cursor, rows),
        Physical::I8 => native::<i8>(cursor, rows),
        Physical::I16 => native::<i16>(cursor, rows),
        Physical::I32 => native::<i32>(cursor, rows),
        Physical::I64 => native::<i64>(cursor, rows),
        Physical::I128 => native::<i128>(cursor, rows),
        Physical::F32 => native::<f32>(cursor, rows),
        Physical::F64 => native::<f64>(cursor, rows),
        Physical::Bytes => Ok(Flat::Bytes(read_strings(cursor, rows)?)),
        Physical::Fixed(width) => {
            let bytes = rows
                .checked_mul(*width)
                .ok_or_else(|| cursor.broken("too many bytes"))?;
            let data = Buffer::from(blob::read_vec(cursor, bytes)?);
            Ok(Flat::Fixed {
                width: *width,
                data,
            })
        }
        Physical::Nullable(inner) => {
            let mut nulls: Vec<u8> = Vec::new();
            read_numbers(cursor, rows, &mut nulls)?;
            let values = read_column(cursor, inner, rows, None)?.to_flat();
            Flat::nullable(nulls, values)
        }
        Physical::Array(inner) => {
            let offsets = read_offsets(cursor, rows)?;
            let total = offsets.last().copied().unwrap_or(0);
            if total > ELEMENTS_MAX {
                return Err(cursor.broken(format!("found {total} array elements in {rows} rows")));
            }
            let elements = read_column(cursor, inner, total as usize, None)?;
            Ok(Flat::Array(ArrayColumn::new(
                Buffer::from(offsets),
                elements,
            )?))
        }
        Physical::Tuple(shapes) => {
            let columns = shapes.iter().map(|s| read_column(cursor, s, rows, None));
            Flat::tuple(columns.collect::<Result<_>>()?, rows)
        }
    }
}

fn pick_values(
    cursor: &mut Cursor<'_>,
    shape: &Physical,
    rows: usize,
    picks: &[u32],
) -> Result<Flat> {
    fn native<T: Word>(cursor: &mut Cursor<'_>, rows: usize, picks: &[u32]) -> Result<Flat> {
        let mut values: Vec<T> = Vec::with_capacity(picks.len());
        pick_numbers(cursor, rows, picks, &mut values)?;
        Ok(Flat::native(values))
    }
    match shape {
        Physical::U8 => native::<u8>(cursor, rows, picks),
        Physical::U16 => native::<u16>(cursor, rows, picks),
        Physical::U32 => native::<u32>(cursor, rows, picks),
        Physical::U64 => native::<u64>(cursor, rows, picks),
        Physical::U128 => native::<u128>(cursor, rows, picks),
        Physical::I8 => native::<i8>(cursor, rows, picks),
        Physical::I16 => native::<i16>(cursor, rows, picks),
        Physical::I32 => native::<i32>(cursor, rows, picks),
        Physical::I64 => native::<i64>(cursor, rows, picks),
        Physical::I128 => native::<i128>(cursor, rows, picks),
        Physical::F32 => native::<f32>(cursor, rows, picks),
        Physical::F64 => native::<f64>(cursor, rows, picks),
        Physical::Bytes => Ok(Flat::Bytes(pick_strings(cursor, rows, picks)?)),
        Physical::Nullable(inner) => {
            let mut nulls: Vec<u8> = Vec::with_capacity(picks.len());
            pick_numbers(cursor, rows, picks, &mut nulls)?;
            let values = pick_column(cursor, inner, rows, None, picks)?.to_flat();
            Flat::nullable(nulls, values)
        }
        Physical::Tuple(shapes) => {
            let columns = shapes
                .iter()
                .map(|s| pick_column(cursor, s, rows, None, picks));
            Flat::tuple(columns.collect::<Result<_>>()?, picks.len())
        }
        _ => Ok(take_flat(&read_values(cursor, shape, rows)?, picks)),
    }
}

#[cfg(test)]
mod tests;
