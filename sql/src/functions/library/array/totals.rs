//! One number from all elements: sums, averages, extremes, products.
//!
//! Invariant: an empty array gives the default; sums have the widest type of their kind.

use std::cmp::Ordering;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::sort::{SortKey, directed};
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::super::kit::{Caster, Mapped, elements_of, f, higher_order, list_arg, nums};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arraySum([f, ]array, ...)",
        "Sum of the elements (of what `f` gives).",
        ("arraySum([1, 2, 3])", "6"),
        sum,
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayAvg([f, ]array, ...)",
        "Average of the elements (of what `f` gives).",
        ("arrayAvg([1, 2, 3])", "2"),
        |args, context| float(args, context, |v| v.iter().sum::<f64>() / v.len() as f64),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayProduct([f, ]array, ...)",
        "Product of the elements (of what `f` gives).",
        ("arrayProduct([1, 2, 3, 4])", "24"),
        |args, context| float(args, context, |v| v.iter().product()),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayMin([f, ]array, ...)",
        "Least element (of what `f` gives).",
        ("arrayMin([3, 1, 2])", "1"),
        |args, _| extreme(args, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayMax([f, ]array, ...)",
        "Greatest element (of what `f` gives).",
        ("arrayMax([3, 1, 2])", "3"),
        |args, _| extreme(args, true),
    )
    .with_lambda(elements_of),
];

/// The type of the values that are aggregated: the lambda's or the elements'.
pub(crate) fn value_type(args: &[Arg]) -> Result<DataType> {
    match args.first().and_then(|a| a.lambda.as_ref()) {
        Some(lambda) => Ok(lambda.result.without_low_cardinality()),
        None => Ok(list_arg(args, 0)?.without_low_cardinality()),
    }
}

/// The type of sums over `ty`.
pub(crate) fn sum_type(ty: &DataType) -> Result<DataType> {
    use DataType as T;
    Ok(match ty {
        T::UInt128 | T::Int128 => ty.clone(),
        T::Bool => T::UInt64,
        t if t.is_unsigned() => T::UInt64,
        t if t.is_signed_integer() => T::Int64,
        t if t.is_float() => T::Float64,
        T::Decimal(_, scale) => T::Decimal(38, *scale),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "elements of type {other} cannot be summed"
        ),
    })
}

fn sum(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let from = value_type(args)?;
    let ty = sum_type(&from)?;
    let widen = Caster::new(&from, &ty, context)?;
    higher_order(args, 0, ty, move |m, _, rows| {
        let values = widen.apply(&m.values)?.to_flat();
        macro_rules! totals {
            ($v:expr, $zero:expr, $add:expr) => {
                Ok(nums(rows, |row| {
                    let (start, end) = m.bounds(row);
                    $v[start..end].iter().fold($zero, $add)
                }))
            };
        }
        match &values {
            Flat::U64(v) => totals!(v, 0u64, |a, b| a.wrapping_add(*b)),
            Flat::I64(v) => totals!(v, 0i64, |a, b| a.wrapping_add(*b)),
            Flat::U128(v) => totals!(v, 0u128, |a, b| a.wrapping_add(*b)),
            Flat::I128(v) => totals!(v, 0i128, |a, b| a.wrapping_add(*b)),
            Flat::F64(v) => totals!(v, 0f64, |a, b| a + *b),
            other => bail!(LOGICAL_ERROR, "cannot sum {}", other.shape_name()),
        }
    })
}

fn float(args: &[Arg], context: &BindContext, of: fn(&[f64]) -> f64) -> Result<BoundFunction> {
    let from = value_type(args)?;
    if !from.is_numeric() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "elements of type {from} cannot be aggregated"
        );
    }
    let widen = Caster::new(&from, &DataType::Float64, context)?;
    higher_order(args, 0, DataType::Float64, move |m, _, rows| {
        let values = widen.apply(&m.values)?.to_flat();
        let values = values.slice_of::<f64>()?;
        Ok(nums(rows, |row| {
            let (start, end) = m.bounds(row);
            of(&values[start..end])
        }))
    })
}

fn extreme(args: &[Arg], greatest: bool) -> Result<BoundFunction> {
    let ty = value_type(args)?;
    if ty == DataType::Nothing {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "elements of type {ty} cannot be aggregated"
        );
    }
    higher_order(args, 0, ty, move |m, _, rows| {
        let places = extremes(m, rows, greatest);
        Ok(take_or_default(&m.values, &places))
    })
}

/// The place of each row's least or greatest value.
fn extremes(m: &Mapped, rows: usize, greatest: bool) -> Vec<u32> {
    let flat = m.values.to_flat();
    let key = SortKey {
        column: Column::Flat(flat.clone()),
        descending: greatest,
        nulls_first: false,
    };
    let before = |a: usize, b: usize| directed(&key, &flat, a, &flat, b) == Ordering::Less;
    (0..rows)
        .map(|row| {
            let (start, end) = m.bounds(row);
            let best = (start..end).reduce(|best, at| if before(at, best) { at } else { best });
            best.map_or(NO_ROW, |at| at as u32)
        })
        .collect()
}
