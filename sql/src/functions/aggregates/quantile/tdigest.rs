//! `quantileTDigest`: a list of centroids, fine at the ends and coarse in the middle.
//!
//! Invariant: centroids are compressed when 2048 unmerged ones have gathered; two neighbours may
//! merge while their weight stays under 4 · count · ε · q(1 − q), with ε = 0.01.

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::Levels;
use crate::functions::Aggregate;
use crate::functions::aggregates::bytes::{Reader, put_varint};
use crate::functions::aggregates::numbers::{doubles, flat_of};
use crate::functions::aggregates::states::{Fold, Folded, Groups};

const EPSILON: f64 = 0.01;
const UNMERGED_MAX: usize = 2048;

pub(super) fn bind(ty: &DataType, weight: Option<&DataType>, levels: Levels) -> Arc<dyn Aggregate> {
    Folded::aggregate(Digests {
        ty: ty.clone(),
        weight: weight.cloned(),
        levels,
    })
}

#[derive(Debug)]
struct Digests {
    ty: DataType,
    weight: Option<DataType>,
    levels: Levels,
}

#[derive(Debug, Clone, Copy)]
struct Centroid {
    mean: f32,
    count: f32,
}

#[derive(Debug, Clone, Default)]
struct Digest {
    centroids: Vec<Centroid>,
    count: f64,
    unmerged: usize,
}

impl Digest {
    fn add(&mut self, mean: f32, count: f32) {
        if count <= 0.0 || mean.is_nan() || count.is_nan() {
            return;
        }
        if self.unmerged >= UNMERGED_MAX {
            self.compress();
        }
        self.centroids.push(Centroid { mean, count });
        self.unmerged += 1;
        self.count += f64::from(count);
    }

    fn compress(&mut self) {
        if self.unmerged == 0 {
            return;
        }
        self.unmerged = 0;
        self.centroids.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        if self.centroids.len() <= 3 {
            return;
        }
        let limit = self.count * EPSILON * 4.0;
        let spread = |level: f64| level * (1.0 - level);
        let mut merged: Vec<Centroid> = Vec::with_capacity(self.centroids.len());
        let mut before = 0.0;
        let mut left = self.centroids[0];
        let (mut mean, mut count) = (f64::from(left.mean), f64::from(left.count));
        for right in self.centroids.drain(1..) {
            let right_count = f64::from(right.count);
            let at_left = spread((before + count * 0.5) / self.count);
            let at_right = spread((before + count + right_count * 0.5) / self.count);
            let fits = count + right_count <= limit * at_left.min(at_right);
            let finite = left.mean.is_finite() && right.mean.is_finite();
            if fits && (finite || left.mean == right.mean) {
                count += right_count;
                let right_mean = f64::from(right.mean);
                if right_mean != mean {
                    mean += right_count * (right_mean - mean) / count;
                }
                left = Centroid {
                    mean: mean as f32,
                    count: count as f32,
                };
            } else {
                before += f64::from(left.count);
                merged.push(left);
                left = right;
                (mean, count) = (f64::from(left.mean), f64::from(left.count));
            }
        }
        merged.push(left);
        self.count = before + count;
        self.centroids = merged;
    }

    fn quantile(&self, level: f64) -> f32 {
        let Some(first) = self.centroids.first() else {
            return f32::NAN;
        };
        if self.centroids.len() == 1 {
            return first.mean;
        }
        let wanted = level * self.count;
        let (mut sum, mut previous_at, mut previous) = (0.0, 0.0, *first);
        for centroid in &self.centroids {
            let at = sum + f64::from(centroid.count) * 0.5;
            if at >= wanted {
                // A single value is a point, not a bar.
                let left = previous_at + if previous.count == 1.0 { 0.5 } else { 0.0 };
                let right = at - if centroid.count == 1.0 { 0.5 } else { 0.0 };
                return match () {
                    () if wanted <= left => previous.mean,
                    () if wanted >= right => centroid.mean,
                    () => {
                        let share = (wanted - left) / (right - left);
                        let (a, b) = (f64::from(previous.mean), f64::from(centroid.mean));
                        (a * (1.0 - share) + b * share) as f32
                    }
                };
            }
            sum += f64::from(centroid.count);
            (previous, previous_at) = (*centroid, at);
        }
        previous.mean
    }
}

impl Fold for Digests {
    type State = Digest;

    fn return_type(&self) -> DataType {
        self.levels.answer(DataType::Float32)
    }

    fn update(&self, states: &mut [Digest], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        let values = doubles(&flat, &self.ty)?;
        match &self.weight {
            None => groups.each(states, &values, |s, v| s.add(v as f32, 1.0)),
            Some(ty) => {
                let weights = flat_of(&args[1]);
                for (row, (&v, &w)) in values.iter().zip(doubles(&weights, ty)?.iter()).enumerate()
                {
                    states[groups.at(row)].add(v as f32, w as f32);
                }
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Digest, from: &Digest) -> Result<()> {
        from.centroids
            .iter()
            .for_each(|c| into.add(c.mean, c.count));
        Ok(())
    }

    fn finish(&self, states: &mut [Digest]) -> Result<Column> {
        let mut out = Vec::with_capacity(states.len() * self.levels.levels.len());
        for state in states.iter_mut() {
            state.compress();
            out.extend(self.levels.levels.iter().map(|&l| state.quantile(l)));
        }
        self.levels.column(Flat::native(out), states.len())
    }

    fn write(&self, state: &Digest, out: &mut Vec<u8>) {
        put_varint(out, state.centroids.len() as u64);
        for c in &state.centroids {
            out.extend_from_slice(&c.mean.to_le_bytes());
            out.extend_from_slice(&c.count.to_le_bytes());
        }
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Digest> {
        let mut digest = Digest::default();
        for _ in 0..bytes.count(8)? {
            let (mean, count) = (bytes.number()?, bytes.number()?);
            digest.add(mean, count);
        }
        Ok(digest)
    }

    fn heap_bytes(&self, state: &Digest) -> usize {
        state.centroids.capacity() * size_of::<Centroid>()
    }
}
