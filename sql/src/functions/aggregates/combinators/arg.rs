//! `-ArgMin` and `-ArgMax`: only the rows whose last argument is the group's smallest or largest.
//!
//! Invariant: a better key starts a new nested state; the old one is never read again.

use std::any::Any;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Nested;
use super::many::Many;
use crate::functions::aggregates::arg::{Best, Offer};
use crate::functions::aggregates::bytes::{Reader, VERSION};
use crate::functions::aggregates::cells::Cells;
use crate::functions::aggregates::nulls::take_masks_off;
use crate::functions::aggregates::numbers::flat_of;
use crate::functions::aggregates::pick::Rule;
use crate::functions::aggregates::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_arg_min(n: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    bind(n, arguments, Rule::Min)
}

pub(super) fn bind_arg_max(n: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    bind(n, arguments, Rule::Max)
}

fn bind(nested: &Nested<'_>, arguments: &[DataType], rule: Rule) -> Result<Arc<dyn Aggregate>> {
    let Some((key, arguments)) = arguments.split_last() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "{}ArgMin and -ArgMax need a key",
            nested.name
        );
    };
    let key = key.without_nullable();
    Ok(Arc::new(ByKey {
        inner: nested.bind(arguments)?.0,
        key,
        rule,
    }))
}

#[derive(Debug)]
struct ByKey {
    inner: Arc<dyn Aggregate>,
    key: DataType,
    rule: Rule,
}

impl Aggregate for ByKey {
    fn return_type(&self) -> DataType {
        self.inner.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(ByKeyStates {
            many: Many::new(&self.inner),
            best: Best::new(&self.key, self.rule),
            current: Vec::new(),
            key: self.key.clone(),
        })
    }
}

struct ByKeyStates {
    many: Many,
    best: Best,
    /// The nested state of each group.
    current: Vec<u32>,
    key: DataType,
}

impl ByKeyStates {
    fn restart(&mut self, group: usize) {
        self.current[group] = self.many.fresh();
    }
}

impl GroupedState for ByKeyStates {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups);
        while self.current.len() < groups {
            let fresh = self.many.fresh();
            self.current.push(fresh);
        }
        self.many.grow();
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        let Some((key, args)) = args.split_last() else {
            return Ok(());
        };
        let (mask, keys) = take_masks_off(std::slice::from_ref(key));
        let rows: Vec<u32> = (0..groups.len() as u32)
            .filter(|&row| mask.as_ref().is_none_or(|m| m[row as usize] == 0))
            .collect();
        let (keys, groups) = (take(&keys[0], &rows), Groups::Many(groups).of_rows(&rows));
        for (group, _) in self.best.update(&keys, Groups::Many(&groups)) {
            self.restart(group as usize);
        }
        let flat = flat_of(&keys);
        let equal = |at: &usize| {
            self.best
                .keys()
                .compare(groups[*at] as usize, &flat, *at)
                .is_eq()
        };
        let chosen: Vec<usize> = (0..groups.len()).filter(equal).collect();
        let numbers: Vec<u32> = chosen
            .iter()
            .map(|&at| self.current[groups[at] as usize])
            .collect();
        let rows: Vec<u32> = chosen.iter().map(|&at| rows[at]).collect();
        let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
        self.many.grow();
        self.many.states.update(&args, &numbers)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        // What lost against ours goes to a state that nobody reads.
        let lost = self.many.fresh();
        let mut numbers = vec![lost; other.many.len()];
        for (from, &to) in map.iter().enumerate().take(other.current.len()) {
            match self.best.offer(to as usize, other.best.keys(), from) {
                Some(Offer::Taken) => self.restart(to as usize),
                Some(Offer::Equal) => {}
                Some(Offer::Worse) | None => continue,
            }
            numbers[other.current[from] as usize] = self.current[to as usize];
        }
        self.many.grow();
        self.many.states.merge(other.many.states.as_ref(), &numbers)
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(take(&self.many.finish()?, &self.current))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        self.many.states.peek(self.current[group as usize])
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.best.keys().write(group as usize, out);
        self.many.write(self.current[group as usize], out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let key = Cells::read(&self.key, &mut reader)?;
        let state = reader.bytes()?;
        reader.end()?;
        match self.best.offer(group as usize, &key, 0) {
            Some(Offer::Taken) => self.restart(group as usize),
            Some(Offer::Equal) => {}
            Some(Offer::Worse) | None => return Ok(()),
        }
        self.many.grow();
        self.many
            .states
            .merge_state(self.current[group as usize], state)
    }

    fn memory_bytes(&self) -> usize {
        self.many.states.memory_bytes() + self.best.keys().memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
