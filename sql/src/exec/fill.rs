//! WITH FILL: rows for the values that an order misses.
//!
//! Invariant: fillers stand on the grid that starts at FROM (or at the first row) and never take
//! the place of a row; other columns hold defaults, keys before the first filled one are copied.

mod grid;
mod interpolate;

use std::ops::Range;

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::err;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::compare::compare;
use roost_engine::kernels::concat;
use roost_engine::kernels::take::{self, NO_ROW};
use roost_engine::types::{DataType, Value};

use self::grid::Grid;
use super::context::ExecContext;
use crate::expr::Expr;
use crate::plan::{OutputColumn, Sort};

/// Most rows that may be made up.
const MOST_FILLERS: usize = 100_000_000;

/// One key with a grid, or one that only divides rows.
struct Key {
    place: usize,
    grid: Option<Grid>,
}

/// Rows of the answer: where they come from and what a filler's keys are.
#[derive(Default)]
struct Filled {
    /// Row in the input; [`NO_ROW`] for fillers.
    rows: Vec<u32>,
    /// The row whose leading keys a filler copies.
    like: Vec<u32>,
    /// For each grid its value in every filler (in the order of fillers).
    values: Vec<Vec<Value>>,
}

/// Sorted rows with fillers between them.
pub(super) fn fill(
    sort: &Sort,
    outputs: &[OutputColumn],
    columns: &[Column],
    rows: usize,
    ctx: &ExecContext,
) -> Result<(Vec<Column>, usize)> {
    let mut levels = Vec::new();
    for key in &sort.keys {
        let place = match &key.expr {
            Expr::Column(id, _) => outputs.iter().position(|o| o.id == *id),
            _ => None,
        };
        let place = place.ok_or_else(|| Error::not_implemented("WITH FILL of an expression"))?;
        let grid = key.fill.as_ref().map(|fill| Grid::new(key, fill));
        levels.push(Key {
            place,
            grid: grid.transpose()?,
        });
    }
    let prefix = levels.iter().take_while(|k| k.grid.is_none()).count();
    let (prefix, levels) = levels.split_at(prefix);
    let mut filled = Filled {
        values: vec![Vec::new(); levels.len()],
        ..Filled::default()
    };
    let work = Work {
        columns,
        levels,
        ctx,
    };
    for group in groups(columns, prefix, 0..rows) {
        work.level(0, group, &mut Vec::new(), &mut filled)?;
    }
    if rows == 0 {
        work.level(0, 0..0, &mut Vec::new(), &mut filled)?;
    }
    let count = filled.rows.len();
    let out = columns.iter().enumerate().map(|(place, column)| {
        if prefix.iter().any(|k| k.place == place) {
            return Ok(take::take_or_default(column, &filled.like));
        }
        match levels.iter().position(|k| k.place == place) {
            Some(level) => key_column(column, &outputs[place].ty, &filled, level),
            None => Ok(take::take_or_default(column, &filled.rows)),
        }
    });
    let out = out.collect::<Result<Vec<_>>>()?;
    let out = interpolate::interpolate(sort, outputs, out, &filled.rows)?;
    Ok((out, count))
}

/// A filled key: its rows, and the grid's values in fillers.
fn key_column(column: &Column, ty: &DataType, filled: &Filled, level: usize) -> Result<Column> {
    let mut fillers = ColumnBuilder::new(ty, filled.values[level].len());
    for value in &filled.values[level] {
        match value {
            Value::Null => fillers.push_default(),
            value => fillers.push(value)?,
        }
    }
    let both = concat::concat(&[column, &Column::Flat(fillers.finish())], ty)?;
    let mut next = column.len() as u32;
    let places = filled.rows.iter().map(|row| match *row {
        NO_ROW => {
            next += 1;
            next - 1
        }
        row => row,
    });
    Ok(take::take(&both, &places.collect::<Vec<_>>()))
}

