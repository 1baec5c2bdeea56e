//! `-ForEach`: one nested state per position of the arrays.
//!
//! Invariant: the answer is as long as the longest array.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Nested;
use super::array::{Apart, elements_of};
use super::many::Many;
use crate::functions::aggregates::bytes::{Reader, VERSION, put_varint};
use crate::functions::aggregates::group_array::array;
use crate::functions::aggregates::states::same;
use crate::functions::{Aggregate, GroupedState};

/// Longest array, as in ClickHouse.
const LENGTH_MAX: usize = 0xFF_FFFF;

pub(super) fn bind_for_each(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let inner = nested
        .bind(&elements_of(nested.name, "ForEach", arguments)?)?
        .0;
    Ok(Arc::new(ForEach { inner }))
}

#[derive(Debug)]
struct ForEach {
    inner: Arc<dyn Aggregate>,
}

impl Aggregate for ForEach {
    fn return_type(&self) -> DataType {
        self.inner.return_type().array()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(ForEachStates {
            many: Many::new(&self.inner),
            places: Vec::new(),
        })
    }
}

struct ForEachStates {
    many: Many,
    /// Per group: the nested state of each position.
    places: Vec<Vec<u32>>,
}

impl ForEachStates {
    fn reach(&mut self, group: usize, length: usize) -> Result<()> {
        if length > LENGTH_MAX {
            roost_engine::bail!(
                TOO_LARGE_ARRAY_SIZE,
                "Suspiciously large array size ({length}) in -ForEach aggregate function"
            );
        }
        while self.places[group].len() < length {
            let fresh = self.many.fresh();
            self.places[group].push(fresh);
        }
        Ok(())
    }
}

impl GroupedState for ForEachStates {
    fn resize(&mut self, groups: usize) {
        if groups > self.places.len() {
            self.places.resize(groups, Vec::new());
        }
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        let apart = Apart::new(args)?;
        let mut numbers = Vec::new();
        for (w, &group) in apart.offsets.windows(2).zip(groups) {
            let length = (w[1] - w[0]) as usize;
            self.reach(group as usize, length)?;
            numbers.extend_from_slice(&self.places[group as usize][..length]);
        }
        self.many.grow();
        self.many.states.update(&apart.elements, &numbers)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        let mut numbers = vec![0; other.many.len()];
        for (theirs, &to) in other.places.iter().zip(map) {
            self.reach(to as usize, theirs.len())?;
            for (from, into) in theirs.iter().zip(&self.places[to as usize]) {
                numbers[*from as usize] = *into;
            }
        }
        self.many.grow();
        self.many.states.merge(other.many.states.as_ref(), &numbers)
    }

    fn finish(&mut self) -> Result<Column> {
        let answers = self.many.finish()?;
        let (mut offsets, mut order) = (vec![0u64], Vec::new());
        for places in &self.places {
            order.extend_from_slice(places);
            offsets.push(order.len() as u64);
        }
        array(offsets, take(&answers, &order))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let places = self.places[group as usize].iter();
        Ok(Value::Array(
            places
                .map(|p| self.many.states.peek(*p))
                .collect::<Result<_>>()?,
        ))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        let places = &self.places[group as usize];
        out.push(VERSION);
        put_varint(out, places.len() as u64);
        places.iter().try_for_each(|p| self.many.write(*p, out))
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let length = reader.count(1)?;
        self.reach(group as usize, length)?;
        self.many.grow();
        for place in self.places[group as usize][..length].iter().copied() {
            self.many.states.merge_state(place, reader.bytes()?)?;
        }
        reader.end()
    }

    fn memory_bytes(&self) -> usize {
        self.many.states.memory_bytes() + self.places.len() * 24 + self.many.len() * 4
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
