//! Operators over plain numbers.
//!
//! Invariant: both sides are read as the answer's type first, which wraps as C++ does.

use roost_engine::error::Result;
use roost_engine::types::{DataType, Physical};
use roost_engine::{bail, err};

use super::{Op, division, types};
use crate::functions::BoundFunction;
use crate::functions::core::operands::{binary, try_binary};
use crate::functions::numeric::Number;

/// Wrapping arithmetic.
pub(super) trait Ring: Number {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
}

macro_rules! rings {
    ($($ty:ident),*) => { $(impl Ring for $ty {
        #[inline] fn add(self, other: Self) -> Self { self.wrapping_add(other) }
        #[inline] fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
        #[inline] fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
    })* };
}
rings!(u16, u32, u64, u128, i16, i32, i64, i128);

impl Ring for f64 {
    #[inline]
    fn add(self, other: Self) -> Self {
        self + other
    }
    #[inline]
    fn sub(self, other: Self) -> Self {
        self - other
    }
    #[inline]
    fn mul(self, other: Self) -> Self {
        self * other
    }
}

/// Binds an operator over plain number types; `shown` are the types as the user wrote them.
pub(super) fn bind(
    op: Op,
    a: &DataType,
    b: &DataType,
    shown_a: &DataType,
    shown_b: &DataType,
) -> Result<BoundFunction> {
    let Some(ty) = types::result(op, a, b) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal types {shown_a} and {shown_b} of arguments of function {}",
            op.name()
        );
    };
    match op {
        Op::Plus | Op::Minus | Op::Multiply => ring(op, ty),
        Op::Divide => {
            let decimals = (scale(shown_a), scale(shown_b));
            Ok(match decimals {
                (0, 0) => BoundFunction::new(ty, binary(|a: f64, b: f64| a / b)),
                (scale_a, scale_b) => mixed(op, shown_a, scale_a, scale_b),
            })
        }
        Op::Gcd | Op::Lcm => common_divisor(op, ty),
        _ => division::bind(op, ty, a, b),
    }
    .map(|bound| match (scale(shown_a), scale(shown_b)) {
        (0, 0) => bound,
        (scale_a, scale_b) => mixed(op, shown_a, scale_a, scale_b),
    })
}

fn scale(ty: &DataType) -> u8 {
    match ty {
        DataType::Decimal(_, scale) => *scale,
        _ => 0,
    }
}

/// A decimal with a float: both as doubles.
fn mixed(op: Op, a: &DataType, scale_a: u8, scale_b: u8) -> BoundFunction {
    let power = |scale: u8| 10f64.powi(i32::from(scale));
    let (a_power, b_power) = (power(scale_a), power(scale_b));
    let work = move |a: f64, b: f64| {
        let (a, b) = (a / a_power, b / b_power);
        match op {
            Op::Plus => a + b,
            Op::Minus => a - b,
            Op::Multiply => a * b,
            Op::Modulo | Op::ModuloOrZero => a - (a / b).trunc() * b,
            _ => a / b,
        }
    };
    if op != Op::IntDiv {
        return BoundFunction::new(DataType::Float64, binary(work));
    }
    let ty = match a {
        DataType::Float32 | DataType::Decimal(..=9, _) => DataType::Int32,
        DataType::Decimal(19.., _) => DataType::Int128,
        _ => DataType::Int64,
    };
    let whole = division::whole_in_range(&ty);
    let kernel = try_binary(move |a: f64, b: f64| whole(work(a, b)));
    division::narrowed(ty, kernel)
}

fn ring(op: Op, ty: DataType) -> Result<BoundFunction> {
    fn of<T: Ring>(op: Op, ty: DataType) -> BoundFunction {
        match op {
            Op::Plus => BoundFunction::new(ty, binary(T::add)),
            Op::Minus => BoundFunction::new(ty, binary(T::sub)),
            _ => BoundFunction::new(ty, binary(T::mul)),
        }
    }
    Ok(match ty.physical() {
        Physical::U16 => of::<u16>(op, ty),
        Physical::U32 => of::<u32>(op, ty),
        Physical::U64 => of::<u64>(op, ty),
        Physical::U128 => of::<u128>(op, ty),
        Physical::I16 => of::<i16>(op, ty),
        Physical::I32 => of::<i32>(op, ty),
        Physical::I64 => of::<i64>(op, ty),
        Physical::I128 => of::<i128>(op, ty),
        Physical::F64 => of::<f64>(op, ty),
        _ => bail!(LOGICAL_ERROR, "no {} of {ty}", op.name()),
    })
}

fn common_divisor(op: Op, ty: DataType) -> Result<BoundFunction> {
    let work = move |a: i128, b: i128| {
        let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
        if a == 0 || b == 0 {
            return Err(err!(ILLEGAL_DIVISION, "Division by zero"));
        }
        let divisor = gcd(a, b);
        let answer = if op == Op::Gcd {
            divisor
        } else {
            (a / divisor).wrapping_mul(b)
        };
        Ok(answer as i128)
    };
    Ok(division::narrowed(ty, try_binary(work)))
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        // Small numbers divide much faster.
        let rest = match (u64::try_from(a), u64::try_from(b)) {
            (Ok(a), Ok(b)) => u128::from(a % b),
            _ => a % b,
        };
        (a, b) = (b, rest);
    }
    a
}
