//! Between whole numbers, floats and Bool; addresses and the numbers they are held as.
//!
//! Invariant: without accuracy asked for whole numbers wrap.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Buffer, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Physical};
use roost_engine::with_native;

use super::{CastMode, Convert, Ways, unsupported};
use crate::functions::numeric::{Number, convert, in_range, numbers_of};

/// Plain numbers (dates, times and enums as the numbers they are) to a plain number type.
pub(super) fn to_number(from: &DataType, to: &DataType, ways: Ways) -> Convert {
    if *to == DataType::Bool {
        return Arc::new(|flat, _| Ok(Flat::native(truth(flat)?)));
    }
    macro_rules! target {
        ($($shape:ident $ty:ty),*) => {
            match to.physical() {
                $(Physical::$shape => to_native::<$ty>(from, to, ways),)*
                _ => { let (from, to) = (from.clone(), to.clone()); Arc::new(move |_, _| unsupported(&from, &to)) }
            }
        };
    }
    target!(U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, I8 i8, I16 i16, I32 i32, I64 i64, I128 i128, F32 f32, F64 f64)
}

/// 1 where a number is not zero (NaN is not).
pub(super) fn truth(flat: &Flat) -> Result<Vec<u8>> {
    roost_engine::kernels::filter::truth(flat)
}

fn to_native<T: Number>(from: &DataType, to: &DataType, ways: Ways) -> Convert {
    let names = (from.to_string(), to.to_string());
    if ways.mode.accurate() {
        let null = ways.mode == CastMode::AccurateOrNull;
        return Arc::new(move |flat, skip| accurate::<T>(flat, skip, null, &names));
    }
    let whole = !T::FLOAT;
    Arc::new(move |flat, skip| {
        if whole && !finite(flat, skip) {
            bail!(
                CANNOT_CONVERT_TYPE,
                "Unexpected inf or nan to integer conversion"
            );
        }
        Ok(T::wrap(numbers_of::<T>(flat)?))
    })
}

fn finite(flat: &Flat, skip: Option<&[u8]>) -> bool {
    let hidden = |i: usize| skip.is_some_and(|s| s[i] != 0);
    match flat {
        Flat::F32(v) => v
            .iter()
            .enumerate()
            .all(|(i, x)| x.is_finite() || hidden(i)),
        Flat::F64(v) => v
            .iter()
            .enumerate()
            .all(|(i, x)| x.is_finite() || hidden(i)),
        _ => true,
    }
}

/// Whether the conversion loses nothing.
fn exact<S: Number, T: Number>(value: S) -> bool {
    let double = value.double();
    match (S::FLOAT, T::FLOAT) {
        (false, false) => in_range::<S, T>(value),
        (true, true) => double.is_nan() || T::from_double(double).double() == double,
        (false, true) => {
            let there = convert::<S, T>(value).double();
            there.abs() < 1e38 && there as i128 == value.wide()
        }
        (true, false) => {
            double.is_finite()
                && double.trunc() == double
                && double.abs() < 1e38
                && in_range::<i128, T>(double as i128)
        }
    }
}

fn accurate<T: Number>(
    flat: &Flat,
    skip: Option<&[u8]>,
    null: bool,
    names: &(String, String),
) -> Result<Flat> {
    fn failures<S: Number, T: Number>(values: &[S]) -> Vec<u8> {
        values
            .iter()
            .map(|v| u8::from(!exact::<S, T>(*v)))
            .collect()
    }
    let failed = with_native!(flat, |v| failures::<_, T>(v), _other => vec![0; flat.len()]);
    let values = T::wrap(numbers_of::<T>(flat)?);
    if failed.iter().all(|f| *f == 0) {
        return Ok(values);
    }
    if null {
        return Flat::nullable(failed, values);
    }
    let visible = |(i, f): (usize, &u8)| *f != 0 && skip.is_none_or(|s| s[i] == 0);
    match failed.iter().enumerate().any(visible) {
        true => bail!(
            CANNOT_CONVERT_TYPE,
            "Value in column {} cannot be safely converted into type {}",
            names.0,
            names.1
        ),
        false => Ok(values),
    }
}

/// Conversions of IPv4, IPv6 and UUID other than from and to text.
pub(super) fn addresses(from: &DataType, to: &DataType) -> Result<Convert> {
    use DataType as T;
    match (from, to) {
        (T::IPv4, T::IPv6) => Ok(Arc::new(|flat, _| {
            let mapped = |v: &u32| u128::from(*v) | 0xFFFF_0000_0000;
            Ok(Flat::native(
                flat.slice_of::<u32>()?
                    .iter()
                    .map(mapped)
                    .collect::<Vec<u128>>(),
            ))
        })),
        (T::IPv6, T::IPv4) => Ok(Arc::new(|flat, skip| {
            let values = flat.slice_of::<u128>()?;
            let mapped =
                |(i, v): (usize, &u128)| v >> 32 == 0xFFFF || skip.is_some_and(|s| s[i] != 0);
            match values.iter().enumerate().all(mapped) {
                true => Ok(Flat::native(
                    values.iter().map(|v| *v as u32).collect::<Vec<u32>>(),
                )),
                false => bail!(
                    CANNOT_CONVERT_TYPE,
                    "an IPv6 address is not in the IPv4 mapping block"
                ),
            }
        })),
        (_, T::IPv4) if from.is_integer() => Ok(Arc::new(|flat, _| as_native::<u32>(flat))),
        (T::IPv4, T::UInt32 | T::UInt64 | T::UInt128) => {
            let to = to.physical();
            Ok(Arc::new(move |flat, _| match to {
                Physical::U64 => as_native::<u64>(flat),
                Physical::U128 => as_native::<u128>(flat),
                _ => as_native::<u32>(flat),
            }))
        }
        (T::UUID | T::IPv6, T::UInt128) | (T::UInt128, T::IPv6) => {
            Ok(Arc::new(|flat, _| Ok(flat.clone())))
        }
        _ if from.is_numeric() || to.is_numeric() => bail!(
            NOT_IMPLEMENTED,
            "Conversion between numeric types and {} is not supported. Probably the passed value is unquoted",
            if from.is_numeric() { to } else { from }
        ),
        _ => unsupported(from, to),
    }
}

fn as_native<T: Number>(flat: &Flat) -> Result<Flat> {
    let values: Buffer<T> = numbers_of::<T>(flat)?;
    Ok(<T as Native>::wrap(values))
}
