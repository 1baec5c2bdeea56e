//! `-Distinct`: each different row once.
//!
//! Invariant: rows are kept until the end, so that merges of states stay distinct.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::Nested;
use crate::functions::aggregates::bytes::{Reader, VERSION};
use crate::functions::aggregates::collect::{RowLog, Sorted};
use crate::functions::aggregates::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_distinct(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let inner = nested.bind(arguments)?.0;
    Ok(Arc::new(Distinct {
        inner,
        arguments: arguments.to_vec(),
    }))
}

#[derive(Debug)]
struct Distinct {
    inner: Arc<dyn Aggregate>,
    arguments: Vec<DataType>,
}

impl Aggregate for Distinct {
    fn return_type(&self) -> DataType {
        self.inner.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(DistinctStates {
            inner: Arc::clone(&self.inner),
            log: RowLog::new(&self.arguments, None, true),
        })
    }
}

struct DistinctStates {
    inner: Arc<dyn Aggregate>,
    log: RowLog,
}

impl DistinctStates {
    fn answers(&self, rows: &Sorted) -> Result<Column> {
        let mut groups = Vec::with_capacity(rows.offsets.last().copied().unwrap_or(0) as usize);
        for (group, range) in rows.ranges().enumerate() {
            groups.resize(range.end, group as u32);
        }
        let mut states = self.inner.states();
        states.resize(rows.groups());
        states.update(&rows.columns, &groups)?;
        states.finish()
    }
}

impl GroupedState for DistinctStates {
    fn resize(&mut self, groups: usize) {
        self.log.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.log.push(args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.log.push(args, Groups::One { group, rows })
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.log.merge(&same::<Self>(other)?.log, map)
    }

    fn finish(&mut self) -> Result<Column> {
        self.answers(self.log.sorted()?)
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let answer = self.answers(&self.log.of_group(group)?)?;
        match answer.len() {
            1 => Ok(answer.value(0)),
            n => Err(Error::bug(format!("one group gave {n} answers"))),
        }
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.log.write(group, out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        self.log.read(group, &mut reader)?;
        reader.end()
    }

    fn memory_bytes(&self) -> usize {
        self.log.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
