//! Operators over tuples and arrays: element by element, or each element with one number.
//!
//! Invariant: elements meet under the same rules as plain values do.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{ArrayColumn, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, IntervalUnit};

use super::{Op, illegal, record};
use crate::functions::core::operands::{one, two};
use crate::functions::scalar::PlainKernel;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel, ScalarFunction};

pub(super) fn is_nested(ty: &DataType) -> bool {
    matches!(ty, DataType::Tuple(_) | DataType::Array(_))
}

fn call(
    function: Option<&'static ScalarFunction>,
    types: &[&DataType],
    context: &BindContext,
) -> Result<(DataType, PlainKernel)> {
    let args: Vec<Arg> = types.iter().map(|t| Arg::of((*t).clone())).collect();
    let function = function.ok_or_else(|| Error::bug("an operator without a record"))?;
    let bound = function.bind_framed(&args, context)?;
    match bound.kernel {
        Kernel::Plain(kernel) => Ok((bound.ty, kernel)),
        Kernel::Lambda(_) => Err(Error::bug("an operator is no lambda")),
    }
}

pub(super) fn bind(op: Op, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    use DataType as T;
    let (a, b) = (&args[0].ty, &args[1].ty);
    let scaling = matches!(op, Op::Multiply | Op::Divide | Op::Modulo | Op::IntDiv);
    match (a, b) {
        (T::Tuple(x), T::Tuple(y)) if matches!(op, Op::Plus | Op::Minus | Op::Multiply) => {
            if x.types.len() != y.types.len() {
                bail!(
                    ILLEGAL_TYPE_OF_ARGUMENT,
                    "Expected tuples of the same size as arguments of function {}: {a} and {b}",
                    op.name()
                );
            }
            match op {
                Op::Multiply => dot_product(&x.types, &y.types, context),
                _ => tuples(
                    op,
                    x.types.iter().map(Some),
                    y.types.iter().map(Some),
                    context,
                ),
            }
        }
        (T::Tuple(x), _) if intervals(&x.types).is_some() => {
            fold_intervals(op, args, &x.types, true, context)
        }
        (_, T::Tuple(y)) if intervals(&y.types).is_some() => {
            fold_intervals(op, args, &y.types, false, context)
        }
        (T::Tuple(x), other) if scaling && other.is_numeric() => tuples(
            op,
            x.types.iter().map(Some),
            x.types.iter().map(|_| None),
            context_with(other, context),
        ),
        (other, T::Tuple(y)) if op == Op::Multiply && other.is_numeric() => tuples(
            op,
            y.types.iter().map(|_| None),
            y.types.iter().map(Some),
            context_with(other, context),
        ),
        (T::Array(x), T::Array(y)) if matches!(op, Op::Plus | Op::Minus) => {
            arrays(op, x, y, context)
        }
        (T::Array(x), other) if scaling && other.is_numeric() => {
            scaled(op, x, other, true, context)
        }
        (other, T::Array(y)) if op == Op::Multiply && other.is_numeric() => {
            scaled(op, y, other, false, context)
        }
        _ => illegal(op.name(), args),
    }
}

/// Where a side is not a tuple, its type goes with the context.
struct Scalar<'a>(Option<&'a DataType>, &'a BindContext);

impl<'a> From<&'a BindContext> for Scalar<'a> {
    fn from(context: &'a BindContext) -> Self {
        Scalar(None, context)
    }
}

fn context_with<'a>(scalar: &'a DataType, context: &'a BindContext) -> Scalar<'a> {
    Scalar(Some(scalar), context)
}

