//! Taking out of a slice the values whose row does not stand.
//!
//! Invariant: values only move towards the front, past none that is still to be read, so they are
//! moved in place; what stands behind the last kept value is anything.

use super::mask::{Mask, WORD_ROWS};
use crate::column::Native;

/// Of `values` from `start` on keeps those whose row stands; `mask` has as many rows.
pub fn squeeze<T: Native>(values: &mut Vec<T>, start: usize, mask: &Mask) {
    let rows = values.get_mut(start..).unwrap_or(&mut []);
    let kept = squeeze_slice(rows, mask.words());
    values.truncate(start + kept);
}

/// Moves the rows that stand to the front; their number.
fn squeeze_slice<T: Native>(rows: &mut [T], words: &[u64]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && size_of::<T>() <= 8 {
        // SAFETY: the processor has AVX2.
        return unsafe { wide::squeeze_slice(rows, words) };
    }
    squeeze_with(rows, words, |rows, from, to, byte| {
        if let Some(eight) = rows.get(from..from + PLACES)
            && let Ok(eight) = <[T; PLACES]>::try_from(eight)
        {
            let places = &SET_BITS[byte as usize];
            for (to, place) in rows[to..to + PLACES].iter_mut().zip(places) {
                *to = eight[*place as usize % PLACES];
            }
        }
    })
}

/// `step(rows, from, to, byte)` moves those of the eight rows at `from` whose bit in `byte` is set
/// to `to`, which is not behind `from`; it may write eight rows there.
#[inline(always)]
fn squeeze_with<T: Native>(
    rows: &mut [T],
    words: &[u64],
    mut step: impl FnMut(&mut [T], usize, usize, u8),
) -> usize {
    let (mut at, mut n) = (0, 0);
    for &word in words {
        if at + WORD_ROWS > rows.len() {
            break;
        }
        if word == u64::MAX {
            if n < at {
                rows.copy_within(at..at + WORD_ROWS, n);
            }
            n += WORD_ROWS;
        } else {
            for (i, byte) in word.to_le_bytes().into_iter().enumerate() {
                step(rows, at + i * PLACES, n, byte);
                n += COUNTS[byte as usize] as usize;
            }
        }
        at += WORD_ROWS;
    }
    // The last rows, which fill no word.
    let last = words.get(at / WORD_ROWS).copied().unwrap_or(0);
    for bit in (0..rows.len() - at.min(rows.len())).filter(|bit| (last >> bit) & 1 == 1) {
        rows[n] = rows[at + bit];
        n += 1;
    }
    n
}

/// Rows that are moved together.
pub(super) const PLACES: usize = 8;

