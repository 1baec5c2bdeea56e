//! Running sums and counts: plain loops where the answer is a plain number.
//!
//! Invariant: the answers are what the aggregate function itself would say.

use std::ops::Range;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::with_native;

use super::Rows;
use crate::expr::AggregateCall;

/// The column, when the function has a loop of its own here.
pub(super) fn column(
    rows: &Rows<'_>,
    function: &AggregateCall,
    args: &[Column],
    steps: &[Range<usize>],
) -> Result<Option<Column>> {
    match (function.name.as_str(), args) {
        ("count", []) => Ok(Some(accumulate(rows, steps, |step| step.len() as u64))),
        ("sum", [values]) => {
            let flat = values.to_flat();
            Ok(match function.function.return_type() {
                DataType::UInt64 => sums_u64(&flat).map(|v| sum(rows, steps, &v)),
                DataType::Int64 => sums_i64(&flat).map(|v| sum(rows, steps, &v)),
                DataType::Float64 => match &flat {
                    Flat::F64(v) => Some(sum(rows, steps, v)),
                    _ => None,
                },
                _ => None,
            })
        }
        _ => Ok(None),
    }
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the macro writes the cast for every type, the same one too"
)]
fn sums_u64(flat: &Flat) -> Option<Vec<u64>> {
    match flat {
        Flat::U8(_) | Flat::U16(_) | Flat::U32(_) | Flat::U64(_) => {
            with_native!(flat, |v| Some(v.iter().map(|x| *x as u64).collect()), _other => None)
        }
        _ => None,
    }
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the macro writes the cast for every type, the same one too"
)]
fn sums_i64(flat: &Flat) -> Option<Vec<i64>> {
    match flat {
        Flat::I8(_) | Flat::I16(_) | Flat::I32(_) | Flat::I64(_) => {
            with_native!(flat, |v| Some(v.iter().map(|x| *x as i64).collect()), _other => None)
        }
        _ => None,
    }
}

/// Numbers as sums add them: integers wrap around.
trait Add: roost_engine::column::Native {
    fn add(self, other: Self) -> Self;
}

impl Add for u64 {
    fn add(self, other: u64) -> u64 {
        self.wrapping_add(other)
    }
}

impl Add for i64 {
    fn add(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }
}

impl Add for f64 {
    fn add(self, other: f64) -> f64 {
        self + other
    }
}

fn sum<T: Add>(rows: &Rows<'_>, steps: &[Range<usize>], values: &[T]) -> Column {
    accumulate(rows, steps, |step| {
        values[step].iter().fold(T::default(), |sum, v| sum.add(*v))
    })
}

/// Adds up what each step brings, from zero in each partition.
fn accumulate<T: Add>(
    rows: &Rows<'_>,
    steps: &[Range<usize>],
    value: impl Fn(Range<usize>) -> T,
) -> Column {
    let mut out: Vec<T> = Vec::with_capacity(rows.rows);
    let mut steps = steps.iter().peekable();
    for partition in rows.parts.partitions() {
        let mut sum = T::default();
        while let Some(step) = steps.next_if(|s| s.start < partition.end) {
            sum = sum.add(value(step.clone()));
            out.resize(step.end, sum);
        }
    }
    Column::native(out)
}
