//! `quantileTiming`: durations in whole milliseconds, in bounded memory.
//!
//! Up to 5760 values are kept; more become a histogram of 1 ms bins to 1024 ms and 16 ms bins to
//! 30 s. Everything longer counts as 30 s.
//!
//! Invariant: bins, and the jitter of their middle, are ClickHouse's.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::Levels;
use crate::functions::Aggregate;
use crate::functions::aggregates::bytes::{Reader, put_numbers};
use crate::functions::aggregates::numbers::{doubles, flat_of};
use crate::functions::aggregates::states::{Fold, Folded, Groups};

const VALUES_MAX: usize = 5760;
const FINE_MAX: usize = 1024;
const COARSE: usize = 16;
const TIME_MAX: u16 = 30_000;
const BINS: usize = FINE_MAX + (TIME_MAX as usize - FINE_MAX) / COARSE + 1;

pub(super) fn bind(ty: &DataType, weight: Option<&DataType>, levels: Levels) -> Arc<dyn Aggregate> {
    Folded::aggregate(Timing {
        ty: ty.clone(),
        weight: weight.cloned(),
        levels,
    })
}

#[derive(Debug)]
struct Timing {
    ty: DataType,
    weight: Option<DataType>,
    levels: Levels,
}

#[derive(Debug, Clone)]
enum Times {
    Few(Vec<u16>),
    Many(Box<[u64]>),
}

impl Default for Times {
    fn default() -> Self {
        Times::Few(Vec::new())
    }
}

fn bin_of(time: u16) -> usize {
    match usize::from(time) {
        fine if fine < FINE_MAX => fine,
        time => FINE_MAX + (time - FINE_MAX) / COARSE,
    }
}

fn time_of(bin: usize) -> f32 {
    if bin < FINE_MAX {
        return bin as f32;
    }
    if bin == BINS - 1 {
        return f32::from(TIME_MAX);
    }
    let coarse = bin - FINE_MAX;
    let jitter = int_hash32(coarse as u64) as i64 % COARSE as i64 - COARSE as i64 / 2;
    (coarse as i64 * COARSE as i64 + FINE_MAX as i64 + jitter) as f32
}

/// Thomas Wang's 64 to 32 bit mix with rotations.
fn int_hash32(key: u64) -> u32 {
    let mut key = (!key).wrapping_add(key << 18);
    key ^= key.rotate_right(31);
    key = key.wrapping_mul(21);
    key ^= key.rotate_right(11);
    key = key.wrapping_add(key << 6);
    key ^= key.rotate_right(22);
    key as u32
}

impl Times {
    fn bins(&mut self) -> &mut [u64] {
        if let Times::Few(values) = self {
            let mut bins = vec![0u64; BINS].into_boxed_slice();
            values.iter().for_each(|&v| bins[bin_of(v)] += 1);
            *self = Times::Many(bins);
        }
        match self {
            Times::Many(bins) => bins,
            Times::Few(_) => &mut [],
        }
    }

    fn insert(&mut self, time: f64, weight: u64) {
        if time.is_nan() || time < 0.0 {
            return;
        }
        let time = time.min(f64::from(TIME_MAX)) as u16;
        match self {
            Times::Few(values) if values.len() as u64 + weight <= VALUES_MAX as u64 => {
                values.extend(std::iter::repeat_n(time, weight as usize));
            }
            _ => {
                let bin = &mut self.bins()[bin_of(time)];
                *bin = bin.saturating_add(weight);
            }
        }
    }

    fn merge(&mut self, other: &Times) {
        match other {
            Times::Few(values) => values.iter().for_each(|&v| self.insert(v.into(), 1)),
            Times::Many(theirs) => {
                let bins = self.bins().iter_mut();
                bins.zip(theirs.iter())
                    .for_each(|(a, b)| *a = a.saturating_add(*b));
            }
        }
    }

    fn quantiles(&mut self, levels: &[f64], out: &mut Vec<f32>) {
        match self {
            Times::Few(values) if values.is_empty() => out.extend(levels.iter().map(|_| f32::NAN)),
            Times::Few(values) => {
                values.sort_unstable();
                let last = values.len() - 1;
                let place = |l: &f64| ((l * values.len() as f64) as usize).min(last);
                out.extend(levels.iter().map(|l| f32::from(values[place(l)])));
            }
            Times::Many(bins) => {
                let total: u64 = bins.iter().fold(0, |s, b| s.saturating_add(*b));
                for level in levels {
                    let wanted = (total as f64 * level).ceil() as u64;
                    let mut so_far = 0u64;
                    let found = bins.iter().position(|b| {
                        so_far = so_far.saturating_add(*b);
                        so_far >= wanted && so_far > 0
                    });
                    out.push(time_of(found.unwrap_or(BINS - 1)));
                }
            }
        }
    }
}

impl Fold for Timing {
    type State = Times;

    fn return_type(&self) -> DataType {
        self.levels.answer(DataType::Float32)
    }

    fn update(&self, states: &mut [Times], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        let times = doubles(&flat, &self.ty)?;
        match &self.weight {
            None => groups.each(states, &times, |s, t| s.insert(t, 1)),
            Some(ty) => {
                let weights = flat_of(&args[1]);
                for (row, (&t, &w)) in times.iter().zip(doubles(&weights, ty)?.iter()).enumerate() {
                    states[groups.at(row)].insert(t, w as u64);
                }
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Times, from: &Times) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn finish(&self, states: &mut [Times]) -> Result<Column> {
        let mut out = Vec::with_capacity(states.len() * self.levels.levels.len());
        states
            .iter_mut()
            .for_each(|s| s.quantiles(&self.levels.levels, &mut out));
        self.levels
            .column(roost_engine::column::Flat::native(out), states.len())
    }

    fn write(&self, state: &Times, out: &mut Vec<u8>) {
        match state {
            Times::Few(values) => {
                out.push(0);
                put_numbers(out, values);
            }
            Times::Many(bins) => {
                out.push(1);
                put_numbers(out, bins);
            }
        }
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Times> {
        match bytes.byte()? {
            0 => {
                let mut times = Times::default();
                bytes
                    .numbers::<u16>()?
                    .into_iter()
                    .for_each(|t| times.insert(t.into(), 1));
                Ok(times)
            }
            1 => match bytes.numbers::<u64>()? {
                bins if bins.len() == BINS => Ok(Times::Many(bins.into())),
                bins => Err(Error::corrupt(format!(
                    "state of quantileTiming has {} bins, expected {BINS}",
                    bins.len()
                ))),
            },
            other => Err(Error::corrupt(format!(
                "state of quantileTiming has unknown form {other}"
            ))),
        }
    }

    fn heap_bytes(&self, state: &Times) -> usize {
        match state {
            Times::Few(values) => values.capacity() * 2,
            Times::Many(bins) => bins.len() * 8,
        }
    }
}