/// The places of the set bits of every byte, then anything.
pub(super) const SET_BITS: [[u8; PLACES]; 256] = {
    let mut table = [[0; PLACES]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut n) = (0, 0);
        while bit < PLACES {
            if (byte >> bit) & 1 == 1 {
                table[byte][n] = bit as u8;
                n += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// How many bits of every byte are set.
pub(super) const COUNTS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte: usize = 0;
    while byte < 256 {
        table[byte] = byte.count_ones() as u8;
        byte += 1;
    }
    table
};

/// The same with AVX2, which moves eight values by one permutation (two for eight bytes each): where
/// nearly every word has rows of both kinds, a query with FINAL spent a third of its time here.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi16, _mm_cvtepu8_epi16, _mm_loadl_epi64, _mm_loadu_si128,
        _mm_mullo_epi16, _mm_set1_epi16, _mm_shuffle_epi8, _mm_storel_epi64, _mm_storeu_si128,
        _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_permutevar8x32_epi32, _mm256_storeu_si256,
    };

    use super::{COUNTS, Native, PLACES, SET_BITS, squeeze_with};

    /// For each number of four bits, where the halves of its values of eight bytes stand.
    const HALVES: [[u32; 8]; 16] = {
        let mut table = [[0; 8]; 16];
        let mut bits = 0;
        while bits < 16 {
            let mut n = 0;
            while n < 4 {
                let place = SET_BITS[bits][n] as u32;
                table[bits][2 * n] = 2 * place;
                table[bits][2 * n + 1] = 2 * place + 1;
                n += 1;
            }
            bits += 1;
        }
        table
    };

    #[target_feature(enable = "avx2")]
    pub(super) fn squeeze_slice<T: Native>(rows: &mut [T], words: &[u64]) -> usize {
        squeeze_with(rows, words, |rows, from, to, byte| {
            if from + PLACES > rows.len() || to > from {
                return;
            }
            let base = rows.as_mut_ptr();
            let places = SET_BITS[byte as usize].as_ptr();
            // SAFETY: eight values from `from` on are there, and from `to` on, which is not behind
            // it; numbers have no bytes that are not theirs, and any bytes are a number. Eight places
            // are read from an entry of the table that has eight.
            unsafe {
                let (source, target) = (base.add(from), base.add(to));
                match size_of::<T>() {
                    1 => {
                        let values = _mm_loadl_epi64(source.cast::<__m128i>());
                        let places = _mm_loadl_epi64(places.cast::<__m128i>());
                        _mm_storel_epi64(target.cast(), _mm_shuffle_epi8(values, places));
                    }
                    2 => {
                        let values = _mm_loadu_si128(source.cast::<__m128i>());
                        // The two bytes of place p are 2 p and 2 p + 1.
                        let places = _mm_cvtepu8_epi16(_mm_loadl_epi64(places.cast::<__m128i>()));
                        let places = _mm_mullo_epi16(places, _mm_set1_epi16(0x0202));
                        let places = _mm_add_epi16(places, _mm_set1_epi16(0x0100));
                        _mm_storeu_si128(target.cast(), _mm_shuffle_epi8(values, places));
                    }
                    4 => {
                        let values = _mm256_loadu_si256(source.cast::<__m256i>());
                        let places = _mm_loadl_epi64(places.cast::<__m128i>());
                        let places = _mm256_cvtepu8_epi32(places);
                        let moved = _mm256_permutevar8x32_epi32(values, places);
                        _mm256_storeu_si256(target.cast(), moved);
                    }
                    8 => {
                        let (low, high) = (byte & 15, byte >> 4);
                        let four = |source: *const T, bits: u8| {
                            let values = _mm256_loadu_si256(source.cast::<__m256i>());
                            let places = HALVES[bits as usize].as_ptr();
                            let places = _mm256_loadu_si256(places.cast::<__m256i>());
                            _mm256_permutevar8x32_epi32(values, places)
                        };
                        let first = four(source, low);
                        let second = four(source.add(4), high);
                        _mm256_storeu_si256(target.cast(), first);
                        let target = target.add(COUNTS[low as usize] as usize);
                        _mm256_storeu_si256(target.cast(), second);
                    }
                    _ => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of which some words stand whole, some not at all, and some are mixed.
    fn mask(rows: usize) -> (Mask, Vec<u32>) {
        let wanted = |row: &u32| match row / 64 % 5 {
            0 => true,
            1 => false,
            _ => u64::from(*row).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 61 > 1,
        };
        let (kept, dropped): (Vec<u32>, Vec<u32>) = (0..rows as u32).partition(wanted);
        (Mask::all(rows).without(&dropped), kept)
    }

    #[test]
    fn values_are_squeezed_in_place() {
        fn check<T: Native + PartialEq + std::fmt::Debug>(make: impl Fn(u32) -> T) {
            for rows in [0, 1, 7, 8, 63, 64, 65, 300, 1000] {
                let (mask, kept) = mask(rows);
                let all: Vec<T> = (0..3).chain(0..rows as u32).map(&make).collect();
                let expected: Vec<T> = (0..3).chain(kept).map(&make).collect();
                let mut values = all.clone();
                squeeze(&mut values, 3, &mask);
                assert_eq!(values, expected, "{rows} rows");
            }
        }
        check(|r| (r * 7) as u8);
        check(|r| (r * 7) as i16);
        check(|r| r * 7);
        check(|r| u64::from(r) << 33 | 1);
        check(|r| i128::from(r) << 70);
        check(|r| f64::from(r) / 3.0);
        check(|r| r as f32);
    }
}