/// Runs of rows that are equal in some keys.
fn groups(columns: &[Column], keys: &[Key], rows: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = rows.start;
    for row in rows.clone() {
        let differs = |k: &Key| compare(&columns[k.place], row - 1, &columns[k.place], row).is_ne();
        if row > start && keys.iter().any(differs) {
            out.push(start..row);
            start = row;
        }
    }
    if start < rows.end {
        out.push(start..rows.end);
    }
    out
}

struct Work<'a> {
    columns: &'a [Column],
    levels: &'a [Key],
    ctx: &'a ExecContext,
}

impl Work<'_> {
    /// Fills one key over rows that are equal in the keys before; `above` holds the values of
    /// those in fillers.
    fn level(
        &self,
        level: usize,
        rows: Range<usize>,
        above: &mut Vec<Value>,
        out: &mut Filled,
    ) -> Result<()> {
        let Some(key) = self.levels.get(level) else {
            for row in rows {
                out.rows.push(row as u32);
                out.like.push(row as u32);
            }
            return Ok(());
        };
        let like = rows.start as u32;
        let Some(grid) = &key.grid else {
            return self.divided(level, rows, above, out);
        };
        let column = &self.columns[key.place];
        let mut next = grid.first();
        for group in groups(self.columns, std::slice::from_ref(key), rows.clone()) {
            let value = column.value(group.start);
            if !value.is_null() {
                while let Some(filler) = next.clone().filter(|n| grid.is_before(n, &value)) {
                    if grid.is_over(&filler) {
                        break;
                    }
                    self.filler(level, &filler, like, above, out)?;
                    next = grid.after(&filler);
                }
                if next.as_ref().is_none_or(|n| !grid.is_before(&value, n)) {
                    next = match next {
                        Some(n) if grid.is_before(&n, &value) => Some(n),
                        _ => grid.after(&value),
                    };
                }
            }
            above.push(value);
            self.level(level + 1, group, above, out)?;
            above.pop();
        }
        while let Some(filler) = next.clone().filter(|n| grid.ends() && !grid.is_over(n)) {
            self.filler(level, &filler, like, above, out)?;
            next = grid.after(&filler);
        }
        Ok(())
    }

    /// A key without a grid between filled ones.
    fn divided(
        &self,
        level: usize,
        rows: Range<usize>,
        above: &mut Vec<Value>,
        out: &mut Filled,
    ) -> Result<()> {
        let key = &self.levels[level];
        for group in groups(self.columns, std::slice::from_ref(key), rows) {
            above.push(self.columns[key.place].value(group.start));
            self.level(level + 1, group, above, out)?;
            above.pop();
        }
        Ok(())
    }

    /// One value that no row has: a row of its own, or one for each value of the next grid when
    /// that has both ends.
    fn filler(
        &self,
        level: usize,
        value: &Value,
        like: u32,
        above: &mut Vec<Value>,
        out: &mut Filled,
    ) -> Result<()> {
        if out.rows.len().is_multiple_of(4096) {
            self.ctx.check()?;
        }
        if out.rows.len() >= MOST_FILLERS {
            return Err(err!(
                TOO_MANY_ROWS,
                "WITH FILL would make more than {MOST_FILLERS} rows"
            ));
        }
        above.push(value.clone());
        let below = self.levels.get(level + 1).and_then(|k| k.grid.as_ref());
        match below.filter(|grid| grid.ends() && grid.first().is_some()) {
            Some(grid) => {
                let mut next = grid.first();
                while let Some(inner) = next.filter(|n| !grid.is_over(n)) {
                    self.filler(level + 1, &inner, like, above, out)?;
                    next = grid.after(&inner);
                }
            }
            None => {
                out.rows.push(NO_ROW);
                out.like.push(like);
                for (place, values) in out.values.iter_mut().enumerate() {
                    values.push(above.get(place).cloned().unwrap_or(Value::Null));
                }
            }
        }
        above.pop();
        Ok(())
    }
}
