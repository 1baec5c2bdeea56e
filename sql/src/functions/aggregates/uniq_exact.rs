//! `uniqExact`: the number of different values, counted with one set for all groups.
//!
//! Invariant: exact for numbers; other values are told apart by a 128-bit hash.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, VERSION, put_numbers};
use super::check::{doc, no_parameters};
use super::keys::{SeenKeys, row_keys};
use super::states::{Groups, same};
use crate::functions::{Aggregate, AggregateFunction, GroupedState};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[AggregateFunction::new(
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
.never_null()];

fn bind(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("uniqExact", parameters)?;
    if arguments.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of arguments for aggregate function uniqExact: expected at least one"
        );
    }
    Ok(Arc::new(UniqExact))
}

#[derive(Debug)]
struct UniqExact;

impl Aggregate for UniqExact {
    fn return_type(&self) -> DataType {
        DataType::UInt64
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(UniqExactStates::default())
    }
}

#[derive(Default)]
struct UniqExactStates {
    seen: SeenKeys,
    /// The pairs by group, made when states are written.
    by_group: OnceLock<Vec<(u32, u128)>>,
}

impl UniqExactStates {
    fn add(&mut self, args: &[Column], groups: Groups<'_>) {
        self.by_group.take();
        for (row, key) in row_keys(args, groups.rows()).into_iter().enumerate() {
            self.seen.insert(groups.at(row) as u32, key);
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
        for (group, key) in same::<Self>(other)?.seen.iter() {
            self.seen.insert(map[group as usize], key);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::native(self.seen.counts().to_vec()))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        Ok(Value::UInt(self.seen.counts()[group as usize]))
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
        keys.into_iter().for_each(|key| {
            self.seen.insert(group, key);
        });
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.seen.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
