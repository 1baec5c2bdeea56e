//! `quantileExact`, `-Low`, `-High`, `-Exclusive`, `-Inclusive`: of all values.
//!
//! Invariant: the first three answer one of the values; of no values, NaN for floats and 0 for the
//! rest.

use std::ops::Range;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::with_native;

use super::{Levels, Method};
use crate::functions::Aggregate;
use crate::functions::aggregates::collect::{Collect, Collected, Sorted};
use crate::functions::aggregates::numbers::{doubles, flat_of};

pub(super) fn bind(
    name: &str,
    method: Method,
    ty: &DataType,
    levels: Levels,
) -> Result<Arc<dyn Aggregate>> {
    if method == Method::ExactExclusive && levels.levels.iter().any(|l| *l == 0.0 || *l == 1.0) {
        bail!(
            BAD_ARGUMENTS,
            "{name} cannot interpolate for the percentiles 1 and 0"
        );
    }
    Ok(Collected::aggregate(Exact {
        method,
        types: vec![ty.clone()],
        levels,
    }))
}

#[derive(Debug)]
struct Exact {
    method: Method,
    types: Vec<DataType>,
    levels: Levels,
}

impl Exact {
    fn interpolates(&self) -> bool {
        matches!(self.method, Method::ExactExclusive | Method::ExactInclusive)
    }

    /// Place of the level among `size` sorted values.
    fn place(&self, level: f64, size: usize) -> usize {
        let plain = if level < 1.0 {
            (level * size as f64) as usize
        } else {
            size - 1
        };
        match self.method {
            Method::ExactLow if level == 0.5 => (size - 1) / 2,
            Method::ExactHigh if level == 0.5 => size / 2,
            _ => plain.min(size - 1),
        }
    }

    fn values<T: Native>(&self, all: &[T], ranges: impl Iterator<Item = Range<usize>>) -> Vec<T> {
        #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
        let number = |v: &T| *v == *v;
        let order = |a: &T, b: &T| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
        let mut out = Vec::new();
        let mut values: Vec<T> = Vec::new();
        for range in ranges {
            values.clear();
            values.extend(all[range].iter().copied().filter(number));
            if let ([level], false) = (&self.levels.levels[..], values.is_empty()) {
                let at = self.place(*level, values.len());
                out.push(*values.select_nth_unstable_by(at, order).1);
                continue;
            }
            values.sort_unstable_by(order);
            for level in &self.levels.levels {
                out.push(match values.is_empty() {
                    true => empty_answer::<T>(),
                    false => values[self.place(*level, values.len())],
                });
            }
        }
        out
    }

    fn between(&self, sorted: &[f64], level: f64) -> f64 {
        let size = sorted.len();
        if size == 0 {
            return f64::NAN;
        }
        let h = match self.method {
            Method::ExactExclusive => level * (size + 1) as f64,
            _ => level * (size - 1) as f64 + 1.0,
        };
        match h as usize {
            0 => sorted[0],
            n if n >= size => sorted[size - 1],
            n => sorted[n - 1] + (h - n as f64) * (sorted[n] - sorted[n - 1]),
        }
    }
}

/// NaN where the type has one.
fn empty_answer<T: Native>() -> T {
    let nan = match T::WIDTH {
        4 => f32::NAN.to_le_bytes().to_vec(),
        _ => f64::NAN.to_le_bytes().to_vec(),
    };
    match T::NAME {
        "f32" | "f64" => T::read_le(&nan),
        _ => T::default(),
    }
}

impl Collect for Exact {
    fn return_type(&self) -> DataType {
        self.levels.answer(match self.interpolates() {
            true => DataType::Float64,
            false => self.types[0].clone(),
        })
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let flat = flat_of(&rows.columns[0]);
        let quantiles = if self.interpolates() {
            let all = doubles(&flat, &self.types[0])?;
            let mut out = Vec::new();
            for range in rows.ranges() {
                let mut values: Vec<f64> =
                    all[range].iter().copied().filter(|v| !v.is_nan()).collect();
                values.sort_unstable_by(f64::total_cmp);
                out.extend(self.levels.levels.iter().map(|&l| self.between(&values, l)));
            }
            Flat::native(out)
        } else {
            with_native!(flat.as_ref(), |v| Flat::native(self.values(v, rows.ranges())),
                _other => Flat::Nothing(0))
        };
        self.levels.column(quantiles, rows.groups())
    }
}
