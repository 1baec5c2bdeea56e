//! `quantileExactWeighted` and `quantileBFloat16[Weighted]`: values with how often they count.
//!
//! Invariant: the answer is the smallest value at which the weights so far reach level × all.

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::compare::compare_flat;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::Levels;
use crate::functions::Aggregate;
use crate::functions::aggregates::collect::{Collect, Collected, Sorted};
use crate::functions::aggregates::numbers::{doubles, flat_of};

pub(super) fn bind(
    ty: &DataType,
    weight: Option<&DataType>,
    levels: Levels,
    bfloat16: bool,
) -> Arc<dyn Aggregate> {
    let types = std::iter::once(ty).chain(weight).cloned().collect();
    Collected::aggregate(Weighted {
        types,
        levels,
        bfloat16,
    })
}

#[derive(Debug)]
struct Weighted {
    types: Vec<DataType>,
    levels: Levels,
    bfloat16: bool,
}

impl Weighted {
    /// Rows of the answers, [`NO_ROW`] where there is nothing.
    fn choose(&self, values: &Flat, weights: Option<&[f64]>, rows: &Sorted) -> Vec<u32> {
        let weight = |row: u32| weights.map_or(1.0, |w| w[row as usize].max(0.0));
        let is_nan = |row: u32| match values {
            Flat::F32(v) => v[row as usize].is_nan(),
            Flat::F64(v) => v[row as usize].is_nan(),
            _ => false,
        };
        let mut out = Vec::new();
        for range in rows.ranges() {
            let mut order: Vec<u32> = (range.start as u32..range.end as u32)
                .filter(|&row| weight(row) > 0.0 && !is_nan(row))
                .collect();
            order.sort_by(|&a, &b| compare_flat(values, a as usize, values, b as usize));
            let total: f64 = order.iter().map(|&row| weight(row)).sum();
            for level in &self.levels.levels {
                let threshold = (total * level).ceil();
                let mut so_far = 0.0;
                let found = order.iter().find(|&&row| {
                    so_far += weight(row);
                    so_far >= threshold
                });
                out.push(found.or(order.last()).copied().unwrap_or(NO_ROW));
            }
        }
        out
    }
}

impl Collect for Weighted {
    fn return_type(&self) -> DataType {
        self.levels.answer(match self.bfloat16 {
            true => DataType::Float64,
            false => self.types[0].clone(),
        })
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let weights = match (rows.columns.get(1), self.types.get(1)) {
            (Some(column), Some(ty)) => Some(doubles(&flat_of(column), ty)?.into_owned()),
            _ => None,
        };
        let flat = flat_of(&rows.columns[0]);
        let values = match self.bfloat16 {
            true => {
                let rounded =
                    |v: &f64| f64::from(f32::from_bits((*v as f32).to_bits() & 0xffff_0000));
                Flat::native(
                    doubles(&flat, &self.types[0])?
                        .iter()
                        .map(rounded)
                        .collect::<Vec<f64>>(),
                )
            }
            false => flat.into_owned(),
        };
        let chosen = self.choose(&values, weights.as_deref(), rows);
        let quantiles = take_or_default(&Column::Flat(values), &chosen).to_flat();
        let quantiles = match (self.bfloat16, quantiles) {
            (true, Flat::F64(found)) => Flat::native(
                found
                    .iter()
                    .zip(&chosen)
                    .map(|(v, row)| if *row == NO_ROW { f64::NAN } else { *v })
                    .collect::<Vec<f64>>(),
            ),
            (_, other) => other,
        };
        self.levels.column(quantiles, rows.groups())
    }
}
