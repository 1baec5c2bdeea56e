//! `uniqExact`, `uniqUpTo`, `groupBitmap`: the number of different values, counted with one set for
//! all groups.
//!
//! Invariant: exact for numbers; other values are told apart by a 128-bit hash.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, VERSION, put_numbers};
use super::check::{doc, illegal, no_parameters, one, positive};
use super::keys::{SeenKeys, row_keys};
use super::states::{Groups, same};
use crate::functions::{Aggregate, AggregateFunction, GroupedState};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "uniqExact",
        bind,
        doc(
            "uniqExact(x, ...)",
            "Number of different values or combinations of values, exact.",
            "uniqExact(number % 3) FROM numbers(10)",
            "3",
        ),
    )
    .aliases(&["countDistinct"])
    .never_null(),
    AggregateFunction::new(
        "uniqUpTo",
        bind_up_to,
        doc(
            "uniqUpTo(n)(x, ...)",
            "Number of different values if it is at most n, otherwise n + 1.",
            "uniqUpTo(3)(number) FROM numbers(10)",
            "4",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupBitmap",
        bind_bitmap,
        doc(
            "groupBitmap(x)",
            "Number of different whole numbers, in the type of the argument.",
            "groupBitmap(number % 3) FROM numbers(10)",
            "3",
        ),
    )
    .never_null(),
];

fn arguments_of(name: &str, arguments: &[DataType]) -> Result<()> {
    if arguments.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of arguments for aggregate function {name}: expected at least one"
        );
    }
    Ok(())
}

fn bind(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("uniqExact", parameters)?;
    arguments_of("uniqExact", arguments)?;
    Ok(Arc::new(UniqExact {
        ty: DataType::UInt64,
        counts_max: u64::MAX,
    }))
}

fn bind_up_to(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    arguments_of("uniqUpTo", arguments)?;
    let up_to = match parameters {
        [] => 10,
        [n] => positive("uniqUpTo", n, 1)?,
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function uniqUpTo requires one parameter or less"
        ),
    };
    if up_to > 100 {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Too large parameter for aggregate function uniqUpTo. Maximum: 100"
        );
    }
    Ok(Arc::new(UniqExact {
        ty: DataType::UInt64,
        counts_max: up_to + 1,
    }))
}

fn bind_bitmap(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("groupBitmap", parameters)?;
    let ty = one("groupBitmap", arguments)?;
    if !ty.is_integer() || matches!(ty, DataType::UInt128 | DataType::Int128) {
        return illegal("groupBitmap", ty);
    }
    Ok(Arc::new(UniqExact {
        ty: ty.clone(),
        counts_max: u64::MAX,
    }))
}

#[derive(Debug)]
struct UniqExact {
    ty: DataType,
    /// Counting stops here.
    counts_max: u64,
}

impl Aggregate for UniqExact {
    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(UniqExactStates {
            ty: self.ty.clone(),
            counts_max: self.counts_max,
            seen: SeenKeys::default(),
            by_group: OnceLock::new(),
        })
    }
}

struct UniqExactStates {
    ty: DataType,
    counts_max: u64,
    seen: SeenKeys,
    /// The pairs by group, made when states are written.
    by_group: OnceLock<Vec<(u32, u128)>>,
}

impl UniqExactStates {
    #[inline]
    fn insert(&mut self, group: u32, key: u128) {
        if self.counts_max == u64::MAX || self.seen.counts()[group as usize] < self.counts_max {
            self.seen.insert(group, key);
        }
    }

    /// The count, wrapped into the type of the answer.
    fn answer(&self, count: u64) -> Value {
        match self.ty {
            DataType::UInt8 => Value::UInt((count as u8).into()),
            DataType::UInt16 => Value::UInt((count as u16).into()),
            DataType::UInt32 => Value::UInt((count as u32).into()),
            DataType::Int8 => Value::Int((count as i8).into()),
            DataType::Int16 => Value::Int((count as i16).into()),
            DataType::Int32 => Value::Int((count as i32).into()),
            DataType::Int64 => Value::Int(count as i64),
            _ => Value::UInt(count),
        }
    }

    fn add(&mut self, args: &[Column], groups: Groups<'_>) {
        self.by_group.take();
        if self.counts_max == u64::MAX {
            return self.seen.insert_all(args, groups);
        }
        for (row, key) in row_keys(args, groups.rows()).into_iter().enumerate() {
            self.insert(groups.at(row) as u32, key);
        }
    }
}

impl GroupedState for UniqExactStates {
    fn resize(&mut self, groups: usize) {
        self.seen.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.add(args, Groups::Many(groups));
        Ok(())
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.add(args, Groups::One { group, rows });
        Ok(())
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.by_group.take();
        let other = &same::<Self>(other)?.seen;
        if self.counts_max == u64::MAX {
            self.seen.merge(other, map);
            return Ok(());
        }
        for (group, key) in other.iter() {
            self.insert(map[group as usize], key);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        if self.ty == DataType::UInt64 {
            return Ok(Column::native(self.seen.counts().to_vec()));
        }
        let mut out = ColumnBuilder::new(&self.ty, self.seen.counts().len());
        for count in self.seen.counts() {
            out.push(&self.answer(*count))?;
        }
        Ok(Column::Flat(out.finish()))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        Ok(self.answer(self.seen.counts()[group as usize]))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        let pairs = self.by_group.get_or_init(|| {
            let mut pairs: Vec<(u32, u128)> = self.seen.iter().collect();
            pairs.sort_unstable();
            pairs
        });
        let start = pairs.partition_point(|p| p.0 < group);
        let end = pairs.partition_point(|p| p.0 <= group);
        out.push(VERSION);
        let keys: Vec<u128> = pairs[start..end].iter().map(|p| p.1).collect();
        put_numbers(out, &keys);
        Ok(())
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let keys = reader.numbers::<u128>()?;
        reader.end()?;
        self.by_group.take();
        keys.into_iter().for_each(|key| self.insert(group, key));
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.seen.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
