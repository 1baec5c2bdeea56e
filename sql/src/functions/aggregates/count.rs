//! `count`: rows, or rows whose argument is not NULL.
//!
//! Invariant: never NULL, never fails.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::mask::Mask;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, put_varint};
use super::check::{doc, no_parameters};
use super::states::{Fold, Folded, Groups};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[AggregateFunction::new(
    "count",
    bind,
    doc(
        "count([x])",
        "Counts rows; with an argument, those where it is not NULL.",
        "count() FROM numbers(10)",
        "10",
    ),
)
.any_case()
.with_nulls()];

fn bind(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("count", parameters)?;
    if arguments.len() > 1 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function count requires zero or one argument, found {}",
            arguments.len()
        );
    }
    Ok(Folded::aggregate(Count))
}

#[derive(Debug)]
struct Count;

impl Fold for Count {
    type State = u64;

    fn return_type(&self) -> DataType {
        DataType::UInt64
    }

    fn update(&self, states: &mut [u64], args: &[Column], groups: Groups<'_>) -> Result<()> {
        match args.first() {
            Some(Column::Flat(Flat::Nullable(n))) => {
                groups.each(states, n.nulls(), |s, null| *s += u64::from(null == 0));
            }
            Some(column) if may_be_null(column) => {
                for row in 0..column.len() {
                    states[groups.at(row)] += u64::from(!column.is_null(row));
                }
            }
            _ => match groups {
                Groups::One { group, rows } => states[group as usize] += rows as u64,
                Groups::Many(groups) => groups.iter().for_each(|&g| states[g as usize] += 1),
            },
        }
        Ok(())
    }

    fn takes_masks(&self) -> bool {
        true
    }

    fn update_masked(&self, state: &mut u64, args: &[Column], mask: &Mask) -> Result<bool> {
        let shown = match args.first() {
            Some(Column::Flat(Flat::Nullable(n))) => mask.where_zero(n.nulls()).shown(),
            Some(column) if may_be_null(column) => return Ok(false),
            _ => mask.shown(),
        };
        *state += shown as u64;
        Ok(true)
    }

    fn merge(&self, into: &mut u64, from: &u64) -> Result<()> {
        *into = into.wrapping_add(*from);
        Ok(())
    }

    fn finish(&self, states: &mut [u64]) -> Result<Column> {
        Ok(Column::native(states.to_vec()))
    }

    fn write(&self, state: &u64, out: &mut Vec<u8>) {
        put_varint(out, *state);
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<u64> {
        bytes.varint()
    }
}

fn may_be_null(column: &Column) -> bool {
    let flat = match column {
        Column::Flat(flat) => flat,
        Column::Const { value, .. } => value,
        Column::Dict(d) => d.dict(),
    };
    matches!(flat, Flat::Nullable(_) | Flat::Nothing(_))
}
