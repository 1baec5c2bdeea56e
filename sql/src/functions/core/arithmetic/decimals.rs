//! Operators over decimals and whole numbers.
//!
//! Invariant: the exact answer at the result's scale, digits past it cut off; an answer that the
//! width cannot hold is DECIMAL_OVERFLOW.

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Physical};
use roost_engine::{bail, err};

use super::{Op, division};
use crate::functions::BoundFunction;
use crate::functions::cast::decimal_of_width;
use crate::functions::core::operands::{Operand, try_zip, two};
use crate::functions::text::number::pow10;

fn parts(ty: &DataType) -> Option<(u8, u8)> {
    match ty {
        DataType::Decimal(p, s) => Some((*p, *s)),
        _ => None,
    }
}

/// The largest precision of a decimal's width.
fn class(precision: u8) -> u8 {
    match precision {
        0..=9 => 9,
        10..=18 => 18,
        _ => 38,
    }
}

fn overflow() -> Error {
    err!(DECIMAL_OVERFLOW, "Decimal math overflow")
}

/// Binds an operator where a side is a decimal and the other one too, or a whole number.
pub(super) fn bind(op: Op, a: &DataType, b: &DataType) -> Result<BoundFunction> {
    let (pa, sa) = parts(a).unwrap_or((0, 0));
    let (pb, sb) = parts(b).unwrap_or((0, 0));
    let precision = class(pa.max(pb));
    let scale = match op {
        Op::Plus | Op::Minus => sa.max(sb),
        Op::Multiply => sa + sb,
        Op::Divide if parts(a).is_none() => sb,
        Op::Divide if sb > sa => bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Decimal result's scale is less than argument's one"
        ),
        Op::Divide => sa,
        Op::Modulo | Op::PositiveModulo => sa.max(sb),
        Op::IntDiv => return whole_quotient(sa, sb, precision),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal types {a} and {b} of arguments of function {}",
            op.name()
        ),
    };
    if scale > precision {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Scale {scale} is out of bounds (max scale: {precision})"
        );
    }
    let power = |by: u8| pow10(by) as i128;
    let (up_a, up_b) = match op {
        Op::Multiply => (1, 1),
        Op::Divide => (power(scale + sb - sa), 1),
        _ if parts(a).is_some() && parts(b).is_some() || matches!(op, Op::Plus | Op::Minus) => {
            (power(scale - sa), power(scale - sb))
        }
        _ => (1, 1),
    };
    let ty = DataType::Decimal(precision, scale);
    let shape = ty.physical();
    let step = move |a: i128, b: i128| one(op, a, b, up_a, up_b);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        run(columns, rows, &shape, step)
    }))
}

fn one(op: Op, a: i128, b: i128, up_a: i128, up_b: i128) -> Result<i128> {
    let a = a.checked_mul(up_a).ok_or_else(overflow)?;
    let b = b.checked_mul(up_b).ok_or_else(overflow)?;
    let divide = |whole: bool| match b {
        0 => Err(err!(ILLEGAL_DIVISION, "Division by zero")),
        _ if whole => a.checked_div(b).ok_or_else(overflow),
        _ => a.checked_rem(b).ok_or_else(overflow),
    };
    match op {
        Op::Plus => a.checked_add(b).ok_or_else(overflow),
        Op::Minus => a.checked_sub(b).ok_or_else(overflow),
        Op::Multiply => a.checked_mul(b).ok_or_else(overflow),
        Op::Divide => divide(true),
        Op::PositiveModulo => divide(false).map(|r| if r < 0 { r + b.abs() } else { r }),
        _ => divide(false),
    }
}

fn run(
    columns: &[Column],
    rows: usize,
    shape: &Physical,
    step: impl Fn(i128, i128) -> Result<i128>,
) -> Result<Column> {
    let (a, b) = two(columns)?;
    let values = try_zip(
        &Operand::<i128>::of(a)?,
        &Operand::<i128>::of(b)?,
        rows,
        step,
    )?;
    decimal_of_width(shape, values)
        .map(Column::Flat)
        .map_err(|_| err!(DECIMAL_OVERFLOW, "Decimal math overflow"))
}

/// intDiv of decimals is a whole number.
fn whole_quotient(sa: u8, sb: u8, precision: u8) -> Result<BoundFunction> {
    let ty = match precision {
        9 => DataType::Int32,
        18 => DataType::Int64,
        _ => DataType::Int128,
    };
    let (up_a, up_b) = (
        pow10(sb.saturating_sub(sa)) as i128,
        pow10(sa.saturating_sub(sb)) as i128,
    );
    Ok(division::narrowed(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let step = |a: i128, b: i128| one(Op::Divide, a, b, up_a, up_b);
        Ok(Column::native(try_zip(
            &Operand::<i128>::of(a)?,
            &Operand::<i128>::of(b)?,
            rows,
            step,
        )?))
    }))
}
