//! The plain number types that columns are made of, and the one macro that dispatches on them.
//!
//! Invariant: `T::wrap` and `T::of` are each other's inverse.

use super::{Buffer, Flat};

/// A fixed-width number that a flat column may hold.
pub trait Native: Copy + Default + PartialOrd + Send + Sync + std::fmt::Debug + 'static {
    /// Name of the Rust type, for messages.
    const NAME: &'static str;
    /// Bytes of one value.
    const WIDTH: usize;
    /// The flat column of these values.
    fn wrap(values: Buffer<Self>) -> Flat;
    /// The values, when the column holds this type.
    fn of(flat: &Flat) -> Option<&Buffer<Self>>;
    /// Appends the little-endian bytes.
    fn write_le(self, out: &mut Vec<u8>);
    /// Appends the little-endian bytes of all.
    fn write_all(values: &[Self], out: &mut Vec<u8>);
    /// Reads little-endian bytes; `bytes` has exactly `WIDTH` of them.
    fn read_le(bytes: &[u8]) -> Self;
}

macro_rules! natives {
    ($($ty:ident $variant:ident),* $(,)?) => { $(
        impl Native for $ty {
            const NAME: &'static str = stringify!($ty);
            const WIDTH: usize = size_of::<$ty>();
            fn wrap(values: Buffer<Self>) -> Flat { Flat::$variant(values) }
            fn of(flat: &Flat) -> Option<&Buffer<Self>> {
                match flat { Flat::$variant(v) => Some(v), _ => None }
            }
            fn write_le(self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_le_bytes()); }
            fn write_all(values: &[Self], out: &mut Vec<u8>) {
                let start = out.len();
                out.resize(start + values.len() * Self::WIDTH, 0);
                let places = out[start..].chunks_exact_mut(size_of::<$ty>());
                for (place, value) in places.zip(values) {
                    place.copy_from_slice(&value.to_le_bytes());
                }
            }
            fn read_le(bytes: &[u8]) -> Self {
                let mut fixed = [0u8; size_of::<$ty>()];
                fixed.copy_from_slice(bytes);
                Self::from_le_bytes(fixed)
            }
        }
    )* };
}

natives!(u8 U8, u16 U16, u32 U32, u64 U64, u128 U128, i8 I8, i16 I16, i32 I32, i64 I64, i128 I128,
         f32 F32, f64 F64);

/// Runs `$body` with `$values` bound to the `Buffer<T>` of a native flat column, whatever T is;
/// `$other` handles the shapes that are not plain numbers.
///
/// ```
/// use roost_engine::{column::{Flat, Buffer}, with_native};
/// let flat = Flat::U16(Buffer::from(vec![1u16, 2]));
/// let n = with_native!(&flat, |values| values.len(), other => other.len());
/// assert_eq!(n, 2);
/// ```
#[macro_export]
macro_rules! with_native {
    ($flat:expr, |$values:ident| $body:expr, $other:ident => $rest:expr) => {
        match $flat {
            $crate::column::Flat::U8($values) => $body,
            $crate::column::Flat::U16($values) => $body,
            $crate::column::Flat::U32($values) => $body,
            $crate::column::Flat::U64($values) => $body,
            $crate::column::Flat::U128($values) => $body,
            $crate::column::Flat::I8($values) => $body,
            $crate::column::Flat::I16($values) => $body,
            $crate::column::Flat::I32($values) => $body,
            $crate::column::Flat::I64($values) => $body,
            $crate::column::Flat::I128($values) => $body,
            $crate::column::Flat::F32($values) => $body,
            $crate::column::Flat::F64($values) => $body,
            $other => $rest,
        }
    };
}
