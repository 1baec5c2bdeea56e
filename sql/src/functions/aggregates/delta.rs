//! `deltaSum` and `deltaSumTimestamp`: the sum of all rises from row to row.
//!
//! Invariant: falls count as nothing; states merge as if their rows followed each other.

use std::marker::PhantomData;
use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::Reader;
use super::check::{doc, illegal, no_parameters, one, two};
use super::numbers::flat_of;
use super::states::{Fold, Folded, Groups};
use super::sum::Summand;
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "deltaSum",
        bind,
        doc(
            "deltaSum(x)",
            "Sum of the rises between consecutive rows.",
            "deltaSum(arrayJoin([1, 4, 2, 3]))",
            "4",
        ),
    ),
    AggregateFunction::new(
        "deltaSumTimestamp",
        bind_timestamp,
        doc(
            "deltaSumTimestamp(x, time)",
            "Sum of the rises between consecutive rows; parts are put in order of their times.",
            "deltaSumTimestamp(toUInt32(number), toUInt32(number)) FROM numbers(5)",
            "4",
        ),
    ),
];

fn bind(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    use DataType as T;
    no_parameters("deltaSum", parameters)?;
    let ty = one("deltaSum", arguments)?;
    Ok(match ty {
        T::UInt8 => of::<u8>(ty, false),
        T::UInt16 => of::<u16>(ty, false),
        T::UInt32 => of::<u32>(ty, false),
        T::UInt64 => of::<u64>(ty, false),
        T::Int8 => of::<i8>(ty, false),
        T::Int16 => of::<i16>(ty, false),
        T::Int32 => of::<i32>(ty, false),
        T::Int64 => of::<i64>(ty, false),
        T::Float32 => of::<f32>(ty, false),
        T::Float64 => of::<f64>(ty, false),
        other => return illegal("deltaSum", other),
    })
}

fn bind_timestamp(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    use DataType as T;
    no_parameters("deltaSumTimestamp", parameters)?;
    let (ty, time) = two("deltaSumTimestamp", arguments)?;
    let fits = time.is_integer() || time.is_date() || time.is_date_time();
    if !fits || matches!(time, T::UInt8 | T::Int8 | T::UInt128 | T::Int128) {
        return illegal("deltaSumTimestamp", time);
    }
    Ok(match ty {
        T::UInt16 | T::Date => of::<u16>(ty, true),
        T::UInt32 | T::DateTime(_) => of::<u32>(ty, true),
        T::UInt64 => of::<u64>(ty, true),
        T::Int16 => of::<i16>(ty, true),
        T::Int32 => of::<i32>(ty, true),
        T::Int64 => of::<i64>(ty, true),
        T::Float32 => of::<f32>(ty, true),
        T::Float64 => of::<f64>(ty, true),
        other => return illegal("deltaSumTimestamp", other),
    })
}

fn of<T: Summand>(ty: &DataType, timed: bool) -> Arc<dyn Aggregate> {
    Folded::aggregate(DeltaSum::<T> {
        ty: ty.clone(),
        timed,
        input: PhantomData,
    })
}

#[derive(Debug)]
struct DeltaSum<T> {
    ty: DataType,
    timed: bool,
    input: PhantomData<T>,
}

/// A run of rows.
#[derive(Debug, Clone, Copy, Default)]
struct Run<T> {
    sum: T,
    first: T,
    last: T,
    first_time: i64,
    last_time: i64,
    seen: bool,
}

impl<T: Summand> Run<T> {
    fn add(&mut self, value: T, time: i64) {
        if !self.seen {
            (self.first, self.first_time, self.seen) = (value, time, true);
        } else if self.last < value {
            self.sum = self.sum.plus(value.minus(self.last));
        }
        (self.last, self.last_time) = (value, time);
    }

    /// `next` behind this run.
    fn then(mut self, next: &Self) -> Self {
        if self.last < next.first {
            self.sum = self.sum.plus(next.first.minus(self.last));
        }
        self.sum = self.sum.plus(next.sum);
        (self.last, self.last_time) = (next.last, next.last_time);
        self
    }
}

impl<T: Summand> Fold for DeltaSum<T> {
    type State = Run<T>;

    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn update(&self, states: &mut [Run<T>], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        for (row, &value) in flat.slice_of::<T>()?.iter().enumerate() {
            let time = match self.timed {
                true => args[1].value(row).as_i64().unwrap_or(i64::MAX),
                false => 0,
            };
            states[groups.at(row)].add(value, time);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Run<T>, from: &Run<T>) -> Result<()> {
        *into = match (into.seen, from.seen) {
            (_, false) => *into,
            (false, true) => *from,
            _ if self.timed && from.last_time < into.first_time => from.then(into),
            _ => into.then(from),
        };
        Ok(())
    }

    fn finish(&self, states: &mut [Run<T>]) -> Result<Column> {
        Ok(Column::Flat(Flat::native(
            states.iter().map(|s| s.sum).collect(),
        )))
    }

    fn write(&self, state: &Run<T>, out: &mut Vec<u8>) {
        out.push(u8::from(state.seen));
        [state.sum, state.first, state.last]
            .iter()
            .for_each(|v| v.write_le(out));
        out.extend_from_slice(&state.first_time.to_le_bytes());
        out.extend_from_slice(&state.last_time.to_le_bytes());
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Run<T>> {
        Ok(Run {
            seen: bytes.byte()? != 0,
            sum: bytes.number()?,
            first: bytes.number()?,
            last: bytes.number()?,
            first_time: bytes.number()?,
            last_time: bytes.number()?,
        })
    }
}
