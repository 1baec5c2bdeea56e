//! Comparison of plain numbers, and of what is held as one.
//!
//! Invariant: no comparison rounds.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Physical};

use super::{Cmp, decimals};
use crate::functions::core::operands::{Operand, two, zip};
use crate::functions::numeric::Number;
use crate::functions::scalar::PlainKernel;
use crate::functions::supertype::integer_shape;

/// The comparison of two types that are numbers, or the same plain type; `None` for others.
pub(super) fn bind(cmp: Cmp, a: &DataType, b: &DataType) -> Option<PlainKernel> {
    use DataType as T;
    let decimal = |t: &DataType| matches!(t, T::Decimal(..));
    let number = |t: &DataType| t.is_numeric() || t.is_enum();
    if number(a) && number(b) && (decimal(a) || decimal(b)) {
        return Some(decimals::bind(cmp, a, b));
    }
    if a == b && !a.is_float() {
        return same_shape(cmp, a);
    }
    if matches!((a, b), (T::DateTime(_), T::DateTime(_))) {
        return Some(of::<i64>(cmp));
    }
    // Times and intervals compare with numbers as what they are held as; a Date does not.
    if let Some(kernel) = held_beside_number(cmp, a, b) {
        return Some(kernel);
    }
    if let (T::DateTime64(p, _), T::DateTime64(q, _)) = (a, b)
        && p == q
    {
        return Some(of::<i64>(cmp));
    }
    (number(a) && number(b)).then(|| mixed(cmp, a, b))
}

fn held_beside_number(cmp: Cmp, a: &DataType, b: &DataType) -> Option<PlainKernel> {
    use DataType as T;
    let held = |t: &DataType| match t {
        T::DateTime(_) | T::IPv4 => Some(T::UInt32),
        T::DateTime64(precision, _) => Some(T::Decimal(18, *precision)),
        T::Interval(_) => Some(T::Int64),
        _ => None,
    };
    match (held(a), held(b)) {
        (Some(a), None) if b.is_numeric() || b.is_enum() => bind(cmp, &a, b),
        (None, Some(b)) if a.is_numeric() || a.is_enum() => bind(cmp, a, &b),
        _ => None,
    }
}

fn same_shape(cmp: Cmp, ty: &DataType) -> Option<PlainKernel> {
    Some(match ty.physical() {
        Physical::U8 => of::<u8>(cmp),
        Physical::U16 => of::<u16>(cmp),
        Physical::U32 => of::<u32>(cmp),
        Physical::U64 => of::<u64>(cmp),
        Physical::U128 => of::<u128>(cmp),
        Physical::I8 => of::<i8>(cmp),
        Physical::I16 => of::<i16>(cmp),
        Physical::I32 => of::<i32>(cmp),
        Physical::I64 => of::<i64>(cmp),
        Physical::I128 => of::<i128>(cmp),
        _ => return None,
    })
}

fn mixed(cmp: Cmp, a: &DataType, b: &DataType) -> PlainKernel {
    let shape = |t: &DataType| integer_shape(t);
    match (shape(a), shape(b)) {
        (None, None) if *a == DataType::Float32 && *b == DataType::Float32 => of::<f32>(cmp),
        (None, None) => of::<f64>(cmp),
        // A double holds every number of 32 bits; wider ones are compared as what they are.
        (None, Some((bits, _))) | (Some((bits, _)), None) if bits <= 32 => of::<f64>(cmp),
        (None, Some((_, signed))) => float_integer(cmp, signed, true),
        (Some((_, signed)), None) => float_integer(cmp, signed, false),
        (Some((x, false)), Some((y, false))) => match x.max(y) {
            ..=64 => of::<u64>(cmp),
            _ => of::<u128>(cmp),
        },
        (Some((x, s)), Some((y, t))) => {
            let fits = |bits: u32, signed: bool| bits < 64 || bits == 64 && signed;
            match (fits(x, s) && fits(y, t), x.max(y)) {
                (true, _) => of::<i64>(cmp),
                (false, ..=64) => of::<i128>(cmp),
                _ => wide(cmp, s, t),
            }
        }
    }
}

/// A kernel that reads both sides as `T`.
pub(super) fn of<T: Number>(cmp: Cmp) -> PlainKernel {
    Arc::new(move |columns: &[Column], rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (Operand::<T>::of(a)?, Operand::<T>::of(b)?);
        Ok(Column::native(run(cmp, &a, &b, rows)))
    })
}

fn run<T: Number>(cmp: Cmp, a: &Operand<T>, b: &Operand<T>, rows: usize) -> Vec<u8> {
    match cmp {
        Cmp::Equal => zip(a, b, rows, |a, b| u8::from(a == b)),
        Cmp::NotEqual => zip(a, b, rows, |a, b| u8::from(a != b)),
        Cmp::Less => zip(a, b, rows, |a, b| u8::from(a < b)),
        Cmp::LessOrEqual => zip(a, b, rows, |a, b| u8::from(a <= b)),
        Cmp::Greater => zip(a, b, rows, |a, b| u8::from(a > b)),
        Cmp::GreaterOrEqual => zip(a, b, rows, |a, b| u8::from(a >= b)),
    }
}

/// 128 bits of different signs.
fn wide(cmp: Cmp, a_signed: bool, b_signed: bool) -> PlainKernel {
    let key = |value: i128, signed: bool| match signed && value < 0 {
        true => (false, value as u128),
        false => (true, value as u128),
    };
    Arc::new(move |columns: &[Column], rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (Operand::<i128>::of(a)?, Operand::<i128>::of(b)?);
        let order = |a, b| key(a, a_signed).cmp(&key(b, b_signed));
        Ok(Column::native(zip(&a, &b, rows, |a, b| {
            u8::from(cmp.holds(order(a, b)))
        })))
    })
}

/// A float with whole numbers of 64 bits and more.
fn float_integer(cmp: Cmp, signed: bool, float_first: bool) -> PlainKernel {
    Arc::new(move |columns: &[Column], rows| -> Result<Column> {
        let (a, b) = two(columns)?;
        let (floats, integers) = if float_first { (a, b) } else { (b, a) };
        let floats = Operand::<f64>::of(floats)?;
        let integers = Operand::<i128>::of(integers)?;
        let verdict = |f: f64, i: i128| {
            let order = compare(f, i, signed);
            let order = if float_first {
                order
            } else {
                order.map(std::cmp::Ordering::reverse)
            };
            u8::from(order.map_or(cmp == Cmp::NotEqual, |o| cmp.holds(o)))
        };
        Ok(Column::native(zip(&floats, &integers, rows, verdict)))
    })
}

fn compare(float: f64, integer: i128, signed: bool) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering;
    if float.is_nan() {
        return None;
    }
    if !signed && integer < 0 {
        // An unsigned number past the signed range.
        let integer = integer as u128;
        return Some(match float {
            f if f < 0.0 => Ordering::Less,
            f if f >= 3.402_823_669_209_385e38 => Ordering::Greater,
            f => (f as u128).cmp(&integer),
        });
    }
    if float >= 1.701_411_834_604_692_3e38 {
        return Some(Ordering::Greater);
    }
    if float < -1.701_411_834_604_692_3e38 {
        return Some(Ordering::Less);
    }
    let whole = float.trunc();
    let order = (whole as i128).cmp(&integer);
    Some(order.then_with(|| float.partial_cmp(&whole).unwrap_or(Ordering::Equal)))
}
