//! Statistics of pages: smallest and largest value and number of NULLs.
//!
//! Invariant: every value of a page that is not NULL lies between its bounds in the order of
//! [`Value::compare`] (NaN is the largest number); a page without bounds holds only NULLs.

use std::cmp::Ordering;

use super::distinct::DistinctCounter;
use crate::column::{Buffer, Column, ColumnBuilder, Flat};
use crate::error::{Error, Result};
use crate::types::value::compare_floats;
use crate::types::{Physical, Value};

/// Longest string bound kept; longer ones are cut (the upper one rounded up).
const BOUND_BYTES_MAX: usize = 64;

/// Statistics of a whole column of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStats {
    /// Not larger than any value; NULL when there are only NULLs.
    pub min: Value,
    /// Not smaller than any value; NULL when there are only NULLs.
    pub max: Value,
    /// Number of NULLs.
    pub nulls: u64,
    /// About how many different values there are, a few percent off.
    pub distinct_estimate: u64,
    /// Whether `min` and `max` are values of the column (no cut strings, no NaN among the values).
    pub exact: bool,
}

/// Statistics of each page of a column.
#[derive(Debug, Clone)]
pub struct PageStats {
    min: Flat,
    max: Flat,
    /// Rows that are NULL, per page.
    nulls: Buffer<u32>,
    /// 0 for pages without bounds.
    bounded: Buffer<u8>,
    exact: bool,
    distinct_estimate: u64,
}

impl PageStats {
    /// From parts that came from outside.
    ///
    /// # Errors
    /// CORRUPTED_DATA when they do not agree in length.
    pub fn new(
        min: Flat,
        max: Flat,
        nulls: Buffer<u32>,
        bounded: Buffer<u8>,
        exact: bool,
    ) -> Result<Self> {
        let pages = nulls.len();
        if min.len() != pages || max.len() != pages || bounded.len() != pages {
            return Err(Error::corrupt(
                "page statistics differ in their number of pages",
            ));
        }
        Ok(PageStats {
            min,
            max,
            nulls,
            bounded,
            exact,
            distinct_estimate: 0,
        })
    }

    /// The same with an estimate of the different values of all pages.
    #[must_use]
    pub fn with_distinct(mut self, estimate: u64) -> Self {
        self.distinct_estimate = estimate;
        self
    }

    /// Estimate of the different values of all pages.
    pub fn distinct_estimate(&self) -> u64 {
        self.distinct_estimate
    }

    /// Number of pages.
    pub fn pages(&self) -> usize {
        self.nulls.len()
    }

    /// Smallest and largest value of page `g`; none when it holds only NULLs.
    pub fn bounds(&self, g: usize) -> Option<(Value, Value)> {
        (self.bounded[g] != 0).then(|| (self.min.value(g), self.max.value(g)))
    }

    /// NULLs of page `g`.
    pub fn nulls(&self, g: usize) -> u32 {
        self.nulls[g]
    }

    /// Whether all bounds are values of the column.
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// The parts of [`PageStats::new`].
    pub fn parts(&self) -> (&Flat, &Flat, &Buffer<u32>, &Buffer<u8>) {
        (&self.min, &self.max, &self.nulls, &self.bounded)
    }

    /// Statistics of all pages together.
    pub fn whole(&self) -> ColumnStats {
        let distinct_estimate = self.distinct_estimate;
        let (mut min, mut max) = (Value::Null, Value::Null);
        for (low, high) in (0..self.pages()).filter_map(|g| self.bounds(g)) {
            if min.is_null() || low.compare(&min).is_lt() {
                min = low;
            }
            if max.is_null() || high.compare(&max).is_gt() {
                max = high;
            }
        }
        let nulls = self.nulls.iter().map(|n| u64::from(*n)).sum();
        ColumnStats {
            min,
            max,
            nulls,
            distinct_estimate,
            exact: self.exact,
        }
    }
}

/// Whether pages of this shape have bounds.
pub fn has_bounds(shape: &Physical) -> bool {
    match shape {
        Physical::Nothing | Physical::Array(_) | Physical::Tuple(_) => false,
        Physical::Nullable(inner) => has_bounds(inner),
        _ => true,
    }
}

/// Collects statistics page by page.
#[derive(Debug)]
pub struct StatsBuilder {
    min: ColumnBuilder,
    max: ColumnBuilder,
    nulls: Vec<u32>,
    bounded: Vec<u8>,
    exact: bool,
    distinct: DistinctCounter,
}

impl StatsBuilder {
    /// For a column of this shape; none when the shape has no bounds.
    pub fn new(shape: &Physical) -> Option<Self> {
        let values = match shape {
            Physical::Nullable(inner) => inner,
            other => other,
        };
        has_bounds(shape).then(|| StatsBuilder {
            min: ColumnBuilder::of_shape(values, 1),
            max: ColumnBuilder::of_shape(values, 1),
            nulls: Vec::new(),
            bounded: Vec::new(),
            exact: true,
            distinct: DistinctCounter::default(),
        })
    }

    /// Adds one page.
    pub fn add(&mut self, page: &Column) -> Result<()> {
        self.distinct.add(page);
        let (nulls, bounds) = page_bounds(page);
        self.nulls.push(nulls as u32);
        self.bounded.push(u8::from(bounds.is_some()));
        match bounds {
            Some((min, max)) => {
                self.exact &= !matches!(max, Value::Float(x) if x.is_nan());
                let (low, high) = (
                    cut_low(min, &mut self.exact),
                    cut_high(max, &mut self.exact),
                );
                self.min.push(&low)?;
                self.max.push(&high)
            }
            None => {
                self.min.push_default();
                self.max.push_default();
                Ok(())
            }
        }
    }

