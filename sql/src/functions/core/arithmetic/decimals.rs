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
use crate::functions::core::operands::{Operand, try_zip, two};
use crate::functions::numeric::Number;
use crate::functions::supertype::{integer_of, integer_shape};
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
    // With a whole number the decimal keeps its digits; of two decimals the wider width counts.
    let precision = match parts(a).is_some() && parts(b).is_some() {
        true => class(pa.max(pb)),
        false => pa.max(pb),
    };
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
        Op::IntDiv => return whole_quotient(a, sa, sb),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal types {a} and {b} of arguments of function {}",
            op.name()
        ),
    };
    if scale > class(precision) {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Scale {scale} is out of bounds (max scale: {})",
            class(precision)
        );
    }
    let power = |by: u8| pow10(by) as i128;
    let (up_a, up_b) = match op {
        Op::Multiply => (1, 1),
        Op::Divide => (power(scale + sb - sa), 1),
        Op::Plus | Op::Minus => (power(scale - sa), power(scale - sb)),
        // ClickHouse takes the remainder of the unscaled numbers.
        _ => (1, 1),
    };
    let ty = DataType::Decimal(precision, scale);
    // Two thirds of the work are moving the numbers, so 64 bits are used where they suffice.
    let wide = |t: &DataType| matches!(t, DataType::Int128 | DataType::UInt128 | DataType::UInt64);
    if precision <= 18 && !wide(a) && !wide(b) {
        return Ok(of::<i64>(op, ty, up_a as i64, up_b as i64));
    }
    Ok(of::<i128>(op, ty, up_a, up_b))
}

/// Whole numbers that say when they overflow.
trait Checked: Number {
    fn plus(self, other: Self) -> Option<Self>;
    fn minus(self, other: Self) -> Option<Self>;
    fn times(self, other: Self) -> Option<Self>;
    fn over(self, other: Self) -> Option<Self>;
    fn rest(self, other: Self) -> Option<Self>;
    fn positive_rest(self, other: Self) -> Option<Self>;
}

macro_rules! checked {
    ($($ty:ident),*) => { $(impl Checked for $ty {
        #[inline] fn plus(self, other: Self) -> Option<Self> { self.checked_add(other) }
        #[inline] fn minus(self, other: Self) -> Option<Self> { self.checked_sub(other) }
        #[inline] fn times(self, other: Self) -> Option<Self> { self.checked_mul(other) }
        #[inline] fn over(self, other: Self) -> Option<Self> { self.checked_div(other) }
        #[inline] fn rest(self, other: Self) -> Option<Self> { self.checked_rem(other) }
        #[inline] fn positive_rest(self, other: Self) -> Option<Self> { self.checked_rem_euclid(other) }
    })* };
}
checked!(i64, i128);

fn of<T: Checked>(op: Op, ty: DataType, up_a: T, up_b: T) -> BoundFunction {
    let shape = ty.physical();
    BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (Operand::<T>::of(a)?, Operand::<T>::of(b)?);
        let values = try_zip(&a, &b, rows, |a, b| one(op, a, b, up_a, up_b))?;
        match shape {
            Physical::I32 => narrow::<T, i32>(&values),
            Physical::I64 => narrow::<T, i64>(&values),
            _ => narrow::<T, i128>(&values),
        }
    })
}

fn narrow<T: Number, R: Number>(values: &[T]) -> Result<Column> {
    let cut = |v: &T| crate::functions::numeric::convert::<T, R>(*v);
    if R::WIDTH < T::WIDTH && values.iter().any(|v| cut(v).wide() != v.wide()) {
        return Err(overflow());
    }
    Ok(Column::native(values.iter().map(cut).collect::<Vec<R>>()))
}

fn one<T: Checked>(op: Op, a: T, b: T, up_a: T, up_b: T) -> Result<T> {
    let a = a.times(up_a).ok_or_else(overflow)?;
    let b = b.times(up_b).ok_or_else(overflow)?;
    let divides = matches!(op, Op::Divide | Op::Modulo | Op::PositiveModulo);
    if divides && b == T::default() {
        return Err(err!(ILLEGAL_DIVISION, "Division by zero"));
    }
    let answer = match op {
        Op::Plus => a.plus(b),
        Op::Minus => a.minus(b),
        Op::Multiply => a.times(b),
        Op::Divide => a.over(b),
        Op::PositiveModulo => a.positive_rest(b),
        _ => a.rest(b),
    };
    answer.ok_or_else(overflow)
}

/// intDiv is a whole number as wide as the dividend.
fn whole_quotient(a: &DataType, sa: u8, sb: u8) -> Result<BoundFunction> {
    let ty = match a {
        DataType::Decimal(..=9, _) => DataType::Int32,
        DataType::Decimal(..=18, _) => DataType::Int64,
        DataType::Decimal(..) => DataType::Int128,
        other => {
            let bits = integer_shape(other).map_or(64, |s| s.0);
            integer_of(bits, true).unwrap_or(DataType::Int64)
        }
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
