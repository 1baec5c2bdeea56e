//! Rows with equal keys that become one: sums, and states of aggregate functions.
//!
//! Invariant: combining is associative: combining some rows first and the result with the others
//! gives what combining all at once gives.

use std::sync::Arc;

use crate::block::Block;
use crate::column::{Column, Flat, Native};
use crate::error::{Error, Result};
use crate::hooks::StateFactory;
use crate::kernels::filter::truth;
use crate::kernels::take::take;
use crate::with_native;

/// What becomes of a column's values in rows that become one.
#[derive(Debug, Clone)]
pub enum ColumnRule {
    /// The first one stays.
    First,
    /// Numbers are added, with wrap-around; NULL adds nothing.
    Sum,
    /// States of an aggregate function are merged.
    States(Arc<dyn StateFactory>),
}

/// How rows become one.
#[derive(Debug, Clone)]
pub struct Combine {
    /// One rule for each column.
    pub rules: Vec<ColumnRule>,
}

impl Combine {
    /// One row for each group; row `i` of `block` is in group `groups[i]`, which ascend.
    pub(super) fn rows(&self, block: &Block, groups: &[u32], n: usize) -> Result<Block> {
        let mut first: Vec<u32> = Vec::with_capacity(n);
        for (row, &group) in groups.iter().enumerate() {
            if group as usize == first.len() {
                first.push(row as u32);
            }
        }
        let columns = self
            .rules
            .iter()
            .zip(block.columns())
            .map(|(rule, column)| match rule {
                _ if n == groups.len() => Ok(column.clone()),
                ColumnRule::First => Ok(take(column, &first)),
                ColumnRule::Sum => Ok(Column::Flat(sum(&column.to_flat(), groups, n)?)),
                ColumnRule::States(factory) => {
                    let mut states = factory.states();
                    states.merge(column, groups, n)?;
                    states.finish()
                }
            });
        Block::new(
            Arc::clone(block.schema()),
            columns.collect::<Result<_>>()?,
            n,
        )
    }

    /// The rows without those in which every sum is zero, where there are only sums.
    pub(super) fn worth_keeping(&self, block: Block) -> Result<Block> {
        let sums: Vec<&Column> = self
            .rules
            .iter()
            .zip(block.columns())
            .filter(|(rule, _)| matches!(rule, ColumnRule::Sum))
            .map(|(_, column)| column)
            .collect();
        let states = self
            .rules
            .iter()
            .any(|r| matches!(r, ColumnRule::States(_)));
        if sums.is_empty() || states {
            return Ok(block);
        }
        let mut keep = vec![0u8; block.rows()];
        for column in sums {
            let flat = column.to_flat();
            let (nulls, values) = flat.split_nulls();
            for (i, bit) in truth(values)?.into_iter().enumerate() {
                keep[i] |= bit & u8::from(nulls.is_none_or(|m| m[i] == 0));
            }
        }
        if keep.iter().all(|k| *k != 0) {
            return Ok(block);
        }
        let rows: Vec<u32> = (0..keep.len() as u32)
            .filter(|r| keep[*r as usize] != 0)
            .collect();
        Ok(block.take(&rows))
    }
}

trait Plus: Native {
    fn plus(self, other: Self) -> Self;
}

macro_rules! plus {
    ($($ty:ty)*) => { $(impl Plus for $ty {
        fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
    })* };
}
plus!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

impl Plus for f32 {
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Plus for f64 {
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

fn sum(flat: &Flat, groups: &[u32], n: usize) -> Result<Flat> {
    fn plain<T: Plus>(
        values: &[T],
        groups: &[u32],
        n: usize,
        counts: impl Fn(usize) -> bool,
    ) -> Flat {
        let mut sums = vec![T::default(); n];
        for (i, (&value, &group)) in values.iter().zip(groups).enumerate() {
            if counts(i) {
                let sum = &mut sums[group as usize];
                *sum = sum.plus(value);
            }
        }
        Flat::native(sums)
    }
    let (nulls, values) = flat.split_nulls();
    let counts = |i: usize| nulls.is_none_or(|m| m[i] == 0);
    let sums = with_native!(values, |v| plain(v, groups, n, counts), other => {
        return Err(Error::bug(format!("cannot add {}", other.shape_name())));
    });
    if nulls.is_none() {
        return Ok(sums);
    }
    let mut empty = vec![1u8; n];
    for (i, &group) in groups.iter().enumerate() {
        if counts(i) {
            empty[group as usize] = 0;
        }
    }
    Flat::nullable(empty, sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Field, Schema};
    use crate::types::{DataType, Value};

    #[test]
    fn sums_add_and_rows_of_zeros_go() {
        let schema = Schema::new(vec![
            Field::new("k", DataType::UInt8),
            Field::new("a", DataType::Int32),
            Field::new("b", DataType::UInt8.nullable()),
        ]);
        let nullable = Flat::nullable(vec![1, 0, 1, 1, 0], Flat::native(vec![9u8, 250, 9, 9, 6]));
        let columns = vec![
            Column::native(vec![1u8, 1, 2, 2, 3]),
            Column::native(vec![1i32, 2, 3, -3, i32::MAX]),
            Column::Flat(nullable.unwrap_or(Flat::Nothing(5))),
        ];
        let block = Block::new(schema, columns, 5);
        let rules = vec![ColumnRule::First, ColumnRule::Sum, ColumnRule::Sum];
        let combine = Combine { rules };
        let rows = block.and_then(|b| combine.rows(&b, &[0, 0, 1, 1, 2], 3));
        let kept = rows.and_then(|r| combine.worth_keeping(r));
        let cells = |b: Block| {
            let row = |i| b.columns().iter().map(|c| c.value(i)).collect::<Vec<_>>();
            (0..b.rows()).map(row).collect::<Vec<_>>()
        };
        let expected = vec![
            vec![Value::UInt(1), Value::Int(3), Value::UInt(250)],
            vec![Value::UInt(3), Value::Int(i32::MAX.into()), Value::UInt(6)],
        ];
        assert_eq!(kept.map(cells).ok(), Some(expected));
    }
}
