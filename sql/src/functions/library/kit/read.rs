//! Readers: columns of any representation as strings or whole numbers.
//!
//! Invariant: making a reader costs at most one pass over the column; `get` is a match and an index.

use roost_engine::column::{BytesColumn, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::with_native;

/// The strings of a String or FixedString column.
#[derive(Clone, Copy)]
pub(crate) enum Strs<'a> {
    Bytes(&'a BytesColumn),
    Fixed(usize, &'a [u8]),
    One(&'a [u8]),
    Dict(&'a [u32], &'a Flat),
}

impl<'a> Strs<'a> {
    pub(crate) fn of(column: &'a Column) -> Result<Self> {
        match column {
            Column::Flat(flat) => Self::of_flat(flat),
            Column::Const { value, .. } => {
                shape(value)?;
                Ok(Strs::One(value.bytes_at(0)))
            }
            Column::Dict(d) => {
                shape(d.dict())?;
                Ok(Strs::Dict(d.codes(), d.dict()))
            }
        }
    }

    pub(crate) fn of_flat(flat: &'a Flat) -> Result<Self> {
        match flat {
            Flat::Bytes(b) => Ok(Strs::Bytes(b)),
            Flat::Fixed { width, data } => Ok(Strs::Fixed(*width, data)),
            Flat::Nullable(n) => Self::of_flat(n.values()),
            other => Err(unexpected(other, "strings")),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> &'a [u8] {
        match *self {
            Strs::Bytes(b) => b.get(row),
            Strs::Fixed(width, data) => &data[row * width..(row + 1) * width],
            Strs::One(s) => s,
            Strs::Dict(codes, dict) => dict.bytes_at(codes[row] as usize),
        }
    }

    /// About how many bytes `rows` strings have, to size an answer.
    pub(crate) fn size(&self, rows: usize) -> usize {
        match self {
            Strs::Bytes(b) => b.value_bytes(),
            Strs::Fixed(_, data) => data.len(),
            Strs::One(s) => s.len() * rows,
            Strs::Dict(..) => rows * 8,
        }
    }
}

fn shape(flat: &Flat) -> Result<()> {
    match flat {
        Flat::Bytes(_) | Flat::Fixed { .. } => Ok(()),
        Flat::Nullable(n) => shape(n.values()),
        other => Err(unexpected(other, "strings")),
    }
}

fn unexpected(found: &Flat, expected: &str) -> Error {
    Error::bug(format!("expected {expected}, found {}", found.shape_name()))
}

/// Whole numbers widened to Int64; what does not fit is the nearest that does.
pub(crate) enum Ints {
    One(i64),
    Many(Vec<i64>),
}

impl Ints {
    pub(crate) fn of(column: &Column) -> Result<Self> {
        match column {
            Column::Const { value, .. } => Ok(Ints::One(widen(value)?[0])),
            Column::Flat(flat) => Ok(Ints::Many(widen(flat)?)),
            Column::Dict(d) => {
                let entries = widen(d.dict())?;
                Ok(Ints::Many(
                    d.codes().iter().map(|c| entries[*c as usize]).collect(),
                ))
            }
        }
    }

    /// The numbers of column `i`, or `default` for every row when there is no such column.
    pub(crate) fn or(columns: &[Column], i: usize, default: i64) -> Result<Self> {
        columns.get(i).map_or(Ok(Ints::One(default)), Self::of)
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> i64 {
        match self {
            Ints::One(v) => *v,
            Ints::Many(v) => v[row],
        }
    }
}

trait Widen: Copy {
    fn widen(self) -> i64;
}

macro_rules! widens {
    ($($ty:ty),*) => { $(impl Widen for $ty {
        #[inline]
        fn widen(self) -> i64 { i64::from(self) }
    })* };
}
widens!(u8, u16, u32, i8, i16, i32, i64);

impl Widen for u64 {
    fn widen(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}

impl Widen for u128 {
    fn widen(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}

impl Widen for i128 {
    fn widen(self) -> i64 {
        i64::try_from(self).unwrap_or(if self < 0 { i64::MIN } else { i64::MAX })
    }
}

impl Widen for f64 {
    fn widen(self) -> i64 {
        self as i64
    }
}

impl Widen for f32 {
    fn widen(self) -> i64 {
        self as i64
    }
}

/// The numbers of a flat column as Int64.
fn widen(flat: &Flat) -> Result<Vec<i64>> {
    with_native!(flat, |v| Ok(v.iter().map(|x| x.widen()).collect()), other => match other {
        Flat::Nullable(n) => widen(n.values()),
        Flat::Nothing(len) => Ok(vec![0; *len]),
        other => Err(unexpected(other, "whole numbers")),
    })
}
