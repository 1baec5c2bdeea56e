//! Arithmetic on the plain number types that encodings are made of.
//!
//! Invariant: `base.plus(v.offset_from(base)) == v`, and `prev.plus(v.minus(prev) as u64) == v`,
//! wrapping at the width of the type; floats are only compared, by their bits.

use crate::column::Native;

/// A number that can be encoded.
pub trait Word: Native {
    /// Whether differences mean something.
    const INT: bool;
    /// Whether differences fit 64 bits (whatever the values).
    const SMALL: bool = Self::WIDTH <= 8;
    /// Whether the bits are the same.
    fn same(self, other: Self) -> bool;
    /// How far above `base`, when that fits 64 bits.
    fn offset_from(self, base: Self) -> Option<u64>;
    /// `self + offset`, wrapping.
    fn plus(self, offset: u64) -> Self;
    /// The wrapping difference, sign-extended from the type's width.
    fn minus(self, other: Self) -> i64;
    /// All bits, to find equal values.
    fn bits(self) -> u128;
    /// `self * 10^digits`, when dividing it gives exactly `self` again.
    fn to_scaled(self, _digits: u8) -> Option<i64> {
        None
    }
    /// The inverse of [`Word::to_scaled`].
    fn from_scaled(_value: i64, _digits: u8) -> Self {
        Self::default()
    }
}

macro_rules! small_ints {
    ($($ty:ident $unsigned:ident $signed:ident),*) => { $(
        impl Word for $ty {
            const INT: bool = true;
            #[inline]
            fn same(self, other: Self) -> bool { self == other }
            #[inline]
            fn offset_from(self, base: Self) -> Option<u64> {
                Some(u64::from(self.wrapping_sub(base) as $unsigned))
            }
            #[inline]
            fn plus(self, offset: u64) -> Self { self.wrapping_add(offset as $ty) }
            #[inline]
            fn minus(self, other: Self) -> i64 { i64::from(self.wrapping_sub(other) as $signed) }
            #[inline]
            fn bits(self) -> u128 { u128::from(self as $unsigned) }
        }
    )* };
}

small_ints!(u8 u8 i8, u16 u16 i16, u32 u32 i32, u64 u64 i64, i8 u8 i8, i16 u16 i16, i32 u32 i32,
            i64 u64 i64);

macro_rules! wide_ints {
    ($($ty:ident),*) => { $(
        impl Word for $ty {
            const INT: bool = true;
            fn same(self, other: Self) -> bool { self == other }
            fn offset_from(self, base: Self) -> Option<u64> {
                u64::try_from(self.wrapping_sub(base) as u128).ok()
            }
            fn plus(self, offset: u64) -> Self { self.wrapping_add(offset as $ty) }
            fn minus(self, other: Self) -> i64 { self.wrapping_sub(other) as i64 }
            fn bits(self) -> u128 { self as u128 }
        }
    )* };
}

wide_ints!(u128, i128);

/// Powers of ten that scale floats.
pub(super) const TENS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Whole numbers up to this are exact in a double.
const EXACT_MAX: u64 = 1 << 53;

/// Near enough: the caller checks that dividing gives the value back.
fn scaled(value: f64, digits: u8) -> Option<i64> {
    let scaled = value * TENS.get(usize::from(digits))?;
    let whole = (scaled + 0.5f64.copysign(scaled)) as i64;
    (whole.unsigned_abs() <= EXACT_MAX).then_some(whole)
}

fn unscaled(value: i64, digits: u8) -> f64 {
    value as f64 / TENS[usize::from(digits) % TENS.len()]
}

macro_rules! floats {
    ($($ty:ident),*) => { $(
        impl Word for $ty {
            const INT: bool = false;
            #[inline]
            fn same(self, other: Self) -> bool { self.to_bits() == other.to_bits() }
            fn offset_from(self, _base: Self) -> Option<u64> { None }
            fn plus(self, _offset: u64) -> Self { self }
            fn minus(self, _other: Self) -> i64 { 0 }
            #[inline]
            fn bits(self) -> u128 { u128::from(self.to_bits()) }
            #[inline]
            fn to_scaled(self, digits: u8) -> Option<i64> {
                let whole = scaled(f64::from(self), digits)?;
                Self::from_scaled(whole, digits).same(self).then_some(whole)
            }
            #[inline]
            fn from_scaled(value: i64, digits: u8) -> Self { unscaled(value, digits) as $ty }
        }
    )* };
}

floats!(f32, f64);
