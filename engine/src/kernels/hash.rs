//! Hashes of rows for grouping, joining and distinct: fast, seeded by nothing, never stored.
//!
//! Invariant: rows that compare equal hash equal, whatever the representation; -0.0 hashes as 0.0
//! and every NaN alike.

use crate::column::{Column, Flat};
use crate::with_native;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let wide = u128::from(state ^ SEED) * u128::from(word ^ 0xA076_1D64_78BD_642F);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Folds the hash of each row of `column` into `hashes` (one per row; start them at zero).
pub fn hash_into(column: &Column, hashes: &mut [u64]) {
    match column {
        Column::Flat(f) => hash_flat(f, hashes),
        Column::Const { value, .. } => {
            let one = entry_hashes(value)[0];
            hashes.iter_mut().for_each(|h| *h = mix(*h, one));
        }
        Column::Dict(d) => {
            let entries = entry_hashes(d.dict());
            for (h, &code) in hashes.iter_mut().zip(d.codes()) {
                *h = mix(*h, entries[code as usize]);
            }
        }
    }
}

/// The hash of each row over all `columns`.
pub fn hash_rows(columns: &[Column], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0; rows];
    columns.iter().for_each(|c| hash_into(c, &mut hashes));
    hashes
}

fn hash_flat(flat: &Flat, hashes: &mut [u64]) {
    for (h, e) in hashes.iter_mut().zip(entry_hashes(flat)) {
        *h = mix(*h, e);
    }
}

fn entry_hashes(flat: &Flat) -> Vec<u64> {
    trait Word: Copy {
        fn word(self) -> u64;
    }
    macro_rules! words {
        ($($ty:ty),*) => { $(impl Word for $ty { #[inline] fn word(self) -> u64 { self as u64 } })* };
    }
    words!(u8, u16, u32, u64, i8, i16, i32, i64);
    impl Word for u128 {
        #[inline]
        fn word(self) -> u64 {
            mix(self as u64, (self >> 64) as u64)
        }
    }
    impl Word for i128 {
        #[inline]
        fn word(self) -> u64 {
            (self as u128).word()
        }
    }
    impl Word for f64 {
        #[inline]
        fn word(self) -> u64 {
            if self == 0.0 {
                0
            } else if self.is_nan() {
                u64::MAX
            } else {
                self.to_bits()
            }
        }
    }
    impl Word for f32 {
        #[inline]
        fn word(self) -> u64 {
            f64::from(self).word()
        }
    }
    with_native!(flat, |v| v.iter().map(|x| mix(0, x.word())).collect(), other => match other {
        Flat::Nullable(n) => {
            let mut values = entry_hashes(n.values());
            for (h, &null) in values.iter_mut().zip(n.nulls()) {
                *h = if null != 0 { SEED } else { *h };
            }
            values
        }
        Flat::Array(a) => {
            let elements = column_hashes(a.elements());
            (0..a.len())
                .map(|i| {
                    let (s, e) = a.bounds(i);
                    elements[s..e].iter().fold(mix(1, (e - s) as u64), |h, x| mix(h, *x))
                })
                .collect()
        }
        Flat::Tuple(columns, len) => {
            let mut out = vec![2; *len];
            columns.iter().for_each(|c| hash_into(c, &mut out));
            out
        }
        Flat::Nothing(len) => vec![SEED; *len],
        strings => (0..strings.len()).map(|i| hash_bytes(strings.bytes_at(i))).collect(),
    })
}

fn column_hashes(column: &Column) -> Vec<u64> {
    hash_rows(std::slice::from_ref(column), column.len())
}

/// Hash of one byte string.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
