//! `-State` answers the state instead of the result; `-SimpleState` gives the result the type of a
//! SimpleAggregateFunction.
//!
//! Invariant: `xMerge(xState(a)) = x(a)`.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{AggregateType, DataType, Value};

use super::Nested;
use crate::functions::aggregates::literal;
use crate::functions::aggregates::states::same;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_state(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let (inner, name) = nested.bind(arguments)?;
    let ty = DataType::AggregateFunction(Arc::new(AggregateType {
        function: name,
        parameters: nested.parameters.iter().map(literal::text).collect(),
        arguments: arguments.to_vec(),
    }));
    Ok(state_of(inner, ty))
}

/// `inner`, answering its states under the type `ty`.
pub(super) fn state_of(inner: Arc<dyn Aggregate>, ty: DataType) -> Arc<dyn Aggregate> {
    Arc::new(State { inner, ty })
}

#[derive(Debug)]
struct State {
    inner: Arc<dyn Aggregate>,
    ty: DataType,
}

impl Aggregate for State {
    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(StateStates {
            inner: self.inner.states(),
            groups: 0,
        })
    }
}

struct StateStates {
    inner: Box<dyn GroupedState>,
    groups: usize,
}

impl GroupedState for StateStates {
    fn resize(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
        self.inner.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.inner.update(args, groups)
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.inner.update_one(args, rows, group)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.inner.merge(same::<Self>(other)?.inner.as_ref(), map)
    }

    fn finish(&mut self) -> Result<Column> {
        let mut out = BytesBuilder::with_capacity(self.groups, self.groups * 16);
        for group in 0..self.groups as u32 {
            self.inner.write_state(group, out.tail())?;
            out.end();
        }
        Ok(Column::Flat(Flat::Bytes(out.finish())))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let mut out = Vec::new();
        self.inner.write_state(group, &mut out)?;
        Ok(Value::Bytes(out))
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

pub(super) fn bind_simple(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let (inner, name) = nested.bind(arguments)?;
    let ty = DataType::SimpleAggregateFunction(name.into(), Arc::new(inner.return_type()));
    Ok(Arc::new(Renamed { inner, ty }))
}

/// The same function under another answer type of the same shape.
#[derive(Debug)]
struct Renamed {
    inner: Arc<dyn Aggregate>,
    ty: DataType,
}

impl Aggregate for Renamed {
    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        self.inner.states()
    }
}
