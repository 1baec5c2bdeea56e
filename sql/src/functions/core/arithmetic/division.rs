//! Whole division and remainders.
//!
//! Invariant: a zero divisor is an error, a zero or a NULL, as the function's name says.

use roost_engine::column::{Buffer, Column, Flat, NullableColumn};
use roost_engine::err;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Physical};

use super::Op;
use crate::functions::core::operands::{Operand, try_zip, two, zip};
use crate::functions::numeric::{Number, numbers_of};
use crate::functions::supertype::integer_shape;
use crate::functions::{BoundFunction, Kernel};

fn by_zero() -> Error {
    err!(ILLEGAL_DIVISION, "Division by zero")
}

/// Numbers that divide: in 64 bits where both sides fit, else in 128, or as doubles.
trait Divide: Number {
    fn quotient(self, other: Self) -> Result<Self>;
    fn rest(self, other: Self) -> Result<Self>;
    fn positive_rest(self, other: Self) -> Result<Self>;
}

macro_rules! divides {
    ($($ty:ident),*) => { $(impl Divide for $ty {
        #[inline]
        fn quotient(self, other: Self) -> Result<Self> {
            match self.checked_div(other) {
                Some(v) => Ok(v),
                None if other == 0 => Err(by_zero()),
                None => Err(err!(ILLEGAL_DIVISION, "Division of minimal signed number by minus one")),
            }
        }
        #[inline]
        fn rest(self, other: Self) -> Result<Self> {
            if other == 0 { Err(by_zero()) } else { Ok(self.wrapping_rem(other)) }
        }
        #[inline]
        fn positive_rest(self, other: Self) -> Result<Self> {
            if other == 0 { Err(by_zero()) } else { Ok(self.wrapping_rem_euclid(other)) }
        }
    })* };
}
divides!(u64, i64, u128, i128);

impl Divide for f64 {
    fn quotient(self, other: Self) -> Result<Self> {
        if other == 0.0 {
            Err(by_zero())
        } else {
            Ok((self / other).trunc())
        }
    }
    fn rest(self, other: Self) -> Result<Self> {
        Ok(self - (self / other).trunc() * other)
    }
    fn positive_rest(self, other: Self) -> Result<Self> {
        let rest = self - (self / other).trunc() * other;
        Ok(if rest < 0.0 { rest + other.abs() } else { rest })
    }
}

/// Binds intDiv, modulo and their variants; the answer's type is decided.
pub(super) fn bind(op: Op, ty: DataType, a: &DataType, b: &DataType) -> Result<BoundFunction> {
    let small = |t: &DataType| {
        integer_shape(t).is_some_and(|(bits, signed)| bits < 64 || (bits == 64 && signed))
    };
    let unsigned =
        |t: &DataType| integer_shape(t).is_some_and(|(bits, signed)| bits <= 64 && !signed);
    if op == Op::IntDiv && (a.is_float() || b.is_float()) {
        let whole = whole_in_range(&ty);
        let step = move |a: f64, b: f64| match b == 0.0 {
            true => Err(by_zero()),
            false => whole(a / b),
        };
        return Ok(narrowed(ty, super::super::operands::try_binary(step)));
    }
    if a.is_float() || b.is_float() {
        return Ok(of::<f64>(op, ty));
    }
    if *a == DataType::UInt128 && b.is_unsigned() {
        return Ok(of::<u128>(op, ty));
    }
    Ok(match (unsigned(a) && unsigned(b), small(a) && small(b)) {
        (true, _) => of::<u64>(op, ty),
        (_, true) => of::<i64>(op, ty),
        _ => of::<i128>(op, ty),
    })
}