    /// The statistics of all pages.
    pub fn finish(self) -> Result<PageStats> {
        let (nulls, bounded) = (Buffer::from(self.nulls), Buffer::from(self.bounded));
        let stats = PageStats::new(
            self.min.finish(),
            self.max.finish(),
            nulls,
            bounded,
            self.exact,
        )?;
        Ok(stats.with_distinct(self.distinct.estimate()))
    }
}

/// Number of NULLs, and smallest and largest value when there is one.
fn page_bounds(page: &Column) -> (usize, Option<(Value, Value)>) {
    match page {
        Column::Flat(f) => flat_bounds(f),
        Column::Const { len, .. } if *len == 0 => (0, None),
        Column::Const { value, len } => match value.value(0) {
            Value::Null => (*len, None),
            v => (0, Some((v.clone(), v))),
        },
        Column::Dict(d) => {
            let mut used = vec![0u32; d.dict().len()];
            d.codes().iter().for_each(|c| used[*c as usize] += 1);
            let nulls: u32 = match d.dict().split_nulls().0 {
                Some(mask) => used
                    .iter()
                    .zip(mask)
                    .filter(|(_, m)| **m != 0)
                    .map(|(n, _)| n)
                    .sum(),
                None => 0,
            };
            let entries = (0..used.len()).filter(|i| used[*i] > 0 && !d.dict().is_null(*i));
            (nulls as usize, string_bounds(d.dict(), entries))
        }
    }
}

fn flat_bounds(flat: &Flat) -> (usize, Option<(Value, Value)>) {
    let (mask, values) = flat.split_nulls();
    let nulls = mask.map_or(0, |m| m.iter().filter(|n| **n != 0).count());
    let bounds = match (mask, nulls) {
        (Some(mask), 1..) => {
            let keep: Vec<u32> = (0..mask.len() as u32)
                .filter(|i| mask[*i as usize] == 0)
                .collect();
            value_bounds(&crate::kernels::take::take_flat(values, &keep))
        }
        _ => value_bounds(values),
    };
    (nulls, bounds)
}

fn value_bounds(flat: &Flat) -> Option<(Value, Value)> {
    match flat {
        Flat::F32(v) => {
            let bounds = float_bounds(v.iter().map(|x| f64::from(*x)))?;
            return Some((Value::Float(bounds.0), Value::Float(bounds.1)));
        }
        Flat::F64(v) => {
            let bounds = float_bounds(v.iter().copied())?;
            return Some((Value::Float(bounds.0), Value::Float(bounds.1)));
        }
        Flat::Bytes(_) | Flat::Fixed { .. } => return string_bounds(flat, 0..flat.len()),
        _ => {}
    }
    fn ends<T: Copy + PartialOrd>(values: &[T]) -> Option<(usize, usize)> {
        let first = *values.first()?;
        let (min, max) = values.iter().fold((first, first), |(low, high), &v| {
            (
                if v < low { v } else { low },
                if v > high { v } else { high },
            )
        });
        let at = |x: T| values.iter().position(|v| *v == x);
        Some((at(min)?, at(max)?))
    }
    let (low, high) = crate::with_native!(flat, |v| ends(v), _other => None)?;
    Some((flat.value(low), flat.value(high)))
}

fn float_bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |bounds, v| match bounds {
        None => Some((v, v)),
        Some((low, high)) => Some((
            if compare_floats(v, low) == Ordering::Less {
                v
            } else {
                low
            },
            if compare_floats(v, high) == Ordering::Greater {
                v
            } else {
                high
            },
        )),
    })
}

fn string_bounds(flat: &Flat, mut rows: impl Iterator<Item = usize>) -> Option<(Value, Value)> {
    let first = rows.next()?;
    if !matches!(flat.split_nulls().1, Flat::Bytes(_) | Flat::Fixed { .. }) {
        let value = flat.value(first);
        return Some(rows.fold((value.clone(), value), |(low, high), row| {
            let v = flat.value(row);
            if v.compare(&low).is_lt() {
                (v, high)
            } else if v.compare(&high).is_gt() {
                (low, v)
            } else {
                (low, high)
            }
        }));
    }
    let (mut low, mut high) = (flat.bytes_at(first), flat.bytes_at(first));
    for row in rows {
        let v = flat.bytes_at(row);
        low = low.min(v);
        high = high.max(v);
    }
    Some((Value::Bytes(low.to_vec()), Value::Bytes(high.to_vec())))
}

fn cut_low(value: Value, exact: &mut bool) -> Value {
    match value {
        Value::Bytes(mut b) if b.len() > BOUND_BYTES_MAX => {
            *exact = false;
            b.truncate(BOUND_BYTES_MAX);
            Value::Bytes(b)
        }
        other => other,
    }
}

/// The shortest easy string that is larger than every string with the first bytes of `value`.
fn cut_high(value: Value, exact: &mut bool) -> Value {
    match value {
        Value::Bytes(b) if b.len() > BOUND_BYTES_MAX => {
            let mut cut = b[..BOUND_BYTES_MAX].to_vec();
            while cut.last() == Some(&u8::MAX) {
                cut.pop();
            }
            match cut.last_mut() {
                Some(last) => *last += 1,
                None => return Value::Bytes(b),
            }
            *exact = false;
            Value::Bytes(cut)
        }
        other => other,
    }
}
