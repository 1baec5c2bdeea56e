//! Hashes of 128 bits, as FixedString(16).
//!
//! Invariant: the bytes are in the order that `hex` of ClickHouse's answer shows.

use std::hash::Hasher;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::any::{values, wide_bytes};
use super::murmur;
use crate::functions::library::kit::f;
use crate::functions::{Arg, BoundFunction, ScalarFunction};
use roost_engine::with_native;

const CATEGORY: &str = "hash";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "sipHash128(x, ...)",
        "SipHash-2-4 with 128 bits, folded as ClickHouse does.",
        ("hex(sipHash128('abc'))", "B6B415A2DA966B6C685A65E54C12A353"),
        |a, _| bind(a, sip128),
    ),
    f(
        CATEGORY,
        "murmurHash3_128(x)",
        "MurmurHash3, 128 bits.",
        (
            "hex(murmurHash3_128('abc'))",
            "6778AD3F3F3F96B4522DCA264174A23B",
        ),
        |a, _| bind(a, murmur128),
    ),
];

type Hash = fn(&[u8]) -> [u8; 16];

/// ClickHouse folds the four words of the state into two before it hands them out.
fn sip128(bytes: &[u8]) -> [u8; 16] {
    let mut state = Sip::default();
    state.write(bytes);
    state.finish()
}

fn murmur128(bytes: &[u8]) -> [u8; 16] {
    let (low, high) = murmur::murmur3_128(bytes);
    let mut out = [0u8; 16];
    out[..8].copy_from_slice(&low.to_le_bytes());
    out[8..].copy_from_slice(&high.to_le_bytes());
    out
}

/// SipHash-2-4 with ClickHouse's own end: `v0 ^ v1` and `v2 ^ v3` after the finishing rounds.
struct Sip {
    v: [u64; 4],
}

impl Default for Sip {
    fn default() -> Self {
        Sip {
            v: [
                0x736f_6d65_7073_6575,
                0x646f_7261_6e64_6f6d,
                0x6c79_6765_6e65_7261,
                0x7465_6462_7974_6573,
            ],
        }
    }
}

impl Sip {
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.v;
        *v0 = v0.wrapping_add(*v1);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v3);
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.wrapping_add(*v3);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.wrapping_add(*v1);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }

    fn word(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.round();
        self.v[0] ^= word;
    }

    fn write(&mut self, bytes: &[u8]) {
        let chunks = bytes.chunks_exact(8);
        let tail = chunks.remainder();
        for chunk in chunks {
            let mut fixed = [0u8; 8];
            fixed.copy_from_slice(chunk);
            self.word(u64::from_le_bytes(fixed));
        }
        let mut last = [0u8; 8];
        last[..tail.len()].copy_from_slice(tail);
        last[7] = bytes.len() as u8;
        self.word(u64::from_le_bytes(last));
    }

    fn finish(mut self) -> [u8; 16] {
        self.v[2] ^= 0xff;
        (0..4).for_each(|_| self.round());
        let mut out = [0u8; 16];
        out[..8].copy_from_slice(&(self.v[0] ^ self.v[1]).to_le_bytes());
        out[8..].copy_from_slice(&(self.v[2] ^ self.v[3]).to_le_bytes());
        out
    }
}

fn bind(args: &[Arg], hash: Hash) -> Result<BoundFunction> {
    let types: Vec<DataType> = args.iter().map(|a| a.ty.value_type().clone()).collect();
    if let Some(ty) = types.iter().find(|t| {
        matches!(
            t,
            DataType::Array(_) | DataType::Tuple(_) | DataType::Map(..)
        )
    }) {
        bail!(NOT_IMPLEMENTED, "a 128-bit hash of {ty} is not implemented");
    }
    Ok(BoundFunction::new(
        DataType::FixedString(16),
        move |columns, rows| {
            let mut all: Vec<[u8; 16]> = Vec::new();
            for (column, ty) in columns.iter().zip(&types) {
                let hashes = plain(&values(column).to_flat(), ty, hash);
                match all.is_empty() {
                    true => all = hashes,
                    false => all
                        .iter_mut()
                        .zip(hashes)
                        .for_each(|(a, b)| *a = combined(hash, a, &b)),
                }
            }
            all.resize(rows, [0; 16]);
            Ok(Column::Flat(Flat::Fixed {
                width: 16,
                data: all.concat().into(),
            }))
        },
    ))
}

fn combined(hash: Hash, a: &[u8; 16], b: &[u8; 16]) -> [u8; 16] {
    let mut both = [0u8; 32];
    both[..16].copy_from_slice(a);
    both[16..].copy_from_slice(b);
    hash(&both)
}

fn plain(flat: &Flat, ty: &DataType, hash: Hash) -> Vec<[u8; 16]> {
    use roost_engine::column::Native;
    fn numbers<T: Native>(values: &[T], hash: Hash) -> Vec<[u8; 16]> {
        let mut bytes = Vec::with_capacity(16);
        values
            .iter()
            .map(|v| {
                bytes.clear();
                v.write_le(&mut bytes);
                hash(&bytes)
            })
            .collect()
    }
    match flat {
        Flat::U128(v) => v.iter().map(|x| hash(&wide_bytes(*x, ty))).collect(),
        other => with_native!(other, |v| numbers(v, hash), strings => {
            (0..strings.len()).map(|i| hash(strings.bytes_at(i))).collect()
        }),
    }
}

/// The reference's own 128 bits.
pub(super) fn sip128_reference(bytes: &[u8]) -> [u8; 16] {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(bytes);
    hasher.finish128().as_bytes()
}