fn of<T: Divide>(op: Op, ty: DataType) -> BoundFunction {
    use Op::*;
    let minimum = match (op, ty.physical()) {
        // The quotient of the least number and minus one does not fit its own width either.
        (IntDiv, Physical::I8) => Some(i128::from(i8::MIN)),
        (IntDiv, Physical::I16) => Some(i128::from(i16::MIN)),
        (IntDiv, Physical::I32) => Some(i128::from(i32::MIN)),
        _ => None,
    };
    let step = move |a: T, b: T| match op {
        IntDiv => match minimum {
            Some(least) if !T::FLOAT && a.wide() == least && T::SIGNED && b.wide() == -1 => {
                Err(err!(
                    ILLEGAL_DIVISION,
                    "Division of minimal signed number by minus one"
                ))
            }
            _ => a.quotient(b),
        },
        IntDivOrZero | IntDivOrNull | DivideOrNull => Ok(a.quotient(b).unwrap_or_default()),
        Modulo => a.rest(b),
        ModuloOrZero | ModuloOrNull => Ok(a.rest(b).unwrap_or_default()),
        PositiveModuloOrNull => Ok(a.positive_rest(b).unwrap_or_default()),
        _ => a.positive_rest(b),
    };
    let kernel = move |columns: &[Column], rows: usize| {
        let (a, b) = two(columns)?;
        let (a, b) = (Operand::<T>::of(a)?, Operand::<T>::of(b)?);
        // A constant divisor that cannot fail needs no check in each row.
        if let Operand::One(divisor) = &b
            && *divisor != T::default()
            && (T::FLOAT || divisor.wide() != -1)
        {
            let plain = |a: T, b: T| step(a, b).unwrap_or_default();
            return Ok(Column::native(zip(&a, &b, rows, plain)));
        }
        Ok(Column::native(try_zip(&a, &b, rows, step)?))
    };
    let null_at_zero = matches!(
        op,
        IntDivOrNull | ModuloOrNull | PositiveModuloOrNull | DivideOrNull
    );
    if op == DivideOrNull {
        return with_nulls(BoundFunction::new(
            ty,
            super::super::operands::binary(|a: f64, b: f64| a / b),
        ));
    }
    let bound = narrowed(ty, kernel);
    if null_at_zero {
        with_nulls(bound)
    } else {
        bound
    }
}

/// Cuts a quotient to a whole number; one that `ty` cannot hold is an error.
pub(super) fn whole_in_range(
    ty: &DataType,
) -> impl Fn(f64) -> Result<f64> + Copy + Send + Sync + use<> {
    let (bits, signed) = integer_shape(ty).unwrap_or((64, true));
    let high = 2f64.powi(bits as i32 - i32::from(signed));
    let low = if signed { -high } else { 0.0 };
    move |quotient: f64| {
        let whole = quotient.trunc();
        match (low..high).contains(&whole) {
            true => Ok(whole),
            false => Err(err!(
                ILLEGAL_DIVISION,
                "Cannot perform integer division, because it will produce infinite or too large number"
            )),
        }
    }
}

/// The answers of a kernel in the width of `ty`.
pub(super) fn narrowed(
    ty: DataType,
    kernel: impl Fn(&[Column], usize) -> Result<Column> + Send + Sync + 'static,
) -> BoundFunction {
    let shape = ty.physical();
    BoundFunction::new(ty, move |columns, rows| {
        let wide = kernel(columns, rows)?.to_flat();
        fn narrow<T: Number>(flat: &Flat) -> Result<Column> {
            Ok(Column::Flat(T::wrap(numbers_of::<T>(flat)?)))
        }
        match shape {
            Physical::U8 => narrow::<u8>(&wide),
            Physical::U16 => narrow::<u16>(&wide),
            Physical::U32 => narrow::<u32>(&wide),
            Physical::U64 => narrow::<u64>(&wide),
            Physical::U128 => narrow::<u128>(&wide),
            Physical::I8 => narrow::<i8>(&wide),
            Physical::I16 => narrow::<i16>(&wide),
            Physical::I32 => narrow::<i32>(&wide),
            Physical::I64 => narrow::<i64>(&wide),
            Physical::I128 => narrow::<i128>(&wide),
            _ => narrow::<f64>(&wide),
        }
    })
}

/// NULL where the second argument is zero.
fn with_nulls(bound: BoundFunction) -> BoundFunction {
    let Kernel::Plain(kernel) = bound.kernel else {
        return bound;
    };
    BoundFunction::new(bound.ty.nullable(), move |columns, rows| {
        let values = kernel(columns, rows)?.to_flat();
        let (_, divisor) = two(columns)?;
        let nonzero = roost_engine::kernels::filter::truth(&divisor.to_flat())?;
        let nulls: Buffer<u8> = nonzero.iter().map(|t| 1 - t).collect();
        Ok(Column::Flat(Flat::Nullable(NullableColumn::new(
            nulls, values,
        )?)))
    })
}
