//! States of aggregate functions as the engine's merges combine them.
//!
//! Invariant: what `finish` gives has the shape of the column's type.

use std::sync::Arc;

use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::{MergeStates, StateFactory};
use roost_engine::types::DataType;

use crate::functions::aggregates::{bind_aggregate, bind_aggregate_type};
use crate::functions::{Aggregate, GroupedState};

/// How merges combine values of `ty`.
pub(super) fn state_factory(ty: &DataType) -> Result<Arc<dyn StateFactory>> {
    let (aggregate, stored) = match ty {
        DataType::AggregateFunction(function) => (bind_aggregate_type(function)?, true),
        DataType::SimpleAggregateFunction(function, inner) => {
            let arguments = [inner.as_ref().clone()];
            let (aggregate, _) = bind_aggregate(function, &[], &arguments)?;
            let answer = aggregate.return_type();
            if answer.physical() != inner.physical() {
                let message = format!(
                    "{ty}: the function answers {answer}, which a column of {inner} cannot hold"
                );
                return Err(Error::new(Code::BAD_ARGUMENTS, message));
            }
            (aggregate, false)
        }
        other => {
            return Err(Error::bug(format!("{other} has no states to merge")));
        }
    };
    Ok(Arc::new(Factory { aggregate, stored }))
}

#[derive(Debug)]
struct Factory {
    aggregate: Arc<dyn Aggregate>,
    /// Whether the column holds states, not values.
    stored: bool,
}

impl StateFactory for Factory {
    fn states(&self) -> Box<dyn MergeStates> {
        Box::new(States {
            states: self.aggregate.states(),
            stored: self.stored,
            groups: 0,
        })
    }
}

struct States {
    states: Box<dyn GroupedState>,
    stored: bool,
    groups: usize,
}

impl MergeStates for States {
    fn merge(&mut self, states: &Column, groups: &[u32], n_groups: usize) -> Result<()> {
        self.groups = self.groups.max(n_groups);
        self.states.resize(self.groups);
        if !self.stored {
            return self.states.update(std::slice::from_ref(states), groups);
        }
        for (row, &group) in groups.iter().enumerate() {
            let (entries, at) = states.entry(row);
            match entries.bytes_at(at) {
                // The default of a column of states: the state of no rows.
                [] => {}
                bytes => self.states.merge_state(group, bytes)?,
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        if !self.stored {
            return self.states.finish();
        }
        let mut out = BytesBuilder::with_capacity(self.groups, self.groups * 16);
        for group in 0..self.groups as u32 {
            self.states.write_state(group, out.tail())?;
            out.end();
        }
        Ok(Column::Flat(Flat::Bytes(out.finish())))
    }
}

#[cfg(test)]
mod tests {
    use roost_engine::types::{Value, text};

    use super::*;

    #[test]
    fn simple_functions_merge_values() {
        let ty = text::parse("SimpleAggregateFunction(max, UInt64)").unwrap();
        let mut states = state_factory(&ty).unwrap().states();
        let column = Column::native(vec![3u64, 9, 4]);
        states.merge(&column, &[0, 0, 1], 2).unwrap();
        let merged = states.finish().unwrap();
        assert_eq!(
            (merged.value(0), merged.value(1)),
            (Value::UInt(9), Value::UInt(4))
        );
        let narrow = text::parse("SimpleAggregateFunction(sum, UInt8)").unwrap();
        assert!(state_factory(&narrow).is_err());
    }

    #[test]
    fn stored_states_merge_and_empty_ones_count_nothing() {
        let ty = text::parse("AggregateFunction(sum, UInt64)").unwrap();
        let factory = state_factory(&ty).unwrap();
        let aggregate = bind_aggregate("sum", &[], &[DataType::UInt64]).unwrap().0;
        let mut one = aggregate.states();
        one.resize(1);
        one.update(&[Column::native(vec![5u64])], &[0]).unwrap();
        let mut bytes = Vec::new();
        one.write_state(0, &mut bytes).unwrap();
        let stored: roost_engine::column::BytesColumn =
            [&bytes[..], &[], &bytes[..]].into_iter().collect();
        let mut states = factory.states();
        let column = Column::Flat(Flat::Bytes(stored));
        states.merge(&column, &[0, 0, 0], 1).unwrap();
        let merged = states.finish().unwrap();
        let mut end = aggregate.states();
        end.resize(1);
        end.merge_state(0, merged.value(0).as_bytes().unwrap())
            .unwrap();
        assert_eq!(end.finish().unwrap().value(0), Value::UInt(10));
    }
}
