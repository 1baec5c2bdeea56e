//! Running sums and differences, and the scalar product.
//!
//! Invariant: answers have as many elements as the array.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{
    Caster, aligned, arity, array, elements_of, f, higher_order, list_arg, nums,
};
use super::totals::{sum_type, value_type};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayCumSum([f, ]array, ...)",
        "Running sums of the elements (of what `f` gives).",
        ("arrayCumSum([1, 2, 3])", "[1,3,6]"),
        |args, context| running(args, context, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayCumSumNonNegative([f, ]array, ...)",
        "Running sums that start again from zero where they would become negative.",
        ("arrayCumSumNonNegative([1, -5, 2])", "[1,0,2]"),
        |args, context| running(args, context, true),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayDifference([f, ]array, ...)",
        "Each element less the one before it; the first is zero.",
        ("arrayDifference([1, 3, 0])", "[0,2,-3]"),
        difference,
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayDotProduct(array, other)",
        "Sum of the products of the elements at the same place.",
        ("arrayDotProduct([1, 2], [3, 4])", "11"),
        dot,
    )
    .also(&["dotProduct", "scalarProduct"]),
];

fn running(args: &[Arg], context: &BindContext, floor: bool) -> Result<BoundFunction> {
    let from = value_type(args)?;
    let ty = sum_type(&from)?;
    let widen = Caster::new(&from, &ty, context)?;
    higher_order(args, 0, ty.array(), move |m, _, rows| {
        let values = widen.apply(&m.values)?.to_flat();
        macro_rules! sums {
            ($v:expr, $zero:expr, $add:expr, $below:expr) => {{
                let mut out = Vec::with_capacity($v.len());
                for row in 0..rows {
                    let (start, end) = m.bounds(row);
                    let mut total = $zero;
                    out.extend($v[start..end].iter().map(|x| {
                        total = $add(total, *x);
                        if floor && $below(total) {
                            total = $zero;
                        }
                        total
                    }));
                }
                Column::native(out)
            }};
        }
        let sums = match &values {
            Flat::U64(v) => sums!(v, 0u64, u64::wrapping_add, |_| false),
            Flat::I64(v) => sums!(v, 0i64, i64::wrapping_add, |t| t < 0),
            Flat::U128(v) => sums!(v, 0u128, u128::wrapping_add, |_| false),
            Flat::I128(v) => sums!(v, 0i128, i128::wrapping_add, |t| t < 0),
            Flat::F64(v) => sums!(v, 0f64, |a: f64, b: f64| a + b, |t| t < 0.0),
            other => bail!(LOGICAL_ERROR, "cannot sum {}", other.shape_name()),
        };
        array(m.offsets.to_vec(), sums)
    })
}

fn difference_type(ty: &DataType) -> Result<DataType> {
    use DataType as T;
    Ok(match ty {
        T::UInt8 | T::Int8 | T::Bool => T::Int16,
        T::UInt16 | T::Int16 | T::Date => T::Int32,
        T::UInt32 | T::Int32 | T::UInt64 | T::Int64 | T::DateTime(_) | T::Date32 => T::Int64,
        T::Float32 | T::Float64 => T::Float64,
        T::Decimal(..) => ty.clone(),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "elements of type {other} have no difference"
        ),
    })
}

fn difference(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let from = value_type(args)?;
    let ty = difference_type(&from)?;
    let widen = match from {
        DataType::Date => Caster::new(&DataType::UInt16, &ty, context)?,
        DataType::DateTime(_) => Caster::new(&DataType::UInt32, &ty, context)?,
        DataType::Date32 => Caster::new(&DataType::Int32, &ty, context)?,
        _ => Caster::new(&from, &ty, context)?,
    };
    higher_order(args, 0, ty.array(), move |m, _, rows| {
        let values = widen.apply(&m.values)?.to_flat();
        macro_rules! steps {
            ($v:expr, $zero:expr, $minus:expr) => {{
                let mut out = Vec::with_capacity($v.len());
                for row in 0..rows {
                    let (start, end) = m.bounds(row);
                    out.extend((start..end).map(|i| match i == start {
                        true => $zero,
                        false => $minus($v[i], $v[i - 1]),
                    }));
                }
                Column::native(out)
            }};
        }
        let steps = match &values {
            Flat::I16(v) => steps!(v, 0, i16::wrapping_sub),
            Flat::I32(v) => steps!(v, 0, i32::wrapping_sub),
            Flat::I64(v) => steps!(v, 0, i64::wrapping_sub),
            Flat::I128(v) => steps!(v, 0, i128::wrapping_sub),
            Flat::F64(v) => steps!(v, 0f64, |a: f64, b: f64| a - b),
            other => bail!(LOGICAL_ERROR, "no differences of {}", other.shape_name()),
        };
        array(m.offsets.to_vec(), steps)
    })
}

fn dot(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (list_arg(args, 0)?, list_arg(args, 1)?);
    let ty = product_type(&a, &b)?;
    let wide = if ty.is_float() { DataType::Float64 } else { DataType::Int64 };
    let casters = [Caster::new(&a, &wide, context)?, Caster::new(&b, &wide, context)?];
    let back = Caster::new(&wide, &ty, context)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (offsets, elements) = aligned(columns)?;
        let x = casters[0].apply(&elements[0])?.to_flat();
        let y = casters[1].apply(&elements[1])?.to_flat();
        let range = |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
        let sums = match (&x, &y) {
            (Flat::F64(x), Flat::F64(y)) => nums(rows, |row| {
                let pairs = x[range(row)].iter().zip(&y[range(row)]);
                pairs.map(|(a, b)| a * b).sum::<f64>()
            }),
            (Flat::I64(x), Flat::I64(y)) => nums(rows, |row| {
                let pairs = x[range(row)].iter().zip(&y[range(row)]);
                pairs.fold(0i64, |s, (a, b)| s.wrapping_add(a.wrapping_mul(*b)))
            }),
            _ => bail!(LOGICAL_ERROR, "no product of {}", x.shape_name()),
        };
        back.apply(&sums)
    }))
}

/// The type of a product of two numbers: twice as wide.
fn product_type(a: &DataType, b: &DataType) -> Result<DataType> {
    use DataType as T;
    for ty in [a, b] {
        if !ty.is_integer() && !ty.is_float() {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "elements of type {ty} have no scalar product"
            );
        }
    }
    if a == &T::Float32 && b == &T::Float32 {
        return Ok(T::Float32);
    }
    if a.is_float() || b.is_float() {
        return Ok(T::Float64);
    }
    let signed = a.is_signed_integer() || b.is_signed_integer();
    let width = |ty: &DataType| match ty {
        T::UInt8 | T::Int8 => 1,
        T::UInt16 | T::Int16 => 2,
        _ => 4,
    };
    Ok(match (width(a).max(width(b)), signed) {
        (1, false) => T::UInt16,
        (1, true) => T::Int16,
        (2, false) => T::UInt32,
        (2, true) => T::Int32,
        (_, false) => T::UInt64,
        (_, true) => T::Int64,
    })
}
