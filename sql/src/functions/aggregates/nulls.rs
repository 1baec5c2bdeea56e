//! Keeps rows with a NULL argument away from a function, and answers NULL where it saw nothing.
//!
//! Invariant: the inner function sees only columns without Nullable; its state is written behind one
//! byte that says whether any row came through.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, VERSION};
use super::states::{Fold, Folded, Groups, same};
use crate::functions::{Aggregate, GroupedState};

/// Types that ClickHouse does not put into Nullable.
pub(super) fn can_be_nullable(ty: &DataType) -> bool {
    !matches!(
        ty,
        DataType::Array(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::Nullable(_)
            | DataType::LowCardinality(_)
            | DataType::AggregateFunction(_)
    )
}

/// `inner` behind a frame that skips rows with NULL.
pub(super) fn skip_nulls(inner: Arc<dyn Aggregate>, default_when_null: bool) -> Arc<dyn Aggregate> {
    let nullable = !default_when_null && can_be_nullable(&inner.return_type());
    Arc::new(SkipNulls { inner, nullable })
}

#[derive(Debug)]
struct SkipNulls {
    inner: Arc<dyn Aggregate>,
    nullable: bool,
}

impl Aggregate for SkipNulls {
    fn return_type(&self) -> DataType {
        match self.nullable {
            true => self.inner.return_type().nullable(),
            false => self.inner.return_type(),
        }
    }

    fn takes_masks(&self) -> bool {
        self.inner.takes_masks()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(SkipNullStates {
            inner: self.inner.states(),
            seen: Vec::new(),
            nullable: self.nullable,
        })
    }
}

struct SkipNullStates {
    inner: Box<dyn GroupedState>,
    /// Whether a row came through, per group.
    seen: Vec<bool>,
    nullable: bool,
}

impl SkipNullStates {
    fn add(&mut self, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let (mask, values) = take_masks_off(args);
        let kept: Option<Vec<u32>> = mask.map(|m| {
            (0..m.len() as u32)
                .filter(|&i| m[i as usize] == 0)
                .collect()
        });
        let kept = kept.filter(|k| k.len() < groups.rows());
        let Some(rows) = kept else {
            self.mark(groups);
            return update(self.inner.as_mut(), &values, groups);
        };
        if rows.is_empty() {
            return Ok(());
        }
        let values: Vec<Column> = values.iter().map(|v| take(v, &rows)).collect();
        match groups {
            Groups::One { group, .. } => {
                let groups = Groups::One {
                    group,
                    rows: rows.len(),
                };
                self.mark(groups);
                update(self.inner.as_mut(), &values, groups)
            }
            Groups::Many(_) => {
                let groups = groups.of_rows(&rows);
                self.mark(Groups::Many(&groups));
                self.inner.update(&values, &groups)
            }
        }
    }

    fn mark(&mut self, groups: Groups<'_>) {
        match groups {
            Groups::One { rows: 0, .. } => {}
            Groups::One { group, .. } => self.seen[group as usize] = true,
            Groups::Many(groups) => groups.iter().for_each(|&g| self.seen[g as usize] = true),
        }
    }
}

/// Hands the rows on in the form they came.
pub(super) fn update(
    states: &mut dyn GroupedState,
    args: &[Column],
    groups: Groups<'_>,
) -> Result<()> {
    match groups {
        Groups::One { group, rows } => states.update_one(args, rows, group),
        Groups::Many(groups) => states.update(args, groups),
    }
}

/// The union of the masks (when there are any) and the columns without them.
pub(super) fn take_masks_off(args: &[Column]) -> (Option<Vec<u8>>, Vec<Column>) {
    let mut mask: Option<Vec<u8>> = None;
    let mut add = |nulls: &mut dyn Iterator<Item = u8>| match &mut mask {
        None => mask = Some(nulls.collect()),
        Some(all) => all.iter_mut().zip(nulls).for_each(|(a, b)| *a |= b),
    };
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(match arg {
            Column::Flat(Flat::Nullable(n)) => {
                add(&mut n.nulls().iter().copied());
                Column::Flat(n.values().clone())
            }
            Column::Const { value, len } if matches!(value.as_ref(), Flat::Nullable(_)) => {
                let null = u8::from(value.is_null(0));
                if null != 0 {
                    add(&mut std::iter::repeat_n(null, *len));
                }
                let value = Arc::new(value.split_nulls().1.clone());
                Column::Const { value, len: *len }
            }
            Column::Dict(d) => match d.dict().as_ref() {
                Flat::Nullable(n) => {
                    add(&mut d.codes().iter().map(|&c| n.nulls()[c as usize]));
                    match d.with_dict(n.values().clone()) {
                        Ok(plain) => Column::Dict(plain),
                        Err(_) => Column::Flat(arg.to_flat().split_nulls().1.clone()),
                    }
                }
                _ => arg.clone(),
            },
            other => other.clone(),
        });
    }
    (mask, values)
}

impl GroupedState for SkipNullStates {
    fn resize(&mut self, groups: usize) {
        if groups > self.seen.len() {
            self.seen.resize(groups, false);
        }
        self.inner.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.add(args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.add(args, Groups::One { group, rows })
    }

    fn update_masked(&mut self, args: &[Column], mask: &Mask, group: u32) -> Result<()> {
        let (nulls, values) = take_masks_off(args);
        let both = nulls.map(|nulls| mask.where_zero(&nulls));
        let mask = both.as_ref().unwrap_or(mask);
        self.seen[group as usize] |= mask.shown() > 0;
        self.inner.update_masked(&values, mask, group)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        for (&seen, &to) in other.seen.iter().zip(map) {
            self.seen[to as usize] |= seen;
        }
        self.inner.merge(other.inner.as_ref(), map)
    }

    fn finish(&mut self) -> Result<Column> {
        let answer = self.inner.finish()?;
        if !self.nullable {
            return Ok(answer);
        }
        let nulls = self.seen.iter().map(|&seen| u8::from(!seen)).collect();
        Ok(Column::Flat(Flat::nullable(nulls, answer.to_flat())?))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        match self.nullable && !self.seen[group as usize] {
            true => Ok(Value::Null),
            false => self.inner.peek(group),
        }
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        out.push(u8::from(self.seen[group as usize]));
        self.inner.write_state(group, out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let seen = reader.byte()? != 0;
        self.inner.merge_state(group, reader.rest())?;
        self.seen[group as usize] |= seen;
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.seen.capacity() + self.inner.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The aggregate of an argument that is only ever NULL.
pub(super) fn always_null() -> Arc<dyn Aggregate> {
    Folded::aggregate(AlwaysNull)
}

#[derive(Debug)]
struct AlwaysNull;

impl Fold for AlwaysNull {
    type State = ();

    fn return_type(&self) -> DataType {
        DataType::Nothing.nullable()
    }

    fn update(&self, _: &mut [()], _: &[Column], _: Groups<'_>) -> Result<()> {
        Ok(())
    }

    fn merge(&self, _: &mut (), _: &()) -> Result<()> {
        Ok(())
    }

    fn finish(&self, states: &mut [()]) -> Result<Column> {
        Ok(Column::defaults(&self.return_type(), states.len()))
    }

    fn write(&self, _: &(), _: &mut Vec<u8>) {}

    fn read(&self, _: &mut Reader<'_>) -> Result<()> {
        Ok(())
    }
}
