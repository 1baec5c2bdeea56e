//! `argMin`, `argMax` and the pairs `argAndMin`, `argAndMax`: the first argument where the second is
//! smallest or largest.
//!
//! Invariant: among equals the first row stays; the argument is copied at most once per block and
//! group.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::kernels::take::NO_ROW;
use roost_engine::types::{DataType, Value};
use roost_engine::with_native;

use super::bytes::{Reader, VERSION};
use super::cells::Cells;
use super::check::{doc, no_parameters, two};
use super::numbers::flat_of;
use super::pick::Rule;
use super::states::{Groups, same};
use crate::functions::{Aggregate, AggregateFunction, GroupedState};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "argMin",
        |p, a| bind("argMin", Rule::Min, false, p, a),
        doc(
            "argMin(x, key)",
            "The x of the row with the smallest key.",
            "argMin(toString(number), number) FROM numbers(1, 5)",
            "1",
        ),
    )
    .aliases(&["min_by"]),
    AggregateFunction::new(
        "argMax",
        |p, a| bind("argMax", Rule::Max, false, p, a),
        doc(
            "argMax(x, key)",
            "The x of the row with the largest key.",
            "argMax(toString(number), number) FROM numbers(1, 5)",
            "5",
        ),
    )
    .aliases(&["max_by"]),
    AggregateFunction::new(
        "argAndMin",
        |p, a| bind("argAndMin", Rule::Min, true, p, a),
        doc(
            "argAndMin(x, key)",
            "The x of the row with the smallest key, and the key.",
            "argAndMin('a', number) FROM numbers(1, 5)",
            "('a',1)",
        ),
    ),
    AggregateFunction::new(
        "argAndMax",
        |p, a| bind("argAndMax", Rule::Max, true, p, a),
        doc(
            "argAndMax(x, key)",
            "The x of the row with the largest key, and the key.",
            "argAndMax('a', number) FROM numbers(1, 5)",
            "('a',5)",
        ),
    ),
];

fn bind(
    name: &str,
    rule: Rule,
    pair: bool,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    let (arg, key) = two(name, arguments)?;
    Ok(Arc::new(ArgPick {
        arg: arg.clone(),
        key: key.clone(),
        rule,
        pair,
    }))
}

#[derive(Debug)]
struct ArgPick {
    arg: DataType,
    key: DataType,
    rule: Rule,
    pair: bool,
}

impl Aggregate for ArgPick {
    fn return_type(&self) -> DataType {
        match self.pair {
            true => DataType::tuple(vec![self.arg.clone(), self.key.clone()]),
            false => self.arg.clone(),
        }
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(ArgStates {
            args: Cells::new(&self.arg),
            best: Best::new(&self.key, self.rule),
            types: (self.arg.clone(), self.key.clone()),
            pair: self.pair,
        })
    }
}

/// The best key of each group, and where it was last found.
pub(super) struct Best {
    keys: Cells,
    rule: Rule,
    /// Per group: the row of the running block that holds its best key, [`NO_ROW`] outside of it.
    row: Vec<u32>,
    touched: Vec<u32>,
}