fn tuples<'a>(
    op: Op,
    a: impl Iterator<Item = Option<&'a DataType>>,
    b: impl Iterator<Item = Option<&'a DataType>>,
    context: impl Into<Scalar<'a>>,
) -> Result<BoundFunction> {
    let Scalar(scalar, context) = context.into();
    let missing = || Error::bug("a tuple operator without a number");
    let (mut types, mut kernels) = (Vec::new(), Vec::new());
    for (a, b) in a.zip(b) {
        let pair = [
            a.or(scalar).ok_or_else(missing)?,
            b.or(scalar).ok_or_else(missing)?,
        ];
        let (ty, kernel) = call(record(op), &pair, context)?;
        types.push(ty);
        kernels.push((a.is_some(), b.is_some(), kernel));
    }
    Ok(BoundFunction::new(
        DataType::tuple(types),
        move |columns, rows| {
            let (a, b) = two(columns)?;
            let (a_flat, b_flat) = (a.to_flat(), b.to_flat());
            let mut out = Vec::with_capacity(kernels.len());
            for (i, (a_nested, b_nested, kernel)) in kernels.iter().enumerate() {
                let side = |nested: bool, flat: &Flat, column: &Column| match nested {
                    true => flat
                        .as_tuple()?
                        .get(i)
                        .cloned()
                        .ok_or_else(|| Error::bug("a short tuple")),
                    false => Ok(column.clone()),
                };
                out.push(kernel(
                    &[side(*a_nested, &a_flat, a)?, side(*b_nested, &b_flat, b)?],
                    rows,
                )?);
            }
            Ok(Column::Flat(Flat::tuple(out, rows)?))
        },
    ))
}

/// The sum of the products of the elements.
fn dot_product(a: &[DataType], b: &[DataType], context: &BindContext) -> Result<BoundFunction> {
    let mut steps: Vec<(PlainKernel, Option<PlainKernel>)> = Vec::new();
    let mut sum: Option<DataType> = None;
    for (a, b) in a.iter().zip(b) {
        let (ty, multiply) = call(record(Op::Multiply), &[a, b], context)?;
        let (ty, add) = match &sum {
            None => (ty, None),
            Some(sum) => {
                let (ty, add) = call(record(Op::Plus), &[sum, &ty], context)?;
                (ty, Some(add))
            }
        };
        sum = Some(ty);
        steps.push((multiply, add));
    }
    let Some(ty) = sum else {
        return Ok(BoundFunction::new(DataType::UInt8, |_, rows| {
            Ok(Column::native(vec![0u8; rows]))
        }));
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (a.to_flat(), b.to_flat());
        let mut sum: Option<Column> = None;
        for ((multiply, add), (a, b)) in steps.iter().zip(a.as_tuple()?.iter().zip(b.as_tuple()?)) {
            let product = multiply(&[a.clone(), b.clone()], rows)?;
            sum = Some(match (sum, add) {
                (Some(sum), Some(add)) => add(&[sum, product], rows)?,
                _ => product,
            });
        }
        sum.ok_or_else(|| Error::bug("a dot product of nothing"))
    }))
}

/// The units of a tuple that is made of intervals.
fn intervals(types: &[DataType]) -> Option<Vec<IntervalUnit>> {
    let unit = |t: &DataType| match t {
        DataType::Interval(unit) => Some(*unit),
        _ => None,
    };
    if types.is_empty() {
        None
    } else {
        types.iter().map(unit).collect()
    }
}

/// Adds the intervals of a tuple one after the other.
fn fold_intervals(
    op: Op,
    args: &[Arg],
    units: &[DataType],
    tuple_first: bool,
    context: &BindContext,
) -> Result<BoundFunction> {
    let other = if tuple_first {
        &args[1].ty
    } else {
        &args[0].ty
    };
    if !matches!(op, Op::Plus | Op::Minus) || (tuple_first && op == Op::Minus) || is_nested(other) {
        return illegal(op.name(), args);
    }
    if let DataType::Interval(_) = other {
        return append_interval(units, other, tuple_first);
    }
    let (mut ty, mut kernels) = (other.clone(), Vec::new());
    for unit in units {
        let (next, kernel) = call(record(op), &[&ty, unit], context)?;
        ty = next;
        kernels.push(kernel);
    }
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let (tuple, start) = if tuple_first { (a, b) } else { (b, a) };
        let tuple = tuple.to_flat();
        let mut at = start.clone();
        for (kernel, interval) in kernels.iter().zip(tuple.as_tuple()?) {
            at = kernel(&[at, interval.clone()], rows)?;
        }
        Ok(at)
    }))
}

