//! `groupArrayMovingSum` and `groupArrayMovingAvg`: running sums over a window of rows.
//!
//! Invariant: a window of no size spans the whole group; an average divides by the full window.

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::check::{doc, illegal, one, optional_limit};
use super::collect::{Collect, Collected, Sorted};
use super::group_array::array;
use super::numbers::{doubles, flat_of};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "groupArrayMovingSum",
        |p, a| bind("groupArrayMovingSum", false, p, a),
        doc(
            "groupArrayMovingSum[(window)](x)",
            "Sums over the last window rows, for each row.",
            "groupArrayMovingSum(2)(number) FROM numbers(4)",
            "[0,1,3,5]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupArrayMovingAvg",
        |p, a| bind("groupArrayMovingAvg", true, p, a),
        doc(
            "groupArrayMovingAvg[(window)](x)",
            "Averages over the last window rows, for each row.",
            "groupArrayMovingAvg(2)(number) FROM numbers(4)",
            "[0,0.5,1.5,2.5]",
        ),
    )
    .never_null(),
];

fn bind(
    name: &str,
    average: bool,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let ty = one(name, arguments)?;
    if !ty.is_numeric() || matches!(ty, DataType::UInt128 | DataType::Int128) {
        return illegal(name, ty);
    }
    let window = optional_limit(name, parameters)?.map(|n| n as usize);
    Ok(Collected::aggregate(Moving {
        types: vec![ty.clone()],
        window,
        average,
    }))
}

#[derive(Debug)]
struct Moving {
    types: Vec<DataType>,
    window: Option<usize>,
    average: bool,
}

impl Moving {
    fn element(&self) -> DataType {
        match &self.types[0] {
            DataType::Decimal(_, scale) => DataType::Decimal(38, *scale),
            _ if self.average => DataType::Float64,
            ty if ty.is_float() => DataType::Float64,
            ty if ty.is_signed_integer() => DataType::Int64,
            _ => DataType::UInt64,
        }
    }

    /// The windows' sums (or averages) of each group over values that add by `plus`.
    fn windows<T: Copy + Default, R>(
        &self,
        values: &[T],
        rows: &Sorted,
        plus: fn(T, T) -> T,
        minus: fn(T, T) -> T,
        answer: impl Fn(T, usize) -> R,
    ) -> Vec<R> {
        let mut out = Vec::with_capacity(values.len());
        for range in rows.ranges() {
            let group = &values[range];
            let window = self.window.unwrap_or(group.len());
            let (mut sum, mut left) = (T::default(), T::default());
            for (i, &value) in group.iter().enumerate() {
                sum = plus(sum, value);
                if i >= window {
                    left = plus(left, group[i - window]);
                }
                out.push(answer(minus(sum, left), window));
            }
        }
        out
    }

    fn integers(&self, flat: &Flat) -> Vec<i128> {
        let value = |row: usize| match flat.value(row) {
            Value::UInt(v) => v.into(),
            Value::Int(v) => v.into(),
            Value::Int128(v) => v,
            _ => 0,
        };
        (0..flat.len()).map(value).collect()
    }
}

impl Collect for Moving {
    fn return_type(&self) -> DataType {
        self.element().array()
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let flat = flat_of(&rows.columns[0]);
        let (plus, minus) = (i128::wrapping_add, i128::wrapping_sub);
        let elements = match (&self.types[0], self.average) {
            (DataType::Decimal(..), average) => {
                let answer = |sum: i128, window: usize| match average {
                    true => sum / (window.max(1) as i128),
                    false => sum,
                };
                Flat::native(self.windows(&self.integers(&flat), rows, plus, minus, answer))
            }
            (ty, average) if ty.is_float() => {
                let divide = |sum: f64, window: usize| match average {
                    true => sum / window as f64,
                    false => sum,
                };
                let values = doubles(&flat, ty)?;
                Flat::native(self.windows(&values, rows, |a, b| a + b, |a, b| a - b, divide))
            }
            (_, true) => {
                let divide = |sum: i128, window: usize| sum as f64 / window as f64;
                Flat::native(self.windows(&self.integers(&flat), rows, plus, minus, divide))
            }
            (ty, false) if ty.is_signed_integer() => {
                let sum = |sum: i128, _: usize| sum as i64;
                Flat::native(self.windows(&self.integers(&flat), rows, plus, minus, sum))
            }
            _ => {
                let sum = |sum: i128, _: usize| sum as u64;
                Flat::native(self.windows(&self.integers(&flat), rows, plus, minus, sum))
            }
        };
        array(rows.offsets.clone(), Column::Flat(elements))
    }
}
