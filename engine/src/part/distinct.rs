//! An estimate of how many different values a column has: HyperLogLog over row hashes.
//!
//! Invariant: the same rows give the same estimate, in any order and any representation.

use crate::column::{Column, Flat};
use crate::format::Word;
use crate::kernels::hash::hash_into;
use crate::kernels::take::take_flat;
use crate::with_native;

const INDEX_BITS: u32 = 12;
const REGISTERS: usize = 1 << INDEX_BITS;

/// Counts different values, about 2 % off.
#[derive(Debug, Clone)]
pub struct DistinctCounter {
    registers: Vec<u8>,
}

impl Default for DistinctCounter {
    fn default() -> Self {
        DistinctCounter {
            registers: vec![0; REGISTERS],
        }
    }
}

impl DistinctCounter {
    /// Adds the rows of a column; NULL counts as one value.
    pub fn add(&mut self, column: &Column) {
        match column {
            Column::Flat(flat) => self.add_rows(flat),
            Column::Const { value, len } if *len > 0 => self.add_rows(value),
            Column::Const { .. } => {}
            Column::Dict(d) => {
                let mut used = vec![false; d.dict().len()];
                d.codes().iter().for_each(|c| used[*c as usize] = true);
                let entries = (0..used.len() as u32).filter(|i| used[*i as usize]);
                self.add_rows(&take_flat(d.dict(), &entries.collect::<Vec<u32>>()));
            }
        }
    }

    fn add_rows(&mut self, flat: &Flat) {
        let (nulls, values) = flat.split_nulls();
        if nulls.is_some_and(|mask| mask.iter().any(|m| *m != 0)) {
            self.insert(0);
        }
        with_native!(values, |v| self.add_numbers(v, nulls), other => {
            let mut hashes = vec![0; other.len()];
            hash_into(&Column::Flat(other.clone()), &mut hashes);
            self.add_hashes(hashes.into_iter(), nulls);
        });
    }

    fn add_numbers<T: Word>(&mut self, values: &[T], nulls: Option<&[u8]>) {
        let hash = |v: &T| {
            let bits = v.bits();
            (bits as u64 ^ ((bits >> 64) as u64).rotate_left(32)).wrapping_add(1)
        };
        self.add_hashes(values.iter().map(hash), nulls);
    }

    fn add_hashes(&mut self, hashes: impl Iterator<Item = u64>, nulls: Option<&[u8]>) {
        match nulls {
            None => hashes.for_each(|h| self.insert(h)),
            Some(mask) => {
                hashes
                    .zip(mask)
                    .filter(|(_, m)| **m == 0)
                    .for_each(|(h, _)| self.insert(h));
            }
        }
    }

    #[inline]
    fn insert(&mut self, hash: u64) {
        // Numbers come as they are: spread them over all bits.
        let wide = u128::from(hash ^ 0xA076_1D64_78BD_642F) * 0x9E37_79B9_7F4A_7C15;
        let hash = ((wide as u64) ^ ((wide >> 64) as u64)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let register = (hash >> (64 - INDEX_BITS)) as usize;
        let rank = ((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))).leading_zeros() as u8 + 1;
        self.registers[register] = self.registers[register].max(rank);
    }

    /// About how many different values were added.
    pub fn estimate(&self) -> u64 {
        let m = REGISTERS as f64;
        let sum: f64 = self
            .registers
            .iter()
            .map(|r| 0.5f64.powi(i32::from(*r)))
            .sum();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let empty = self.registers.iter().filter(|r| **r == 0).count();
        let small = raw <= 2.5 * m && empty > 0;
        let estimate = if small {
            m * (m / empty as f64).ln()
        } else {
            raw
        };
        estimate.round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_close() {
        for n in [0u64, 1, 10, 1000, 50_000, 300_000] {
            let mut counter = DistinctCounter::default();
            counter.add(&Column::native((0..n).collect::<Vec<u64>>()));
            counter.add(&Column::native((0..n / 2).collect::<Vec<u64>>()));
            let mut spaced = DistinctCounter::default();
            spaced.add(&Column::native(
                (0..n as i64).map(|i| i << 32).collect::<Vec<i64>>(),
            ));
            let (low, high) = (n - n / 20, n + n / 20);
            for estimate in [counter.estimate(), spaced.estimate()] {
                assert!((low..=high).contains(&estimate), "{n}: {estimate}");
            }
        }
    }
}
