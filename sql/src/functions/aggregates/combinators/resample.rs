//! `-Resample(start, end, step)`: one nested state per interval that the last argument falls into.
//!
//! Invariant: group `g` has the nested states `g * n .. (g + 1) * n`.

use std::any::Any;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Nested;
use crate::functions::aggregates::bytes::{Reader, VERSION, put_bytes};
use crate::functions::aggregates::group_array::array;
use crate::functions::aggregates::states::same;
use crate::functions::{Aggregate, GroupedState};

/// Most intervals, as in ClickHouse.
const INTERVALS_MAX: u64 = 1 << 20;

pub(super) fn bind_resample(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let Some((key, arguments)) = arguments.split_last() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "{}Resample needs a key",
            nested.name
        );
    };
    if !(key.is_integer() || key.is_date() || matches!(key, DataType::DateTime(_))) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {key} of argument for aggregate function {}Resample, must be integer",
            nested.name
        );
    }
    let Some((own, [start, end, step])) = nested.parameters.split_last_chunk::<3>() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {}Resample requires at least three parameters",
            nested.name
        );
    };
    let (Some(start), Some(end), Some(step)) = (start.as_i64(), end.as_i64(), step.as_u64()) else {
        bail!(
            BAD_ARGUMENTS,
            "The range and step of -Resample must be whole numbers"
        );
    };
    if step == 0 {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "The step used in function {}Resample is 0",
            nested.name
        );
    }
    let intervals = end.abs_diff(start.min(end)).div_ceil(step);
    if intervals > INTERVALS_MAX || end < start {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "The range given in function {}Resample contains too many elements or is reversed",
            nested.name
        );
    }
    let inner = Nested {
        parameters: own,
        ..*nested
    }
    .bind(arguments)?
    .0;
    Ok(Arc::new(Resample {
        inner,
        start,
        end,
        step,
        intervals: intervals as usize,
    }))
}

#[derive(Debug)]
struct Resample {
    inner: Arc<dyn Aggregate>,
    start: i64,
    end: i64,
    step: u64,
    intervals: usize,
}

impl Aggregate for Resample {
    fn return_type(&self) -> DataType {
        self.inner.return_type().array()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(ResampleStates {
            inner: self.inner.states(),
            start: self.start,
            end: self.end,
            step: self.step,
            intervals: self.intervals,
            groups: 0,
        })
    }
}

struct ResampleStates {
    inner: Box<dyn GroupedState>,
    start: i64,
    end: i64,
    step: u64,
    intervals: usize,
    groups: usize,
}

impl ResampleStates {
    fn first(&self, group: u32) -> u32 {
        group * self.intervals as u32
    }
}

impl GroupedState for ResampleStates {
    fn resize(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
        self.inner.resize(self.groups * self.intervals);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        let Some((keys, args)) = args.split_last() else {
            return Ok(());
        };
        let (mut rows, mut numbers) = (Vec::new(), Vec::new());
        for (row, &group) in groups.iter().enumerate() {
            let key = keys
                .value(row)
                .as_i64()
                .filter(|k| (self.start..self.end).contains(k));
            if let Some(key) = key {
                rows.push(row as u32);
                numbers.push(self.first(group) + (key.abs_diff(self.start) / self.step) as u32);
            }
        }
        let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
        self.inner.update(&args, &numbers)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        let intervals = 0..self.intervals as u32;
        let numbers = map
            .iter()
            .flat_map(|&to| intervals.clone().map(move |i| (to, i)));
        let numbers: Vec<u32> = numbers.map(|(to, i)| self.first(to) + i).collect();
        self.inner.merge(other.inner.as_ref(), &numbers)
    }

    fn finish(&mut self) -> Result<Column> {
        let n = self.intervals as u64;
        let offsets = (0..=self.groups as u64).map(|g| g * n).collect();
        array(offsets, self.inner.finish()?)
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let numbers = (0..self.intervals as u32).map(|i| self.first(group) + i);
        Ok(Value::Array(
            numbers.map(|n| self.inner.peek(n)).collect::<Result<_>>()?,
        ))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        for i in 0..self.intervals as u32 {
            let mut bytes = Vec::new();
            self.inner.write_state(self.first(group) + i, &mut bytes)?;
            put_bytes(out, &bytes);
        }
        Ok(())
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        for i in 0..self.intervals as u32 {
            self.inner
                .merge_state(self.first(group) + i, reader.bytes()?)?;
        }
        reader.end()
    }

    fn memory_bytes(&self) -> usize {
        self.inner.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
