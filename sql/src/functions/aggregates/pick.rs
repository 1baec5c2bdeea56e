//! `min`, `max`, `any`, `anyLast` and their names: one cell of the argument per group.
//!
//! Invariant: NaN loses against every number in `min` and `max`; among equals the first stays.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::squeeze::squeeze;
use roost_engine::types::{DataType, Value};
use roost_engine::with_native;

use super::bytes::{Reader, VERSION};
use super::cells::Cells;
use super::check::{doc, illegal, no_parameters, one};
use super::numbers::flat_of;
use super::states::{Groups, same};
use crate::functions::{Aggregate, AggregateFunction, GroupedState};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "min",
        |p, a| bind("min", Rule::Min, p, a),
        doc(
            "min(x)",
            "Smallest value.",
            "min(number) FROM numbers(1, 9)",
            "1",
        ),
    )
    .any_case(),
    AggregateFunction::new(
        "max",
        |p, a| bind("max", Rule::Max, p, a),
        doc(
            "max(x)",
            "Largest value.",
            "max(number) FROM numbers(1, 9)",
            "9",
        ),
    )
    .any_case(),
    AggregateFunction::new(
        "any",
        |p, a| bind("any", Rule::First, p, a),
        doc(
            "any(x)",
            "The first value that was met.",
            "any(7) FROM numbers(3)",
            "7",
        ),
    )
    .aliases(&["any_value", "first_value"])
    .any_case(),
    AggregateFunction::new(
        "anyLast",
        |p, a| bind("anyLast", Rule::Last, p, a),
        doc(
            "anyLast(x)",
            "The last value that was met.",
            "anyLast(number) FROM numbers(3)",
            "2",
        ),
    )
    .aliases(&["last_value"])
    .any_case(),
    AggregateFunction::new(
        "any_respect_nulls",
        |p, a| bind("any_respect_nulls", Rule::First, p, a),
        doc(
            "any_respect_nulls(x)",
            "The first value that was met, be it NULL.",
            "any_respect_nulls(NULL)",
            "\\N",
        ),
    )
    .aliases(&["first_value_respect_nulls", "any_value_respect_nulls"])
    .any_case()
    .with_nulls(),
    AggregateFunction::new(
        "anyLast_respect_nulls",
        |p, a| bind("anyLast_respect_nulls", Rule::Last, p, a),
        doc(
            "anyLast_respect_nulls(x)",
            "The last value that was met, be it NULL.",
            "anyLast_respect_nulls(NULL)",
            "\\N",
        ),
    )
    .aliases(&["last_value_respect_nulls"])
    .any_case()
    .with_nulls(),
];

/// Rows that are taken out of those that do not count at once: few enough for the nearest cache.
const SOME_ROWS: usize = 1024;

/// Which of two cells stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
}

impl Rule {
    /// Whether `new` takes the place of `old`.
    #[inline]
    #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
    pub(crate) fn replaces<T: PartialOrd>(self, new: T, old: T) -> bool {
        match self {
            Rule::Min => new < old || (old != old && new == new),
            Rule::Max => new > old || (old != old && new == new),
            Rule::First => false,
            Rule::Last => true,
        }
    }

    /// Whether a cell takes the place of another that compares to it like this (old to new).
    pub(crate) fn replaces_by(self, old_to_new: Ordering) -> bool {
        match self {
            Rule::Min => old_to_new == Ordering::Greater,
            Rule::Max => old_to_new == Ordering::Less,
            Rule::First => false,
            Rule::Last => true,
        }
    }
}

fn bind(
    name: &'static str,
    rule: Rule,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    let ty = one(name, arguments)?;
    if matches!(rule, Rule::Min | Rule::Max) && matches!(ty, DataType::AggregateFunction(_)) {
        return illegal(name, ty);
    }
    Ok(Arc::new(Pick {
        ty: ty.clone(),
        rule,
    }))
}

#[derive(Debug)]
struct Pick {
    ty: DataType,
    rule: Rule,
}

impl Aggregate for Pick {
    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn takes_masks(&self) -> bool {
        true
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(PickStates {
            ty: self.ty.clone(),
            rule: self.rule,
            cells: Cells::new(&self.ty),
        })
    }
}

struct PickStates {
    ty: DataType,
    rule: Rule,
    cells: Cells,
}

impl PickStates {
    fn add(&mut self, column: &Column, groups: Groups<'_>) {
        let rows = groups.rows();
        // Of one repeated value, or where only one end counts, one row is enough.
        if let (Groups::One { group, .. }, true) = (groups, rows > 0) {
            let row = match (column, self.rule) {
                (Column::Const { .. }, _) | (_, Rule::First) => Some(0),
                (_, Rule::Last) => Some(rows - 1),
                _ => None,
            };
            if let Some(row) = row {
                return self.offer(group as usize, column, row);
            }
        }
        if let Column::Dict(_) = column {
            return (0..rows).for_each(|row| self.offer(groups.at(row), column, row));
        }
        let flat = flat_of(column);
        let rule = self.rule;
        with_native!(flat.as_ref(), |values| pick_natives(&mut self.cells, rule, values, groups),
            _other => (0..rows).for_each(|row| self.offer_flat(groups.at(row), &flat, row)));
    }

