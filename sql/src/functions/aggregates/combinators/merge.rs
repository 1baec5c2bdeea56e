//! `-Merge` takes states and answers the result, `-MergeState` takes states and answers a state.
//!
//! Invariant: the argument is an AggregateFunction of the very function that is merged.

use std::any::Any;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{AggregateType, DataType, Value};

use super::Nested;
use super::state::state_of;
use crate::functions::aggregates::resolve::{bind_aggregate_type, canonical_name};
use crate::functions::aggregates::states::same;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_merge(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let ty = state_type(nested, arguments)?;
    Ok(Arc::new(Merge {
        inner: bind_aggregate_type(ty)?,
    }))
}

pub(super) fn bind_merge_state(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let merge = bind_merge(nested, arguments)?;
    Ok(state_of(merge, arguments[0].clone()))
}

fn state_type<'a>(nested: &Nested<'_>, arguments: &'a [DataType]) -> Result<&'a AggregateType> {
    let [DataType::AggregateFunction(ty)] = arguments else {
        let found: Vec<String> = arguments.iter().map(DataType::to_string).collect();
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument for aggregate function {}Merge, expected AggregateFunction({}, ...)",
            found.join(", "),
            nested.name,
            nested.name
        );
    };
    let wanted = canonical_name(nested.name, nested.depth);
    if wanted.is_none() || wanted != canonical_name(&ty.function, 0) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument for aggregate function {}Merge: it is the state of another function",
            arguments[0],
            nested.name
        );
    }
    Ok(ty)
}

#[derive(Debug)]
struct Merge {
    inner: Arc<dyn Aggregate>,
}

impl Aggregate for Merge {
    fn return_type(&self) -> DataType {
        self.inner.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(MergeStates {
            inner: self.inner.states(),
        })
    }
}

struct MergeStates {
    inner: Box<dyn GroupedState>,
}

impl MergeStates {
    fn add(&mut self, group: u32, column: &Column, row: usize) -> Result<()> {
        let (flat, at) = column.entry(row);
        match flat.bytes_at(at) {
            // The default of the type: a state that has seen nothing.
            [] => Ok(()),
            state => self.inner.merge_state(group, state),
        }
    }
}

impl GroupedState for MergeStates {
    fn resize(&mut self, groups: usize) {
        self.inner.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        groups
            .iter()
            .enumerate()
            .try_for_each(|(row, &g)| self.add(g, &args[0], row))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        (0..rows).try_for_each(|row| self.add(group, &args[0], row))
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.inner.merge(same::<Self>(other)?.inner.as_ref(), map)
    }

    fn finish(&mut self) -> Result<Column> {
        self.inner.finish()
    }

    fn peek(&self, group: u32) -> Result<Value> {
        self.inner.peek(group)
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        self.inner.write_state(group, out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        self.inner.merge_state(group, bytes)
    }

    fn memory_bytes(&self) -> usize {
        self.inner.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
