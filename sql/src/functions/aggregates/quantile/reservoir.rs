//! `quantile`: interpolated, of a reservoir of 8192 values.
//!
//! Invariant: exact and independent of order up to 8192 values; above that the sample is drawn by a
//! fixed generator, so one order of rows always gives one answer.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{Levels, from_doubles, interpolate, interpolated_type};
use crate::functions::Aggregate;
use crate::functions::aggregates::bytes::{Reader, put_numbers, put_varint};
use crate::functions::aggregates::numbers::{doubles, flat_of};
use crate::functions::aggregates::states::{Fold, Folded, Groups};

const SAMPLES_MAX: usize = 8192;

pub(super) fn bind(ty: &DataType, levels: Levels) -> Arc<dyn Aggregate> {
    Folded::aggregate(Quantile {
        answer: interpolated_type(ty),
        levels,
    })
}

#[derive(Debug)]
struct Quantile {
    answer: DataType,
    levels: Levels,
}

#[derive(Debug, Clone)]
struct Reservoir {
    total: u64,
    samples: Vec<f64>,
    random: u64,
}

impl Default for Reservoir {
    fn default() -> Self {
        Reservoir {
            total: 0,
            samples: Vec::new(),
            random: 123_456 | 3,
        }
    }
}

impl Reservoir {
    /// The next number of PCG's XSH-RS 64/32 multiplicative generator.
    fn random(&mut self) -> u32 {
        let state = self.random;
        self.random = state.wrapping_mul(6_364_136_223_846_793_005);
        let shift = 22 + (state >> 61);
        ((state ^ (state >> 22)) >> shift) as u32
    }

    fn below(&mut self, limit: u64) -> u64 {
        if limit <= u64::from(u32::MAX) {
            return u64::from(self.random()) % limit.max(1);
        }
        let high = u64::from(self.random()).wrapping_mul(u64::from(u32::MAX) + 1);
        high.wrapping_add(u64::from(self.random())) % limit
    }

    #[inline]
    fn insert(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.total += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(value);
            return;
        }
        let at = self.below(self.total) as usize;
        if at < SAMPLES_MAX {
            self.samples[at] = value;
        }
    }

    fn merge(&mut self, other: &Reservoir) {
        if other.total <= SAMPLES_MAX as u64 {
            other.samples.iter().for_each(|&v| self.insert(v));
        } else if self.total <= SAMPLES_MAX as u64 {
            let mine = std::mem::replace(&mut self.samples, other.samples.clone());
            self.total = other.total;
            mine.into_iter().for_each(|v| self.insert(v));
        } else {
            // Each of our samples gives way with the other's share of all values.
            self.total = self.total.saturating_add(other.total);
            let step = self.total as f64 / other.total as f64;
            if step * 2.0 >= SAMPLES_MAX as f64 {
                let at = self.below(step as u64) as usize;
                if let (Some(mine), Some(theirs)) =
                    (self.samples.get_mut(at), other.samples.get(at))
                {
                    *mine = *theirs;
                }
                return;
            }
            let mut at = 0.0;
            while (at as usize) < self.samples.len().min(other.samples.len()) {
                self.samples[at as usize] = other.samples[at as usize];
                at += step;
            }
        }
    }
}

impl Fold for Quantile {
    type State = Reservoir;

    fn return_type(&self) -> DataType {
        self.levels.answer(self.answer.clone())
    }

    fn update(&self, states: &mut [Reservoir], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        groups.each(
            states,
            &doubles(&flat, &DataType::Float64)?,
            Reservoir::insert,
        );
        Ok(())
    }

    fn merge(&self, into: &mut Reservoir, from: &Reservoir) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn finish(&self, states: &mut [Reservoir]) -> Result<Column> {
        let mut out = Vec::with_capacity(states.len() * self.levels.levels.len());
        for state in states.iter_mut() {
            state.samples.sort_unstable_by(f64::total_cmp);
            out.extend(
                self.levels
                    .levels
                    .iter()
                    .map(|&l| interpolate(&state.samples, l)),
            );
        }
        self.levels
            .column(from_doubles(&self.answer, out)?, states.len())
    }

    fn write(&self, state: &Reservoir, out: &mut Vec<u8>) {
        put_varint(out, state.total);
        out.extend_from_slice(&state.random.to_le_bytes());
        put_numbers(out, &state.samples);
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Reservoir> {
        let (total, random) = (bytes.varint()?, bytes.number()?);
        let mut samples = bytes.numbers::<f64>()?;
        samples.truncate(SAMPLES_MAX);
        Ok(Reservoir {
            total: total.max(samples.len() as u64),
            samples,
            random,
        })
    }

    fn heap_bytes(&self, state: &Reservoir) -> usize {
        state.samples.capacity() * 8
    }
}
