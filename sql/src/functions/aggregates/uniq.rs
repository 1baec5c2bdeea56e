//! `uniq`: the number of different values by adaptive sampling of their hashes.
//!
//! A set keeps 32-bit hashes; when there are more than 65536, only those divisible by the next
//! power of two stay. Up to 65536 different values the count is exact up to hash collisions.
//!
//! Invariant: the answer depends only on the set of values seen, not on order or splits, and is
//! ClickHouse's for numbers, strings and combinations of them; for the rest it is within the same
//! error.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, put_varint};
use super::check::{doc, no_parameters};
use super::states::{Fold, Folded, Groups};
use super::uniq_hash::{combined, row_hashes};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[AggregateFunction::new(
    "uniq",
    bind,
    doc(
        "uniq(x, ...)",
        "Approximate number of different values or combinations of values.",
        "uniq(number % 3) FROM numbers(10)",
        "3",
    ),
)
.never_null()];

fn bind(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("uniq", parameters)?;
    if arguments.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of arguments for aggregate function uniq: expected at least one"
        );
    }
    let by_bytes = matches!(arguments, [DataType::Decimal(..)]);
    Ok(Folded::aggregate(Uniq { by_bytes }))
}

const HASHES_MAX: usize = 1 << 16;

/// Hashes that passed the sampling, in an open table; zero is kept apart.
#[derive(Debug, Clone, Default)]
struct Sample {
    /// A power of two of slots, zero where free.
    slots: Vec<u32>,
    len: usize,
    zero: bool,
    /// Only hashes with this many low zero bits are kept.
    skip_bits: u32,
}

impl Sample {
    #[inline]
    fn insert(&mut self, hash: u32) {
        if self.skip_bits > 0 && hash.trailing_zeros() < self.skip_bits {
            return;
        }
        if hash == 0 {
            self.len += usize::from(!self.zero);
            self.zero = true;
        } else {
            if self.slots.is_empty() {
                self.slots.resize(16, 0);
            }
            if !place(&mut self.slots, hash) {
                return;
            }
            self.len += 1;
        }
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        let kept = |hash: u32, skip: u32| hash != 0 && hash.trailing_zeros() >= skip;
        let mut capacity = old.len() * 2;
        while self.len > HASHES_MAX {
            self.skip_bits += 1;
            let skip = self.skip_bits;
            self.len = old.iter().filter(|&&h| kept(h, skip)).count() + usize::from(self.zero);
            capacity = old.len();
        }
        self.slots.resize(capacity.max(16), 0);
        for hash in old.into_iter().filter(|&h| kept(h, self.skip_bits)) {
            place(&mut self.slots, hash);
        }
    }

    fn merge(&mut self, other: &Sample) {
        if other.skip_bits > self.skip_bits {
            let mut mine = Sample {
                skip_bits: other.skip_bits,
                ..Sample::default()
            };
            self.hashes().for_each(|h| mine.insert(h));
            *self = mine;
        }
        other.hashes().for_each(|h| self.insert(h));
    }

    fn hashes(&self) -> impl Iterator<Item = u32> + '_ {
        let zero = self.zero.then_some(0);
        zero.into_iter()
            .chain(self.slots.iter().copied().filter(|&h| h != 0))
    }

    fn estimate(&self) -> u64 {
        if self.skip_bits == 0 {
            return self.len as u64;
        }
        // The low bits that sampling cannot know are filled pseudo-randomly, then the collisions of
        // 32-bit hashes are corrected for.
        let noise = u64::from(crc32c_of(self.len as u64)) & ((1 << self.skip_bits) - 1);
        let sampled = ((self.len as u64) << self.skip_bits) + noise;
        let space = (1u64 << 32) as f64;
        (space * (space.ln() - (space - sampled as f64).ln())).round() as u64
    }
}

/// Finds the hash's slot; whether it was new.
#[inline]
fn place(slots: &mut [u32], hash: u32) -> bool {
    let mask = slots.len() - 1;
    let mut at = (hash >> 15) as usize & mask;
    loop {
        match slots[at] {
            0 => {
                slots[at] = hash;
                return true;
            }
            found if found == hash => return false,
            _ => at = (at + 1) & mask,
        }
    }
}

/// CRC32C of the eight bytes, from all ones, without a final inversion.
fn crc32c_of(value: u64) -> u32 {
    let mut crc = u32::MAX;
    for byte in value.to_le_bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    crc
}

#[derive(Debug)]
struct Uniq {
    /// Whether the bytes of a number are hashed, not the number.
    by_bytes: bool,
}

impl Fold for Uniq {
    type State = Sample;

    fn return_type(&self) -> DataType {
        DataType::UInt64
    }

    fn update(&self, states: &mut [Sample], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let hashes = match self.by_bytes {
            true => combined(args),
            false => row_hashes(args, groups.rows()),
        };
        groups.each(states, &hashes, |s, hash| s.insert(hash as u32));
        Ok(())
    }

    fn merge(&self, into: &mut Sample, from: &Sample) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn finish(&self, states: &mut [Sample]) -> Result<Column> {
        Ok(Column::native(
            states.iter().map(Sample::estimate).collect::<Vec<u64>>(),
        ))
    }

    fn write(&self, state: &Sample, out: &mut Vec<u8>) {
        out.push(state.skip_bits as u8);
        put_varint(out, state.len as u64);
        state
            .hashes()
            .for_each(|h| out.extend_from_slice(&h.to_le_bytes()));
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Sample> {
        let skip_bits = u32::from(bytes.byte()?).min(31);
        let mut sample = Sample {
            skip_bits,
            ..Sample::default()
        };
        for hash in bytes.numbers::<u32>()? {
            sample.insert(hash);
        }
        Ok(sample)
    }

    fn heap_bytes(&self, state: &Sample) -> usize {
        state.slots.capacity() * 4
    }
}