    /// Of the rows that stand in `mask`; some do.
    fn add_masked(&mut self, column: &Column, mask: &Mask, group: usize) {
        let Some((first, last)) = mask.ends() else {
            return;
        };
        match (column, self.rule) {
            (Column::Const { .. }, _) | (_, Rule::First) => self.offer(group, column, first),
            (_, Rule::Last) => self.offer(group, column, last),
            (Column::Flat(flat), rule) => {
                let cells = &mut self.cells;
                with_native!(flat, |values| pick_masked(cells, rule, values, mask, group),
                    _other => self.add_rows(column, mask, group));
            }
            _ => self.add_rows(column, mask, group),
        }
    }

    fn add_rows(&mut self, column: &Column, mask: &Mask, group: usize) {
        let rows = mask.numbers(0).into_iter();
        rows.for_each(|row| self.offer(group, column, row as usize));
    }

    fn offer(&mut self, group: usize, column: &Column, row: usize) {
        let (flat, at) = column.entry(row);
        self.offer_flat(group, flat, at);
    }

    fn offer_flat(&mut self, group: usize, flat: &Flat, row: usize) {
        let takes = match (self.cells.is_set(group), self.rule) {
            (false, _) | (_, Rule::Last) => true,
            (_, Rule::First) => false,
            (_, rule) => match flat {
                Flat::F32(v) => self.float_replaces(group, v[row].into()),
                Flat::F64(v) => self.float_replaces(group, v[row]),
                _ => rule.replaces_by(self.cells.compare(group, flat, row)),
            },
        };
        if takes {
            self.cells.set(group, flat, row);
        }
    }

    fn float_replaces(&self, group: usize, new: f64) -> bool {
        let old = self.cells.value(group).as_f64().unwrap_or(f64::NAN);
        self.rule.replaces(new, old)
    }

    fn offer_cell(&mut self, group: usize, other: &Cells, from: usize) {
        if !other.is_set(from) {
            return;
        }
        let takes = !self.cells.is_set(group)
            || match (self.rule, other.value_if_float(from)) {
                (Rule::Min | Rule::Max, Some(new)) => self.float_replaces(group, new),
                (rule, _) => rule.replaces_by(self.cells.compare_cells(group, other, from)),
            };
        if takes {
            self.cells.copy(group, other, from);
        }
    }
}

fn pick_natives<T: Native>(cells: &mut Cells, rule: Rule, values: &[T], groups: Groups<'_>) {
    let Some((kept, set)) = cells.native::<T>() else {
        return;
    };
    match groups {
        Groups::One { group, .. } => {
            let Some((&first, rest)) = values.split_first() else {
                return;
            };
            let best = match rule {
                Rule::Min => rest
                    .iter()
                    .fold(first, |b, &v| if rule.replaces(v, b) { v } else { b }),
                _ => rest
                    .iter()
                    .fold(first, |b, &v| if Rule::Max.replaces(v, b) { v } else { b }),
            };
            let group = group as usize;
            if !set[group] || rule.replaces(best, kept[group]) {
                set[group] = true;
                kept[group] = best;
            }
        }
        Groups::Many(groups) => {
            let mut run = |rule: Rule| {
                for (&g, &v) in groups.iter().zip(values) {
                    let g = g as usize;
                    if !set[g] || rule.replaces(v, kept[g]) {
                        set[g] = true;
                        kept[g] = v;
                    }
                }
            };
            // One loop per rule, so that the comparison is known inside of it.
            match rule {
                Rule::Min => run(Rule::Min),
                Rule::Max => run(Rule::Max),
                Rule::First => run(Rule::First),
                Rule::Last => run(Rule::Last),
            }
        }
    }
}

fn pick_masked<T: Native>(cells: &mut Cells, rule: Rule, values: &[T], mask: &Mask, group: usize) {
    let one = Groups::One {
        group: group as u32,
        rows: 0,
    };
    let mut some = Vec::with_capacity(SOME_ROWS);
    for start in (0..values.len()).step_by(SOME_ROWS) {
        let end = values.len().min(start + SOME_ROWS);
        some.clear();
        some.extend_from_slice(&values[start..end]);
        squeeze(&mut some, 0, &mask.cut(start..end));
        pick_natives(cells, rule, &some, one);
    }
}

impl GroupedState for PickStates {
    fn resize(&mut self, groups: usize) {
        self.cells.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.add(&args[0], Groups::Many(groups));
        Ok(())
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.add(&args[0], Groups::One { group, rows });
        Ok(())
    }

    fn update_masked(&mut self, args: &[Column], mask: &Mask, group: u32) -> Result<()> {
        self.add_masked(&args[0], mask, group as usize);
        Ok(())
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        for (from, &to) in map.iter().enumerate().take(other.cells.len()) {
            self.offer_cell(to as usize, &other.cells, from);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(self.cells.column()?))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        Ok(self.cells.value(group as usize))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.cells.write(group as usize, out);
        Ok(())
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let read = Cells::read(&self.ty, &mut reader)?;
        reader.end()?;
        self.offer_cell(group as usize, &read, 0);
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.cells.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
