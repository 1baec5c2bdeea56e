//! Stages that work on one batch at a time: filter, project, and rows from arrays.
//!
//! Invariant: a stage keeps the batch's ticket and passes empty batches on.

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::err;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::filter;
use roost_engine::kernels::take::{self, NO_ROW};

use super::batch::Batch;
use super::operator::{Cursor, Operator};
use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::plan::ArrayJoin;

/// Work on one batch.
pub(crate) trait Stage: Send + Sync {
    /// The batch after the stage; it has at least one row before.
    fn apply(&self, batch: Batch) -> Result<Batch>;
    /// Whether row `i` comes out as row `i`.
    fn keeps_rows(&self) -> bool {
        false
    }
}

/// A stage over an operator.
pub(crate) struct Staged {
    pub(crate) input: Arc<dyn Operator>,
    pub(crate) stage: Arc<dyn Stage>,
}

impl Operator for Staged {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(StagedCursor {
            input: self.input.cursor()?,
            stage: self.stage.as_ref(),
        }))
    }

    fn skip(&self, rows: u64) -> u64 {
        match self.stage.keeps_rows() {
            true => self.input.skip(rows),
            false => 0,
        }
    }

    fn is_small(&self) -> bool {
        self.input.is_small()
    }
}

struct StagedCursor<'a> {
    input: Box<dyn Cursor + 'a>,
    stage: &'a dyn Stage,
}

impl Cursor for StagedCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        match self.input.next()? {
            Some(batch) if batch.rows > 0 => self.stage.apply(batch).map(Some),
            other => Ok(other),
        }
    }
}

/// Rows that fulfil a predicate.
pub(crate) struct FilterStage {
    predicate: Evaluator,
}

impl FilterStage {
    pub(crate) fn new(predicate: &Expr, ids: &[ColumnId]) -> Result<Self> {
        Ok(FilterStage {
            predicate: Evaluator::new(std::slice::from_ref(predicate), ids)?,
        })
    }
}

impl Stage for FilterStage {
    fn apply(&self, batch: Batch) -> Result<Batch> {
        let mask = self.predicate.evaluate_one(&batch.columns, batch.rows)?;
        Ok(match filter::selection(&mask)? {
            Some(kept) => batch.take(&kept),
            None => batch,
        })
    }
}

/// Exactly some expressions.
pub(crate) struct ProjectStage {
    exprs: Evaluator,
}

impl ProjectStage {
    pub(crate) fn new(exprs: &[(ColumnId, Expr)], ids: &[ColumnId]) -> Result<Self> {
        let exprs: Vec<Expr> = exprs.iter().map(|(_, e)| e.clone()).collect();
        Ok(ProjectStage {
            exprs: Evaluator::new(&exprs, ids)?,
        })
    }
}

impl Stage for ProjectStage {
    fn apply(&self, batch: Batch) -> Result<Batch> {
        let columns = self.exprs.evaluate(&batch.columns, batch.rows)?;
        Ok(batch.with(columns, batch.rows))
    }

    fn keeps_rows(&self) -> bool {
        true
    }
}

/// A row per element of arrays.
pub(crate) struct ArrayJoinStage {
    arrays: Evaluator,
    left: bool,
}

impl ArrayJoinStage {
    pub(crate) fn new(join: &ArrayJoin, ids: &[ColumnId]) -> Result<Self> {
        let arrays: Vec<Expr> = join.arrays.iter().map(|(_, e)| e.clone()).collect();
        Ok(ArrayJoinStage {
            arrays: Evaluator::new(&arrays, ids)?,
            left: join.left,
        })
    }
}

impl Stage for ArrayJoinStage {
    fn apply(&self, batch: Batch) -> Result<Batch> {
        let arrays = self.arrays.evaluate(&batch.columns, batch.rows)?;
        let flats: Vec<Flat> = arrays.iter().map(Column::to_flat).collect();
        let lists = flats
            .iter()
            .map(Flat::as_array)
            .collect::<Result<Vec<_>>>()?;
        let Some(first) = lists.first() else {
            return Err(Error::bug("ARRAY JOIN without arrays"));
        };
        // Row numbers for the input's columns, element numbers for each array.
        let mut rows: Vec<u32> = Vec::new();
        let mut elements: Vec<Vec<u32>> = vec![Vec::new(); lists.len()];
        for row in 0..batch.rows {
            let (start, end) = first.bounds(row);
            let len = end - start;
            for (list, out) in lists.iter().zip(&mut elements) {
                let (start, end) = list.bounds(row);
                if end - start != len {
                    return Err(err!(
                        SIZES_OF_COLUMNS_DOESNT_MATCH,
                        "Sizes of ARRAY-JOIN-ed arrays do not match"
                    ));
                }
                match len {
                    0 if self.left => out.push(NO_ROW),
                    _ => out.extend(start as u32..end as u32),
                }
            }
            let times = if len == 0 {
                usize::from(self.left)
            } else {
                len
            };
            rows.extend(std::iter::repeat_n(row as u32, times));
        }
        let mut columns: Vec<Column> = batch.columns.iter().map(|c| take::take(c, &rows)).collect();
        for (list, places) in lists.iter().zip(&elements) {
            columns.push(take::take_or_default(list.elements(), places));
        }
        Ok(batch.with(columns, rows.len()))
    }
}
