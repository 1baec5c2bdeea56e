//! Cyclic redundancy checks of strings.
//!
//! Invariant: one table per polynomial, made at compile time.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::library::kit::{f, text_nums};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "hash";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "CRC32(s)",
        "The checksum of zlib.",
        ("CRC32('abc')", "891568578"),
        bind_crc32,
    )
    .any_case(),
    f(
        CATEGORY,
        "CRC32IEEE(s)",
        "The checksum with zlib's polynomial that starts and ends plain.",
        ("CRC32IEEE('abc')", "3395655888"),
        bind_ieee,
    )
    .any_case(),
    f(
        CATEGORY,
        "CRC64(s)",
        "The 64-bit checksum with the ECMA polynomial.",
        ("CRC64('abc')", "14276787454831668577"),
        bind_crc64,
    )
    .any_case(),
];

const fn table32() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

const fn table64() -> [u64; 256] {
    let mut table = [0u64; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 {
                (crc >> 1) ^ 0xC96C_5795_D787_0F42
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

static TABLE32: [u32; 256] = table32();
static TABLE64: [u64; 256] = table64();

fn crc32(start: u32, text: &[u8]) -> u32 {
    text.iter().fold(start, |crc, b| {
        TABLE32[usize::from(crc as u8 ^ b)] ^ (crc >> 8)
    })
}

fn bind_crc32(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    text_nums(args, DataType::UInt32, |text| !crc32(u32::MAX, text))
}

fn bind_ieee(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    text_nums(args, DataType::UInt32, |text| crc32(0, text))
}

fn bind_crc64(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    text_nums(args, DataType::UInt64, |text| {
        text.iter().fold(0u64, |crc, b| {
            TABLE64[usize::from(crc as u8 ^ b)] ^ (crc >> 8)
        })
    })
}
