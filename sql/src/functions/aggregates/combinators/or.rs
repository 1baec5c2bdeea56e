//! `-OrNull` and `-OrDefault`: what groups without rows answer.
//!
//! Invariant: a group has seen a row when one passed the condition of a nested `-If`, or any came.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::filter::selection;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::{DataType, Value};

use super::Nested;
use crate::functions::aggregates::bytes::{Reader, VERSION};
use crate::functions::aggregates::nulls::{can_be_nullable, update};
use crate::functions::aggregates::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_or_null(n: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    bind(n, arguments, true)
}

pub(super) fn bind_or_default(
    n: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    bind(n, arguments, false)
}

fn bind(nested: &Nested<'_>, arguments: &[DataType], null: bool) -> Result<Arc<dyn Aggregate>> {
    let inner = nested.bind(arguments)?.0;
    let own = inner.return_type();
    let ty = if null && can_be_nullable(&own) {
        own.nullable()
    } else {
        own
    };
    // countIf of one argument counts as having seen every row, as in ClickHouse.
    let condition = nested.name.ends_with("If") && arguments.len() > 1;
    Ok(Arc::new(Or {
        inner,
        ty,
        condition,
    }))
}

#[derive(Debug)]
struct Or {
    inner: Arc<dyn Aggregate>,
    ty: DataType,
    condition: bool,
}

impl Aggregate for Or {
    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        let own = self.inner.return_type();
        Box::new(OrStates {
            inner: self.inner.states(),
            seen: Vec::new(),
            wraps: self.ty.is_nullable() && !own.is_nullable(),
            keeps: own.is_nullable(),
            condition: self.condition,
            default: Column::defaults(&self.ty, 1),
        })
    }
}

struct OrStates {
    inner: Box<dyn GroupedState>,
    seen: Vec<bool>,
    /// A mask is put over the nested answers.
    wraps: bool,
    /// The nested answers are Nullable and say NULL themselves.
    keeps: bool,
    condition: bool,
    default: Column,
}

impl OrStates {
    fn add(&mut self, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let chosen = match args.last() {
            Some(condition) if self.condition => selection(condition)?,
            _ => None,
        };
        match (chosen, groups) {
            (Some(rows), _) => {
                rows.iter()
                    .for_each(|&row| self.seen[groups.at(row as usize)] = true);
            }
            (None, Groups::One { group, rows }) => self.seen[group as usize] |= rows > 0,
            (None, Groups::Many(groups)) => {
                groups.iter().for_each(|&g| self.seen[g as usize] = true);
            }
        }
        update(self.inner.as_mut(), args, groups)
    }
}

impl GroupedState for OrStates {
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

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        for (&seen, &to) in other.seen.iter().zip(map) {
            self.seen[to as usize] |= seen;
        }
        self.inner.merge(other.inner.as_ref(), map)
    }

    fn finish(&mut self) -> Result<Column> {
        let answers = self.inner.finish()?;
        if self.wraps {
            let nulls = self.seen.iter().map(|&seen| u8::from(!seen)).collect();
            return Ok(Column::Flat(Flat::nullable(nulls, answers.to_flat())?));
        }
        if self.keeps {
            return Ok(answers);
        }
        let rows = self.seen.iter().enumerate();
        let rows: Vec<u32> = rows
            .map(|(i, &seen)| if seen { i as u32 } else { NO_ROW })
            .collect();
        Ok(take_or_default(&answers, &rows))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        match self.keeps || self.seen[group as usize] {
            true => self.inner.peek(group),
            false => Ok(self.default.value(0)),
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
        self.inner.memory_bytes() + self.seen.capacity()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
