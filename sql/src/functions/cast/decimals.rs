//! From and to Decimal.
//!
//! Invariant: a decimal that its width cannot hold is an error, never wrapped.

use std::sync::Arc;

use roost_engine::column::{Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Physical};
use roost_engine::{bail, err};

use super::{CastMode, Convert, Ways};
use crate::functions::numeric::{Number, numbers_of};
use crate::functions::text::number::pow10;

fn overflow(what: impl std::fmt::Display) -> Error {
    err!(DECIMAL_OVERFLOW, "Convert overflow: {what}")
}

/// Unscaled decimals to a plain number.
pub(super) fn to_number(scale: u8, to: &DataType, _ways: Ways) -> Result<Convert> {
    macro_rules! target {
        ($($shape:ident $ty:ty),*) => {
            match to.physical() {
                _ if *to == DataType::Bool => {
                    Arc::new(|flat: &Flat, _: Option<&[u8]>| Ok(Flat::native(super::numbers::truth(flat)?)))
                }
                $(Physical::$shape => Arc::new(move |flat: &Flat, _: Option<&[u8]>| unscale::<$ty>(flat, scale)),)*
                _ => return super::unsupported(&DataType::Decimal(38, scale), to),
            }
        };
    }
    let convert: Convert = target!(U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, I8 i8, I16 i16, I32 i32, I64 i64, I128 i128, F32 f32, F64 f64);
    Ok(convert)
}

fn unscale<T: Number>(flat: &Flat, scale: u8) -> Result<Flat> {
    let values = numbers_of::<i128>(flat)?;
    if T::FLOAT {
        let power = pow10(scale) as f64;
        return Ok(Flat::native(
            values
                .iter()
                .map(|v| T::from_double(*v as f64 / power))
                .collect::<Vec<T>>(),
        ));
    }
    let power = pow10(scale) as i128;
    let one = |v: &i128| {
        let whole = v / power;
        let fits = crate::functions::numeric::in_range::<i128, T>(whole);
        fits.then(|| T::from_wide(whole))
            .ok_or_else(|| overflow(whole))
    };
    Ok(Flat::native(
        values.iter().map(one).collect::<Result<Vec<T>>>()?,
    ))
}

/// Numbers and decimals to a decimal.
pub(super) fn to_decimal(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    let DataType::Decimal(_, scale) = *to else {
        return super::unsupported(from, to);
    };
    let from_scale = match from {
        DataType::Decimal(_, s) => *s,
        _ => 0,
    };
    let (shape, float) = (to.physical(), from.is_float());
    let all = move |flat: &Flat, skip: Option<&[u8]>| {
        let values = match float {
            true => from_floats(flat, scale, skip)?,
            false => rescale(&numbers_of::<i128>(flat)?, from_scale, scale, skip)?,
        };
        of_width(&shape, values, skip)
    };
    if ways.mode != CastMode::AccurateOrNull {
        return Ok(Arc::new(all));
    }
    // Where one fails, each is asked by itself.
    Ok(Arc::new(move |flat, skip| {
        if let Ok(values) = all(flat, skip) {
            return Ok(values);
        }
        let failed: Vec<u8> = (0..flat.len())
            .map(|i| u8::from(all(&flat.slice(i, 1), None).is_err()))
            .collect();
        let mask: Vec<u8> = match skip {
            Some(skip) => failed.iter().zip(skip).map(|(a, b)| a | b).collect(),
            None => failed.clone(),
        };
        Flat::nullable(failed, all(flat, Some(&mask))?)
    }))
}

/// Unscaled decimals at another scale; digits are cut off, never rounded.
pub(crate) fn rescale(values: &[i128], from: u8, to: u8, skip: Option<&[u8]>) -> Result<Vec<i128>> {
    if from >= to {
        let power = pow10(from - to) as i128;
        return Ok(values.iter().map(|v| v / power).collect());
    }
    let power = pow10(to - from) as i128;
    let hidden = |i: usize| skip.is_some_and(|s| s[i] != 0);
    let one = |(i, v): (usize, &i128)| match v.checked_mul(power) {
        Some(v) => Ok(v),
        None if hidden(i) => Ok(0),
        None => Err(overflow(format!("while multiplying {v} by scale {power}"))),
    };
    values.iter().enumerate().map(one).collect()
}

fn from_floats(flat: &Flat, scale: u8, skip: Option<&[u8]>) -> Result<Vec<i128>> {
    let power = pow10(scale) as f64;
    let one = |(i, v): (usize, &f64)| {
        if skip.is_some_and(|s| s[i] != 0) {
            return Ok(0);
        }
        if !v.is_finite() {
            bail!(
                DECIMAL_OVERFLOW,
                "Decimal convert overflow. Cannot convert infinity or NaN to decimal"
            );
        }
        let scaled = v * power;
        match scaled.abs() < 1.7e38 {
            true => Ok(scaled as i128),
            false => bail!(
                DECIMAL_OVERFLOW,
                "Decimal convert overflow. Float is out of Decimal range"
            ),
        }
    };
    numbers_of::<f64>(flat)?
        .iter()
        .enumerate()
        .map(one)
        .collect()
}

/// The numbers in the width of a decimal type.
pub(crate) fn of_width(shape: &Physical, values: Vec<i128>, skip: Option<&[u8]>) -> Result<Flat> {
    fn narrow<T: Number>(values: &[i128], skip: Option<&[u8]>) -> Result<Flat> {
        let one = |(i, v): (usize, &i128)| {
            let narrow = T::from_wide(*v);
            match narrow.wide() == *v || skip.is_some_and(|s| s[i] != 0) {
                true => Ok(narrow),
                false => Err(err!(DECIMAL_OVERFLOW, "Decimal convert overflow: {v}")),
            }
        };
        Ok(<T as Native>::wrap(
            values
                .iter()
                .enumerate()
                .map(one)
                .collect::<Result<Vec<T>>>()?
                .into(),
        ))
    }
    match shape {
        Physical::I32 => narrow::<i32>(&values, skip),
        Physical::I64 => narrow::<i64>(&values, skip),
        _ => Ok(Flat::native(values)),
    }
}