fn append_interval(
    units: &[DataType],
    other: &DataType,
    tuple_first: bool,
) -> Result<BoundFunction> {
    let mut types = units.to_vec();
    match tuple_first {
        true => types.push(other.clone()),
        false => types.insert(0, other.clone()),
    }
    Ok(BoundFunction::new(
        DataType::tuple(types),
        move |columns, rows| {
            let (a, b) = two(columns)?;
            let (tuple, one) = if tuple_first { (a, b) } else { (b, a) };
            let mut parts = tuple.to_flat().as_tuple()?.to_vec();
            match tuple_first {
                true => parts.push(one.clone()),
                false => parts.insert(0, one.clone()),
            }
            Ok(Column::Flat(Flat::tuple(parts, rows)?))
        },
    ))
}

fn as_array(column: &Column) -> Result<ArrayColumn> {
    match column.to_flat() {
        Flat::Array(array) => Ok(array),
        other => Err(Error::bug(format!(
            "expected arrays, found {}",
            other.shape_name()
        ))),
    }
}

fn arrays(op: Op, a: &DataType, b: &DataType, context: &BindContext) -> Result<BoundFunction> {
    let (ty, kernel) = call(record(op), &[a, b], context)?;
    Ok(BoundFunction::new(ty.array(), move |columns, _| {
        let (a, b) = two(columns)?;
        let ((offsets, a), (b_offsets, b)) = (as_array(a)?.compact(), as_array(b)?.compact());
        if offsets[..] != b_offsets[..] {
            bail!(
                SIZES_OF_ARRAYS_DONT_MATCH,
                "Cannot process arrays of different sizes in function {}",
                op.name()
            );
        }
        let elements = kernel(&[a, b], offsets.last().copied().unwrap_or(0) as usize)?;
        Ok(Column::Flat(Flat::Array(ArrayColumn::new(
            offsets, elements,
        )?)))
    }))
}

/// Each element with one number.
fn scaled(
    op: Op,
    element: &Arc<DataType>,
    number: &DataType,
    array_first: bool,
    context: &BindContext,
) -> Result<BoundFunction> {
    let pair = if array_first {
        [element.as_ref(), number]
    } else {
        [number, element.as_ref()]
    };
    let (ty, kernel) = call(record(op), &pair, context)?;
    Ok(BoundFunction::new(ty.array(), move |columns, rows| {
        let (a, b) = two(columns)?;
        let (array, number) = if array_first { (a, b) } else { (b, a) };
        let (offsets, elements) = as_array(array)?.compact();
        let mut repeated = Vec::with_capacity(elements.len());
        for row in 0..rows {
            repeated.resize(offsets[row + 1] as usize, row as u32);
        }
        let number = take(number, &repeated);
        let pair = if array_first {
            [elements, number]
        } else {
            [number, elements]
        };
        let answer = kernel(&pair, repeated.len())?;
        Ok(Column::Flat(Flat::Array(ArrayColumn::new(
            offsets, answer,
        )?)))
    }))
}

pub(super) fn bind_negate(arg: &Arg, context: &BindContext) -> Result<BoundFunction> {
    let negate = || super::FUNCTIONS.iter().find(|f| f.name == "negate");
    match &arg.ty {
        DataType::Tuple(t) => {
            let parts = t.types.iter().map(|t| call(negate(), &[t], context));
            let parts = parts.collect::<Result<Vec<_>>>()?;
            let types = parts.iter().map(|p| p.0.clone()).collect();
            Ok(BoundFunction::new(
                DataType::tuple(types),
                move |columns, rows| {
                    let flat = one(columns)?.to_flat();
                    let pairs = parts.iter().zip(flat.as_tuple()?);
                    let out = pairs
                        .map(|((_, kernel), column)| kernel(std::slice::from_ref(column), rows));
                    Ok(Column::Flat(Flat::tuple(
                        out.collect::<Result<_>>()?,
                        rows,
                    )?))
                },
            ))
        }
        other => illegal("negate", &[Arg::of(other.clone())]),
    }
}