impl Best {
    pub(super) fn new(key: &DataType, rule: Rule) -> Self {
        Best {
            keys: Cells::new(key),
            rule,
            row: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.keys.resize(groups);
        if groups > self.row.len() {
            self.row.resize(groups, NO_ROW);
        }
    }

    pub(super) fn keys(&self) -> &Cells {
        &self.keys
    }

    /// Takes in a block's keys; gives (group, row) for each group whose best key changed.
    pub(super) fn update(&mut self, keys: &Column, groups: Groups<'_>) -> Vec<(u32, u32)> {
        let flat = flat_of(keys);
        with_native!(flat.as_ref(), |values| self.natives(values, groups), other => {
            self.others(other, groups);
        });
        let touched = std::mem::take(&mut self.touched);
        touched
            .iter()
            .map(|&g| (g, std::mem::replace(&mut self.row[g as usize], NO_ROW)))
            .collect()
    }

    fn natives<T: Native>(&mut self, values: &[T], groups: Groups<'_>) {
        let (row, touched, rule) = (&mut self.row, &mut self.touched, self.rule);
        let Some((kept, set)) = self.keys.native::<T>() else {
            return;
        };
        for (i, &v) in values.iter().enumerate() {
            let g = groups.at(i);
            if !set[g] || rule.replaces(v, kept[g]) {
                set[g] = true;
                kept[g] = v;
                if row[g] == NO_ROW {
                    touched.push(g as u32);
                }
                row[g] = i as u32;
            }
        }
    }

    fn others(&mut self, flat: &Flat, groups: Groups<'_>) {
        for i in 0..flat.len() {
            let g = groups.at(i);
            if !self.keys.is_set(g) || self.rule.replaces_by(self.keys.compare(g, flat, i)) {
                self.keys.set(g, flat, i);
                if self.row[g] == NO_ROW {
                    self.touched.push(g as u32);
                }
                self.row[g] = i as u32;
            }
        }
    }

    /// Takes over the other's key when it is better (or ours is missing). Says how they compare:
    /// `None` when the other has no key.
    pub(super) fn offer(&mut self, group: usize, other: &Cells, from: usize) -> Option<Offer> {
        if !other.is_set(from) {
            return None;
        }
        if self.keys.is_set(group) {
            let order = match (self.keys.value_if_float(group), other.value_if_float(from)) {
                (Some(old), Some(new)) if self.rule.replaces(new, old) => None,
                (Some(old), Some(new)) => Some(if old == new {
                    Offer::Equal
                } else {
                    Offer::Worse
                }),
                _ => match self.keys.compare_cells(group, other, from) {
                    order if self.rule.replaces_by(order) => None,
                    std::cmp::Ordering::Equal => Some(Offer::Equal),
                    _ => Some(Offer::Worse),
                },
            };
            if order.is_some() {
                return order;
            }
        }
        self.keys.copy(group, other, from);
        Some(Offer::Taken)
    }
}

/// How another state's key compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is better and stands here now.
    Taken,
    /// It is the same.
    Equal,
    /// Ours is better.
    Worse,
}

struct ArgStates {
    args: Cells,
    best: Best,
    types: (DataType, DataType),
    pair: bool,
}

impl ArgStates {
    fn add(&mut self, args: &[Column], groups: Groups<'_>) {
        for (group, row) in self.best.update(&args[1], groups) {
            let (flat, at) = args[0].entry(row as usize);
            self.args.set(group as usize, flat, at);
        }
    }
}

impl GroupedState for ArgStates {
    fn resize(&mut self, groups: usize) {
        self.args.resize(groups);
        self.best.resize(groups);
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
        let other = same::<Self>(other)?;
        for (from, &to) in map.iter().enumerate().take(other.args.len()) {
            if self.best.offer(to as usize, other.best.keys(), from) == Some(Offer::Taken) {
                self.args.copy(to as usize, &other.args, from);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        let args = Column::Flat(self.args.column()?);
        if !self.pair {
            return Ok(args);
        }
        let keys = Column::Flat(self.best.keys().column()?);
        Ok(Column::Flat(Flat::tuple(
            vec![args, keys],
            self.args.len(),
        )?))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let arg = self.args.value(group as usize);
        Ok(match self.pair {
            true => Value::Tuple(vec![arg, self.best.keys().value(group as usize)]),
            false => arg,
        })
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.best.keys().write(group as usize, out);
        self.args.write(group as usize, out);
        Ok(())
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let key = Cells::read(&self.types.1, &mut reader)?;
        let arg = Cells::read(&self.types.0, &mut reader)?;
        reader.end()?;
        if self.best.offer(group as usize, &key, 0) == Some(Offer::Taken) {
            self.args.copy(group as usize, &arg, 0);
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.args.memory_bytes() + self.best.keys().memory_bytes() + self.best.row.capacity() * 4
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
