//! Hash functions, bit-exact with ClickHouse.
//!
//! Invariant: a hash depends on the values only, never on how a column holds them.

mod any;
mod checksums;
mod digests;
mod functions;
mod murmur;
mod single;
mod wide;

use super::super::ScalarFunction;

/// The lists of this folder.
pub(crate) static FAMILIES: [&[ScalarFunction]; 5] = [
    functions::FUNCTIONS,
    wide::FUNCTIONS,
    digests::FUNCTIONS,
    single::FUNCTIONS,
    checksums::FUNCTIONS,
];

/// Mixes 64 bits: MurmurHash3's finisher.
#[inline]
pub(crate) fn mix64(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// ClickHouse's intHash64.
#[inline]
pub(crate) fn int_hash64(x: u64) -> u64 {
    mix64(x ^ 0x4CF2_D2BA_AE6D_A887)
}

/// ClickHouse's intHash32.
#[inline]
pub(crate) fn int_hash32(x: u64) -> u32 {
    let mut key = x ^ 0x75D9_543D_E018_BF45;
    key = (!key).wrapping_add(key << 18);
    key ^= key.rotate_right(31);
    key = key.wrapping_mul(21);
    key ^= key.rotate_right(11);
    key = key.wrapping_add(key << 6);
    key ^= key.rotate_right(22);
    key as u32
}

/// CityHash's way to make one hash of two.
#[inline]
pub(crate) fn hash128_to_64(low: u64, high: u64) -> u64 {
    const MUL: u64 = 0x9ddf_ea08_eb38_2d69;
    let mut a = (low ^ high).wrapping_mul(MUL);
    a ^= a >> 47;
    let mut b = (high ^ a).wrapping_mul(MUL);
    b ^= b >> 47;
    b.wrapping_mul(MUL)
}

#[cfg(test)]
mod tests;
