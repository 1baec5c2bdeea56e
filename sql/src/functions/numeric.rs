//! The plain numbers as one trait: conversions between any two of them as C++ does them.
//!
//! Invariant: a whole number that does not fit wraps; a float is cut towards zero first and gives
//! the processor's "indefinite" value when it is out of range.

use roost_engine::column::{Flat, Native};
use roost_engine::error::Result;
use roost_engine::{err, with_native};

/// A plain number.
pub trait Number: Native {
    /// Whether the type has fractions.
    const FLOAT: bool;
    /// Whether the type has negative numbers.
    const SIGNED: bool;
    /// The low 64 bits, sign extended; of a float the whole part.
    fn low(self) -> u64;
    /// The value as 128 bits (UInt128 keeps its bits); of a float the whole part.
    fn wide(self) -> i128;
    /// The nearest double.
    fn double(self) -> f64;
    /// From the low bits of a whole number of at most 64 bits.
    fn from_low(low: u64) -> Self;
    /// From the low bits.
    fn from_wide(wide: i128) -> Self;
    /// The whole part, or for a float the nearest value.
    fn from_double(value: f64) -> Self;
}

macro_rules! whole {
    ($($ty:ident $signed:literal $from:expr),* $(,)?) => { $(
        impl Number for $ty {
            const FLOAT: bool = false;
            const SIGNED: bool = $signed;
            #[inline] fn low(self) -> u64 { self as u64 }
            #[inline] fn wide(self) -> i128 { self as i128 }
            #[inline] fn double(self) -> f64 { self as f64 }
            #[inline] fn from_low(low: u64) -> Self { low as Self }
            #[inline] fn from_wide(wide: i128) -> Self { wide as Self }
            #[inline] fn from_double(value: f64) -> Self { ($from)(value) as Self }
        }
    )* };
}

/// As `cvttsd2si` to 32 bits.
#[inline]
fn to_i32(value: f64) -> i32 {
    let whole = value.trunc();
    match (-2_147_483_648.0..2_147_483_648.0).contains(&whole) {
        true => whole as i32,
        false => i32::MIN,
    }
}

/// As `cvttsd2si` to 64 bits.
#[inline]
fn to_i64(value: f64) -> i64 {
    match (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        true => value as i64,
        false => i64::MIN,
    }
}

#[inline]
fn to_u64(value: f64) -> u64 {
    match value {
        v if v < 9_223_372_036_854_775_808.0 => to_i64(v) as u64,
        v if v < 18_446_744_073_709_551_616.0 => v as u64,
        _ => 1 << 63,
    }
}

#[inline]
fn to_u128(value: f64) -> u128 {
    if value < 0.0 {
        (value as i128) as u128
    } else {
        value as u128
    }
}

whole!(
    u8 false to_i32, u16 false to_i32, u32 false to_i64, u64 false to_u64, u128 false to_u128,
    i8 true to_i32, i16 true to_i32, i32 true to_i32, i64 true to_i64,
    i128 true |v: f64| v as i128,
);

macro_rules! floats {
    ($($ty:ident),*) => { $(
        impl Number for $ty {
            const FLOAT: bool = true;
            const SIGNED: bool = true;
            #[inline] fn low(self) -> u64 { to_i64(self as f64) as u64 }
            #[inline] fn wide(self) -> i128 { self as i128 }
            #[inline] fn double(self) -> f64 { self as f64 }
            #[inline] fn from_low(low: u64) -> Self { low as i64 as Self }
            #[inline] fn from_wide(wide: i128) -> Self { wide as Self }
            #[inline] fn from_double(value: f64) -> Self { value as Self }
        }
    )* };
}
floats!(f32, f64);

/// One number as another type.
#[inline]
pub fn convert<S: Number, T: Number>(value: S) -> T {
    if S::FLOAT || (T::FLOAT && S::WIDTH < 16) {
        T::from_double(value.double())
    } else if S::WIDTH <= 8 && T::WIDTH <= 8 {
        T::from_low(value.low())
    } else if T::FLOAT && !S::SIGNED {
        T::from_double(value.double())
    } else {
        T::from_wide(value.wide())
    }
}

/// All values of a plain column as another type; shared when it is that type already.
pub fn numbers_of<T: Number>(flat: &Flat) -> Result<roost_engine::column::Buffer<T>> {
    if let Some(same) = T::of(flat) {
        return Ok(same.clone());
    }
    fn map<S: Number, T: Number>(values: &[S]) -> Vec<T> {
        values.iter().map(|v| convert::<S, T>(*v)).collect()
    }
    with_native!(flat, |v| Ok(map::<_, T>(v).into()), other => match other {
        Flat::Nullable(n) => numbers_of(n.values()),
        other => Err(err!(LOGICAL_ERROR, "expected numbers, found a column of {}", other.shape_name())),
    })
}

/// Whether a whole number is in the range of another type.
#[inline]
pub fn in_range<S: Number, T: Number>(value: S) -> bool {
    let back: T = T::from_wide(value.wide());
    let negative = S::SIGNED && value.wide() < 0;
    let back_negative = T::SIGNED && back.wide() < 0;
    back.wide() == value.wide() && negative == back_negative
}
