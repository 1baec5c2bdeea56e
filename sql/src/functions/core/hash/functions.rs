//! The hash functions that take any arguments.
//!
//! Invariant: one [`AnyHash`] each.

use std::hash::Hasher;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;
use siphasher::sip::SipHasher24;

use super::any::AnyHash;
use super::{hash128_to_64, murmur};
use crate::functions::library::kit::f;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const CATEGORY: &str = "hash";

/// The hash of no arguments at all.
const NOTHING: u64 = 16_324_913_028_386_710_556;

pub(super) const CITY: AnyHash = AnyHash {
    bytes: naive_cityhash::cityhash64,
    combine: hash128_to_64,
    mixes_numbers: true,
    narrow: false,
    nothing: NOTHING,
};

fn of_both(bytes: fn(&[u8]) -> u64, a: u64, b: u64) -> u64 {
    let mut both = [0u8; 16];
    both[..8].copy_from_slice(&a.to_le_bytes());
    both[8..].copy_from_slice(&b.to_le_bytes());
    bytes(&both)
}

pub(super) fn sip(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(bytes);
    hasher.finish()
}

const SIP: AnyHash = by_bytes(sip, |a, b| of_both(sip, a, b), false);
const XX32: AnyHash = by_bytes(
    |b| u64::from(xxhash_rust::xxh32::xxh32(b, 0)),
    |a, b| u64::from(super::int_hash32(a)) ^ b,
    true,
);
const XX64: AnyHash = by_bytes(|b| xxhash_rust::xxh64::xxh64(b, 0), hash128_to_64, false);
const XX3: AnyHash = by_bytes(xxhash_rust::xxh3::xxh3_64, hash128_to_64, false);
const MURMUR2_32: AnyHash = by_bytes(
    |b| u64::from(murmur::murmur2_32(b)),
    |a, b| u64::from(super::int_hash32(a)) ^ b,
    true,
);
const MURMUR2_64: AnyHash = by_bytes(
    |b| murmur::murmur2_64(b, 0),
    |a, b| super::int_hash64(a) ^ b,
    false,
);
const GCC_MURMUR: AnyHash = by_bytes(
    |b| murmur::murmur2_64(b, 0xc70f_6907),
    |a, b| super::int_hash64(a) ^ b,
    false,
);
const MURMUR3_32: AnyHash = by_bytes(
    |b| u64::from(murmur::murmur3_32(b)),
    |a, b| u64::from(super::int_hash32(a)) ^ b,
    true,
);
const MURMUR3_64: AnyHash = by_bytes(murmur::murmur3_64, |a, b| super::int_hash64(a) ^ b, false);
const HALF_MD5: AnyHash = by_bytes(half_md5, |a, b| of_both(half_md5, a, b), false);

fn half_md5(bytes: &[u8]) -> u64 {
    use md5::{Digest, Md5};
    let digest = Md5::digest(bytes);
    digest[..8].iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

const fn by_bytes(bytes: fn(&[u8]) -> u64, combine: fn(u64, u64) -> u64, narrow: bool) -> AnyHash {
    AnyHash {
        bytes,
        combine,
        mixes_numbers: false,
        narrow,
        nothing: NOTHING,
    }
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "cityHash64(x, ...)",
        "CityHash 1.0.2 of any values.",
        ("cityHash64('abc')", "4220206313085259313"),
        |a, _| bind(a, CITY),
    ),
    f(
        CATEGORY,
        "sipHash64(x, ...)",
        "SipHash-2-4 of any values.",
        ("sipHash64('abc')", "4596069200710135518"),
        |a, _| bind(a, SIP),
    ),
    f(
        CATEGORY,
        "xxHash32(x, ...)",
        "xxHash, 32 bits.",
        ("xxHash32('abc')", "852579327"),
        |a, _| bind(a, XX32),
    ),
    f(
        CATEGORY,
        "xxHash64(x, ...)",
        "xxHash, 64 bits.",
        ("xxHash64('abc')", "4952883123889572249"),
        |a, _| bind(a, XX64),
    ),
    f(
        CATEGORY,
        "xxh3(x, ...)",
        "XXH3, 64 bits.",
        ("xxh3('abc')", "8696274497037089104"),
        |a, _| bind(a, XX3),
    ),
    f(
        CATEGORY,
        "murmurHash2_32(x, ...)",
        "MurmurHash2, 32 bits.",
        ("murmurHash2_32('abc')", "324500635"),
        |a, _| bind(a, MURMUR2_32),
    ),
    f(
        CATEGORY,
        "murmurHash2_64(x, ...)",
        "MurmurHash2, 64 bits.",
        ("murmurHash2_64('abc')", "11297775770902552315"),
        |a, _| bind(a, MURMUR2_64),
    ),
    f(
        CATEGORY,
        "gccMurmurHash(x, ...)",
        "MurmurHash2 with GCC's seed.",
        ("gccMurmurHash('abc')", "3663726644998027833"),
        |a, _| bind(a, GCC_MURMUR),
    ),
    f(
        CATEGORY,
        "murmurHash3_32(x, ...)",
        "MurmurHash3, 32 bits.",
        ("murmurHash3_32('abc')", "3017643002"),
        |a, _| bind(a, MURMUR3_32),
    ),
    f(
        CATEGORY,
        "murmurHash3_64(x, ...)",
        "MurmurHash3, 64 bits.",
        ("murmurHash3_64('abc')", "10318955651176813877"),
        |a, _| bind(a, MURMUR3_64),
    ),
    f(
        CATEGORY,
        "halfMD5(x, ...)",
        "The first half of MD5 as a number.",
        ("halfMD5('abc')", "10376663631224000432"),
        |a, _| bind(a, HALF_MD5),
    ),
];

fn bind(args: &[Arg], hash: AnyHash) -> Result<BoundFunction> {
    let types: Vec<DataType> = args.iter().map(|a| a.ty.clone()).collect();
    if hash.narrow {
        return Ok(BoundFunction::new(
            DataType::UInt32,
            move |columns, rows| {
                let hashes = hash.rows(columns, &types, rows)?;
                Ok(Column::native(
                    hashes.into_iter().map(|h| h as u32).collect(),
                ))
            },
        ));
    }
    Ok(BoundFunction::new(
        DataType::UInt64,
        move |columns, rows| Ok(Column::native(hash.rows(columns, &types, rows)?)),
    ))
}
