//! Number columns as slices of the type a function calculates in.
//!
//! Invariant: one conversion per block, outside of the loops over groups.

use std::borrow::Cow;

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;
use roost_engine::with_native;

/// A number that widens into `T` without losing its sign or range (decimals and floats apart).
pub(crate) trait Widen<T>: Native {
    /// The wider number.
    fn widen(self) -> T;
}

macro_rules! widen {
    ($($from:ty => $to:ty),* $(,)?) => { $(
        impl Widen<$to> for $from {
            #[inline]
            fn widen(self) -> $to { self as $to }
        }
    )* };
}

widen!(u8 => u64, u16 => u64, u32 => u64, u64 => u64, i8 => i64, i16 => i64, i32 => i64, i64 => i64,
       u128 => u128, i128 => i128, i32 => i128, i64 => i128, f32 => f64, f64 => f64, f32 => f32,
       u8 => u8, u16 => u16, u32 => u32, i8 => i8, i16 => i16, i32 => i32,
       u8 => f64, u16 => f64, u32 => f64, u64 => f64, u128 => f64,
       i8 => f64, i16 => f64, i32 => f64, i64 => f64, i128 => f64);

/// The values of a number column as doubles; decimals are divided by their scale.
pub(crate) fn doubles<'a>(flat: &'a Flat, ty: &DataType) -> Result<Cow<'a, [f64]>> {
    if let Flat::F64(values) = flat {
        return Ok(Cow::Borrowed(&values[..]));
    }
    let mut out: Vec<f64> = with_native!(flat,
        |values| values.iter().map(|&v| Widen::<f64>::widen(v)).collect(),
        other => return Err(Error::bug(format!("expected numbers, found {}", other.shape_name())))
    );
    let scale = scale_of(ty);
    if scale > 0 {
        let divisor = 10f64.powi(i32::from(scale));
        out.iter_mut().for_each(|v| *v /= divisor);
    }
    Ok(Cow::Owned(out))
}

/// Digits after the point of a Decimal, 0 for other types.
pub(crate) fn scale_of(ty: &DataType) -> u8 {
    match ty.value_type() {
        DataType::Decimal(_, scale) => *scale,
        _ => 0,
    }
}

/// The column as one entry per row; flat columns are shared, not copied.
pub(crate) fn flat_of(column: &Column) -> Cow<'_, Flat> {
    match column {
        Column::Flat(flat) => Cow::Borrowed(flat),
        other => Cow::Owned(other.to_flat()),
    }
}
