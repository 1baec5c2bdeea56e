//! `-If`: only rows whose last argument is true.
//!
//! Invariant: a NULL condition is false; the nested function never sees the condition.

use std::any::Any;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::filter::selection;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Nested;
use crate::functions::aggregates::nulls::update;
use crate::functions::aggregates::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_if(nested: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let Some((condition, rest)) = arguments.split_last() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {}If requires at least one argument, the condition",
            nested.name
        );
    };
    let plain = condition.without_low_cardinality().without_nullable();
    if !matches!(plain, DataType::UInt8 | DataType::Bool | DataType::Nothing) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {condition} of last argument for aggregate function {}If, must be UInt8",
            nested.name
        );
    }
    Ok(Arc::new(If {
        inner: nested.bind(rest)?.0,
    }))
}

#[derive(Debug)]
struct If {
    inner: Arc<dyn Aggregate>,
}

impl Aggregate for If {
    fn return_type(&self) -> DataType {
        self.inner.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(IfStates {
            inner: self.inner.states(),
        })
    }
}

struct IfStates {
    inner: Box<dyn GroupedState>,
}

impl IfStates {
    fn add(&mut self, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let Some((condition, args)) = args.split_last() else {
            return Ok(());
        };
        match selection(condition)? {
            None => update(self.inner.as_mut(), args, groups),
            Some(rows) if rows.is_empty() => Ok(()),
            Some(rows) => {
                let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
                match groups {
                    Groups::One { group, .. } => self.inner.update_one(&args, rows.len(), group),
                    Groups::Many(_) => self.inner.update(&args, &groups.of_rows(&rows)),
                }
            }
        }
    }
}

impl GroupedState for IfStates {
    fn resize(&mut self, groups: usize) {
        self.inner.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.add(args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.add(args, Groups::One { group, rows })
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
