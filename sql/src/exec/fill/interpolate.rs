//! INTERPOLATE: columns of made rows computed from the row before.
//!
//! Invariant: rows of the input stay as they are; the row before the first one holds defaults.

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take::{self, NO_ROW};

use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::plan::{OutputColumn, Sort};

/// The filled columns with the interpolated ones in their places. `rows` tells which are made.
pub(super) fn interpolate(
    sort: &Sort,
    outputs: &[OutputColumn],
    mut columns: Vec<Column>,
    rows: &[u32],
) -> Result<Vec<Column>> {
    let place = |id: &ColumnId| {
        let at = outputs.iter().position(|o| o.id == *id);
        at.ok_or_else(|| Error::bug("an interpolated column is missing"))
    };
    let (mut copied, mut computed) = (Vec::new(), Vec::new());
    for (id, expr) in &sort.interpolate {
        match expr {
            Expr::Column(own, _) if own == id => copied.push(place(id)?),
            _ => computed.push((place(id)?, expr.clone())),
        }
    }
    let before = last_rows(rows);
    for at in &copied {
        columns[*at] = take::take_or_default(&columns[*at], &before);
    }
    match computed.is_empty() {
        true => Ok(columns),
        false => step_by_step(outputs, columns, rows, &computed),
    }
}

/// For each row the last one that was not made.
fn last_rows(rows: &[u32]) -> Vec<u32> {
    let mut last = NO_ROW;
    let places = rows.iter().enumerate().map(|(i, row)| {
        if *row != NO_ROW {
            last = i as u32;
        }
        last
    });
    places.collect()
}

/// A made row needs the values of the row before it, so it is one row at a time.
fn step_by_step(
    outputs: &[OutputColumn],
    mut columns: Vec<Column>,
    rows: &[u32],
    computed: &[(usize, Expr)],
) -> Result<Vec<Column>> {
    let exprs: Vec<Expr> = computed.iter().map(|(_, e)| e.clone()).collect();
    let ids: Vec<ColumnId> = outputs.iter().map(|o| o.id).collect();
    let evaluator = Evaluator::new(&exprs, &ids)?;
    let defaults = outputs.iter().map(|o| Column::defaults(&o.ty, 1));
    let mut before: Vec<Column> = defaults.collect();
    let mut builders: Vec<ColumnBuilder> = computed
        .iter()
        .map(|(at, _)| ColumnBuilder::new(&outputs[*at].ty, rows.len()))
        .collect();
    for (i, row) in rows.iter().enumerate() {
        let mut current: Vec<Column> = columns.iter().map(|c| c.slice(i, 1)).collect();
        if *row == NO_ROW {
            let values = evaluator.evaluate(&before, 1)?;
            for ((at, _), value) in computed.iter().zip(values) {
                current[*at] = value;
            }
        }
        for ((at, _), builder) in computed.iter().zip(&mut builders) {
            builder.push(&current[*at].value(0))?;
        }
        before = current;
    }
    for ((at, _), builder) in computed.iter().zip(builders) {
        columns[*at] = Column::Flat(builder.finish());
    }
    Ok(columns)
}
