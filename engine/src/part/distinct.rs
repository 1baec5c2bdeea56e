//! An estimate of how many different values a column has: HyperLogLog over row hashes.
//!
//! Invariant: the same rows give the same estimate, in any order and any representation.

use crate::column::Column;
use crate::kernels::hash::hash_into;

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
            Column::Flat(_) => self.add_rows(column),
            Column::Const { value, len } if *len > 0 => {
                self.add_rows(&Column::Flat(value.as_ref().clone()));
            }
            Column::Const { .. } => {}
            Column::Dict(d) => {
                let mut used = vec![false; d.dict().len()];
                d.codes().iter().for_each(|c| used[*c as usize] = true);
                let mut hashes = vec![0; used.len()];
                hash_into(&Column::Flat(d.dict().as_ref().clone()), &mut hashes);
                hashes
                    .iter()
                    .zip(&used)
                    .filter(|(_, u)| **u)
                    .for_each(|(h, _)| self.insert(*h));
            }
        }
    }

    fn add_rows(&mut self, column: &Column) {
        let mut hashes = vec![0; column.len()];
        hash_into(column, &mut hashes);
        hashes.iter().for_each(|h| self.insert(*h));
    }

    fn insert(&mut self, hash: u64) {
        // Row hashes are made for tables; spread them once more before counting zeros.
        let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
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
            let (low, high) = (n - n / 20, n + n / 20);
            assert!(
                (low..=high).contains(&counter.estimate()),
                "{n}: {}",
                counter.estimate()
            );
        }
    }
}
