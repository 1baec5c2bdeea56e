//! `quantileDeterministic`: the sample is chosen by hashes of a second argument.
//!
//! Invariant: the same rows give the same answer in any order: a row stays while the hash of its
//! determinator has enough low zero bits.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{Levels, from_doubles, interpolate, interpolated_type};
use crate::functions::Aggregate;
use crate::functions::aggregates::bytes::{Reader, put_varint};
use crate::functions::aggregates::numbers::{doubles, flat_of};
use crate::functions::aggregates::states::{Fold, Folded, Groups};
use crate::functions::aggregates::uniq_hash::{int_hash64, row_words};

const SAMPLES_MAX: usize = 8192;

pub(super) fn bind(ty: &DataType, _: Option<&DataType>, levels: Levels) -> Arc<dyn Aggregate> {
    Folded::aggregate(Deterministic {
        answer: interpolated_type(ty),
        levels,
    })
}

#[derive(Debug)]
struct Deterministic {
    answer: DataType,
    levels: Levels,
}

#[derive(Debug, Clone, Default)]
struct Sample {
    skip_bits: u32,
    rows: Vec<(f64, u32)>,
}

impl Sample {
    fn insert(&mut self, value: f64, hash: u32) {
        if value.is_nan() || (self.skip_bits > 0 && hash.trailing_zeros() < self.skip_bits) {
            return;
        }
        self.rows.push((value, hash));
        while self.rows.len() > SAMPLES_MAX && self.skip_bits < 32 {
            self.skip_to(self.skip_bits + 1);
        }
    }

    fn skip_to(&mut self, bits: u32) {
        self.skip_bits = bits;
        self.rows.retain(|row| row.1.trailing_zeros() >= bits);
    }
}

impl Fold for Deterministic {
    type State = Sample;

    fn return_type(&self) -> DataType {
        self.levels.answer(self.answer.clone())
    }

    fn update(&self, states: &mut [Sample], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        let values = doubles(&flat, &DataType::Float64)?;
        let words = row_words(&args[1..], values.len());
        for (row, (&value, word)) in values.iter().zip(words).enumerate() {
            states[groups.at(row)].insert(value, int_hash64(word) as u32);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Sample, from: &Sample) -> Result<()> {
        if from.skip_bits > into.skip_bits {
            into.skip_to(from.skip_bits);
        }
        from.rows
            .iter()
            .for_each(|&(value, hash)| into.insert(value, hash));
        Ok(())
    }

    fn finish(&self, states: &mut [Sample]) -> Result<Column> {
        let mut out = Vec::with_capacity(states.len() * self.levels.levels.len());
        for state in states.iter() {
            let mut values: Vec<f64> = state.rows.iter().map(|r| r.0).collect();
            values.sort_unstable_by(f64::total_cmp);
            out.extend(self.levels.levels.iter().map(|&l| interpolate(&values, l)));
        }
        self.levels
            .column(from_doubles(&self.answer, out)?, states.len())
    }

    fn write(&self, state: &Sample, out: &mut Vec<u8>) {
        out.push(state.skip_bits as u8);
        put_varint(out, state.rows.len() as u64);
        for (value, hash) in &state.rows {
            out.extend_from_slice(&value.to_le_bytes());
            out.extend_from_slice(&hash.to_le_bytes());
        }
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Sample> {
        let skip_bits = u32::from(bytes.byte()?).min(32);
        let mut sample = Sample {
            skip_bits,
            rows: Vec::new(),
        };
        for _ in 0..bytes.count(12)? {
            let (value, hash) = (bytes.number()?, bytes.number()?);
            sample.insert(value, hash);
        }
        Ok(sample)
    }

    fn heap_bytes(&self, state: &Sample) -> usize {
        state.rows.capacity() * 16
    }
}
